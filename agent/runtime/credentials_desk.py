"""The desk of one upstream: its commands about credentials, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from agent.credentials.choice import Choice, News
from agent.credentials.folder import CredentialsFolder
from agent.credentials.holdings import Holdings, Trial
from agent.settings.addresses import SecurityProfile
from agent.vocabulary.commands import RaiseSecurityProfile, Result, ResultStatus, SetPassword
from agent.vocabulary.effects import HandleCredentials
from agent.vocabulary.inputs import CredentialsAnswered, CredentialsInForce, Input, SecurityEventSeen
from agent.vocabulary.security import SecurityEventKind

_ACCEPTED: Final = Result(ResultStatus.ACCEPTED)
_WITH_PASSWORD: Final = (SecurityProfile.BASIC, SecurityProfile.TLS_BASIC)


@dataclass(frozen=True, slots=True)
class World:
    """What a desk needs of the agent."""

    post: Callable[[Input], None]
    note: Callable[[str], None]
    """A line for the log."""
    wall_ms: Callable[[], int | None]
    cpo_name: Callable[[], str]
    serial_number: str = ""
    single_root: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command comes to."""

    result: Result
    csr_pem: str = ""
    reconnect: str = ""
    changed: str = ""
    """The security parameter that is another now; empty: none."""


def refusal(reason: str, status: ResultStatus = ResultStatus.REJECTED) -> Reply:
    """Nothing was changed."""
    return Reply(Result(status, reason))


class Desk:
    """One upstream's. `run` is its task; the rest returns at once."""

    def __init__(self, choice: Choice, manufacturer: CredentialsFolder, world: World) -> None:
        self._choice = choice
        self._manufacturer = manufacturer
        self._world = world
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
            self._world.post(CredentialsInForce(upstream, news.profile))
        if news.raised_to is not None:
            self._reconfigured(f"security profile {news.raised_to} has connected and stays")

    async def run(self) -> None:
        """Work off the queue until cancelled."""
        while True:
            job = await self._queue.get()
            if job is None:
                await self._write_down()
            else:
                await self._serve(job)

    async def _write_down(self) -> None:
        try:
            await asyncio.to_thread(self._choice.folder.save, self._choice.holdings)
        except OSError as error:
            self._world.note(f"what worked could not be written down ({error.strerror})")

    async def _serve(self, effect: HandleCredentials) -> None:
        profile = self._choice.profile
        try:
            reply = await self._reply(effect)
        except OSError as error:
            reply = refusal(f"the disk refuses ({error.strerror})")
        except Exception as mistake:  # a mistake of ours must not leave the upstream without an answer
            self._world.note(f"a mistake of ours: {type(mistake).__name__}: {mistake}")
            reply = refusal("internal error")
        upstream = effect.upstream
        self._world.post(CredentialsAnswered(upstream, effect.call, reply.result, reply.csr_pem, reply.reconnect))
        if reply.changed:
            self._reconfigured(reply.changed)
        if self._choice.profile != profile:
            self._world.post(CredentialsInForce(upstream, self._choice.profile))

    async def _reply(self, effect: HandleCredentials) -> Reply:
        match effect.command:
            case SetPassword():
                return await self._set_password(effect.command)
            case RaiseSecurityProfile():
                return await self._raise_profile(effect.command.profile)
            case _:
                return refusal("not done here", ResultStatus.NOT_SUPPORTED)

    async def _set_password(self, command: SetPassword) -> Reply:
        def change(held: Holdings) -> Holdings:
            proven = self._choice.password if held.remembered is not None else None
            previous = proven if proven not in (None, command.password) else held.previous
            return replace(held, live=command.password, previous=previous, remembered=None)

        await self._keep(change)
        used = self._choice.profile in _WITH_PASSWORD
        return Reply(_ACCEPTED, reconnect="a new password" if used else "", changed="AuthorizationKey was changed")

    async def _raise_profile(self, profile: int) -> Reply:
        if reason := self._why_not(profile):
            return refusal(reason)
        await self._keep(lambda held: replace(held, trial=Trial(profile)))
        changed = f"SecurityProfile was raised to {profile}"
        return Reply(_ACCEPTED, reconnect=f"security profile {profile}", changed=changed)

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

    async def _keep(self, change: Callable[[Holdings], Holdings]) -> None:
        """Onto the disk, then in force. Raises OSError, with nothing changed.

        An attempt to dial may change what is held while the disk works: then it is done again upon that.
        """
        choice = self._choice
        while True:
            before = choice.holdings
            after = change(before)
            await asyncio.to_thread(choice.folder.save, after)
            if choice.holdings is before:
                choice.adopt(after)
                return

    def _reconfigured(self, text: str) -> None:
        kind = SecurityEventKind.RECONFIGURATION_OF_SECURITY_PARAMETERS
        self._world.post(SecurityEventSeen(kind, text, self._choice.address.id))
