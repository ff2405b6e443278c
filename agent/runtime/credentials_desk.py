"""The desk of one upstream: its commands about credentials, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from agent.credentials.child import ChildFailed
from agent.credentials.choice import Choice, News
from agent.credentials.folder import CredentialsFolder
from agent.credentials.holdings import Holdings, Trial
from agent.runtime.credentials_certificates import Certificates
from agent.runtime.credentials_moving import LONGEST_TRIAL_S, Mover
from agent.runtime.credentials_world import ACCEPTED, Reply, World, keep, refusal
from agent.settings.addresses import SecurityProfile
from agent.vocabulary.commands import (
    CommandKind,
    DeleteCertificate,
    InstallRoot,
    ListRoots,
    RaiseSecurityProfile,
    RenewCertificate,
    ResultStatus,
    SetOwnUrl,
    SetPassword,
    TakeCertificate,
)
from agent.vocabulary.effects import HandleCredentials
from agent.vocabulary.inputs import CredentialsAnswered, CredentialsInForce, SecurityEventSeen
from agent.vocabulary.security import SecurityEventKind

LOOK_EVERY_S: Final = 3_600.0
"""How often it is asked whether a certificate is about to expire."""
_IF_IMPOSSIBLE: Final[Mapping[CommandKind, ResultStatus]] = {
    CommandKind.INSTALL_ROOT: ResultStatus.FAILED,
    CommandKind.INSTALL_MANUFACTURER_ROOT: ResultStatus.FAILED,
    CommandKind.DELETE_CERTIFICATE: ResultStatus.FAILED,
    CommandKind.LIST_ROOTS: ResultStatus.NOT_FOUND,
    CommandKind.LIST_MANUFACTURER_ROOTS: ResultStatus.NOT_FOUND,
}
"""What is answered when disk or child process fail, where it is not `Rejected`."""
_WITH_PASSWORD: Final = (SecurityProfile.BASIC, SecurityProfile.TLS_BASIC)


class Desk:
    """One upstream's. `run` is its task; the rest returns at once."""

    def __init__(self, choice: Choice, manufacturer: CredentialsFolder, world: World) -> None:
        self._choice = choice
        self._world = world
        self._certificates = Certificates(choice, manufacturer, world)
        self._mover = Mover(choice, world)
        self._queue: asyncio.Queue[HandleCredentials | None] = asyncio.Queue()
        """None: what is held now is to be written down."""

    @property
    def waiting(self) -> int:
        """How much is still to be done."""
        return self._queue.qsize()

    def put(self, effect: HandleCredentials) -> None:
        """Take a command."""
        self._queue.put_nowait(effect)

    def changed(self, news: News) -> None:
        """An attempt to dial has changed something: write it down, and tell what follows."""
        self._queue.put_nowait(None)
        upstream = self._choice.address.id
        if news.fell_back_from is not None:
            text = f"security profile {news.fell_back_from} could not connect; {news.profile} is in force again"
            self._reconfigured(text)
            self._world.note(text)
            self._world.post(CredentialsInForce(upstream, news.profile, self._choice.present().url))
        if news.raised_to is not None:
            self._reconfigured(f"security profile {news.raised_to} has connected and stays")

    async def run(self) -> None:
        """Work off the queue until cancelled; look now and then whether a certificate is about to expire.

        However much is asked meanwhile: a backend that asks something every hour must not let it expire.
        """
        loop = asyncio.get_running_loop()
        look_at_s, moved_by_s = loop.time() + LOOK_EVERY_S, loop.time() + LONGEST_TRIAL_S
        while True:
            try:
                async with asyncio.timeout_at(min(look_at_s, moved_by_s) if self._mover.is_moving else look_at_s):
                    job = await self._queue.get()
            except TimeoutError:
                if self._mover.is_moving and loop.time() >= moved_by_s:
                    await self._move_back()
                    continue
                look_at_s = loop.time() + LOOK_EVERY_S
                self._show_what_has_begun()
                await self._renew_if_due()
                continue
            try:
                if job is None:
                    await self._write_down()
                else:
                    await self._serve(job)
            finally:
                self._queue.task_done()

    def registered(self) -> None:
        """The station is accepted on the present link: a new URL that it was tried at stays."""
        if self._mover.registered():
            self._queue.put_nowait(None)
            self._tell_in_force()

    async def _move_back(self) -> None:
        why = self._mover.give_up()
        self._tell_in_force()
        self._world.post(CredentialsAnswered(self._choice.address.id, None, ACCEPTED, reconnect=why))
        await self._write_down()

    def _tell_in_force(self) -> None:
        choice = self._choice
        self._world.post(CredentialsInForce(choice.address.id, choice.profile, choice.present().url))

    async def done(self) -> None:
        """Wait until everything that was put here is done."""
        await self._queue.join()

    def _show_what_has_begun(self) -> None:
        if self._certificates.has_begun():
            why = "the time of the new client certificate has come"
            self._world.post(CredentialsAnswered(self._choice.address.id, None, ACCEPTED, reconnect=why))

    async def _renew_if_due(self) -> None:
        try:
            due = await self._certificates.is_renewal_due()
        except (OSError, ValueError, ChildFailed) as error:
            self._world.note(f"until when the client certificate is valid cannot be read ({type(error).__name__})")
            return
        if due:
            self._world.note("the client certificate is about to expire: a new one is asked for")
            await self._serve(HandleCredentials(self._choice.address.id, None, RenewCertificate()))

    async def _write_down(self) -> None:
        try:
            await asyncio.to_thread(self._choice.folder.save, self._choice.holdings)
        except OSError as error:
            self._world.note(f"what worked could not be written down ({error.strerror})")

    async def _serve(self, effect: HandleCredentials) -> None:
        profile, upstream = self._choice.profile, effect.upstream
        reply = await self._safely(effect)
        result = reply.result
        self._world.post(CredentialsAnswered(upstream, effect.call, result, reply.csr_pem, reply.reconnect))
        if result.reason:
            self._world.note(f"{effect.command.kind} was refused: {result.reason}")
        if reply.event is not None:
            self._world.post(SecurityEventSeen(reply.event, result.reason, upstream))
        if reply.changed:
            self._reconfigured(reply.changed)
        if self._choice.profile != profile:
            self._tell_in_force()

    async def _safely(self, effect: HandleCredentials) -> Reply:
        """Whatever happens, the upstream gets an answer."""
        status = _IF_IMPOSSIBLE.get(effect.command.kind, ResultStatus.REJECTED)
        try:
            return await self._reply(effect)
        except OSError as error:
            return refusal(f"the disk refuses ({error.strerror})", status)
        except ChildFailed as error:
            return refusal(str(error), status)
        except Exception as mistake:
            return refusal(f"a mistake of ours: {type(mistake).__name__}", status)

    async def _reply(self, effect: HandleCredentials) -> Reply:
        match effect.command:
            case SetPassword() as command:
                return await self._set_password(command)
            case RaiseSecurityProfile(profile):
                return await self._raise_profile(profile)
            case InstallRoot() as command:
                return await self._certificates.install(command)
            case ListRoots() as command:
                return await self._certificates.list_roots(command)
            case DeleteCertificate() as command:
                return await self._certificates.delete(command)
            case TakeCertificate() as command:
                return await self._certificates.take(command)
            case RenewCertificate():
                return await self._certificates.renew()
            case SetOwnUrl() as command:
                return await self._mover.ask(command)

    async def _set_password(self, command: SetPassword) -> Reply:
        def change(held: Holdings) -> Holdings:
            proven = self._choice.password if held.remembered is not None else None
            previous = proven if proven not in (None, command.password) else held.previous
            return replace(held, live=command.password, previous=previous, remembered=None)

        await keep(self._choice, change)
        used = self._choice.profile in _WITH_PASSWORD
        return Reply(ACCEPTED, reconnect="a new password" if used else "", changed="AuthorizationKey was changed")

    async def _raise_profile(self, profile: int) -> Reply:
        if reason := self._why_not(profile):
            return refusal(reason)
        await keep(self._choice, lambda held: replace(held, trial=Trial(profile)))
        changed = f"SecurityProfile was raised to {profile}"
        return Reply(ACCEPTED, reconnect=f"security profile {profile}", changed=changed)

    def _why_not(self, profile: int) -> str:
        """Why a profile cannot be raised to this one (OCPP 1.6 security extension, A05.FR.02 to 06)."""
        choice = self._choice
        if profile <= choice.profile:
            return f"security profile {choice.profile} is in force, and it is never lowered by a backend"
        if profile in _WITH_PASSWORD and choice.password is None:
            return "there is no AuthorizationKey"
        if profile in _WITH_PASSWORD and ":" in choice.address.identity:
            return "the identity has a colon, which HTTP Basic cannot carry"
        if profile >= SecurityProfile.TLS_BASIC and not choice.can_authenticate_server:
            return "there is no root to verify the server by"
        if profile == SecurityProfile.MUTUAL_TLS and not choice.usable_certificates():
            return "there is no client certificate"
        return ""

    def _reconfigured(self, text: str) -> None:
        kind = SecurityEventKind.RECONFIGURATION_OF_SECURITY_PARAMETERS
        self._world.post(SecurityEventSeen(kind, text, self._choice.address.id))
