"""What one upstream asks about certificates: roots to trust, and the certificate that the station shows.

Theory of operation
-------------------
Roots that an upstream installs are its own; those of the manufacturer belong to the station, and only management gets
here with them (the permission table says so). A file is written before holdings name it. A key is made where it stays;
its certificate is asked for, and what comes back is judged against it. The newest certificate is shown; the one before
is kept as a fallback (see `Choice`).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Final

from agent.credentials.choice import Choice
from agent.credentials.folder import CredentialsFolder
from agent.credentials.holdings import ClientCertificate, Holdings, Root
from agent.credentials.requests import (
    Answer,
    CheckChain,
    CheckRoot,
    Found,
    HashCertificates,
    Hashes,
    Made,
    MakeKey,
    Refused,
    Request,
)
from agent.runtime.credentials_world import ACCEPTED, Reply, World, keep, refusal
from agent.settings.addresses import SYSTEM_TRUST, SecurityProfile
from agent.vocabulary.certificates import (
    MAXIMUM_CHAIN_CHARACTERS,
    MAXIMUM_ROOTS,
    CertificateHash,
    CertificateUse,
    HashAlgorithm,
)
from agent.vocabulary.commands import DeleteCertificate, InstallRoot, ListRoots, Result, ResultStatus, TakeCertificate
from agent.vocabulary.ids import MANAGEMENT
from agent.vocabulary.security import SecurityEventKind

RENEW_BEFORE_MS: Final = 30 * 86_400_000
"""A certificate is renewed so long before it expires (OCPP 1.6 security extension, A02)."""
RENEW_EVERY_MS: Final = 86_400_000
"""One attempt in so long, whatever becomes of it."""
OLDER_KEPT: Final = 2
"""Of the older certificates, so many that have opened a link and as many that have not stay as fallbacks."""


class Certificates:
    """One upstream's. Every method may raise OSError and ChildFailed, with nothing changed."""

    def __init__(self, choice: Choice, manufacturer: CredentialsFolder, world: World) -> None:
        self._choice = choice
        self._manufacturer = manufacturer
        self._world = world
        self._waiting: set[str] = set()
        """Certificates that were seen before their time."""
        self._settings_end_ms: int | None = None

    async def install(self, command: InstallRoot) -> Reply:
        """InstallCertificate (OCPP 1.6 security extension, M05)."""
        own = command.use is CertificateUse.CENTRAL_SYSTEM_ROOT
        held = self._choice.holdings if own else await self._of_manufacturer()
        issuers = self._choice.trust_files if own else ()
        single = own and self._world.single_root and bool(issuers)
        earliest_ms, latest_ms = self._times()
        found = await self._ask(CheckRoot(command.pem, earliest_ms, latest_ms, issuers, single))
        if not isinstance(found, Found):
            event = SecurityEventKind.INVALID_CENTRAL_SYSTEM_CERTIFICATE if own else None
            return replace(refusal(_reason(found)), event=event)
        if found.name in {root.name for root in held.roots}:
            return Reply(ACCEPTED)
        if len(held.roots) >= MAXIMUM_ROOTS:
            return refusal(f"there are {MAXIMUM_ROOTS} roots already; delete one first")
        folder = self._choice.folder if own else self._manufacturer
        await asyncio.to_thread(folder.write_root, found.name, found.pem)
        if own:
            await keep(self._choice, lambda now: _with_root(now, found.name, single))
        else:
            await asyncio.to_thread(folder.save, _with_root(held, found.name, False))
        return Reply(ACCEPTED, changed=f"a {command.use} was installed")

    async def list_roots(self, command: ListRoots) -> Reply:
        """GetInstalledCertificateIds (M03)."""
        files = await self._root_files(command.use)
        hashes = await self._hashes(HashAlgorithm.SHA256, files, ())
        if not hashes.certificates:
            return refusal("there is none", ResultStatus.NOT_FOUND)
        return Reply(Result(ResultStatus.ACCEPTED, certificates=hashes.certificates))

    async def delete(self, command: DeleteCertificate) -> Reply:
        """DeleteCertificate (M04)."""
        choice, folder = self._choice, self._choice.folder
        central = await self._root_files(CertificateUse.CENTRAL_SYSTEM_ROOT)
        of_station = await self._root_files(CertificateUse.MANUFACTURER_ROOT) if self._is_management else ()
        leaves = tuple(str(folder.certificate(one.name)) for one in choice.holdings.certificates)
        leaves += (choice.address.certificate,) if choice.address.certificate else ()
        hashes = await self._hashes(command.named.algorithm, central + of_station, leaves)
        matching = [
            (file, name)
            for found, file, name in zip(hashes.certificates, hashes.files, hashes.names, strict=True)
            if _normal(found) == _normal(command.named)
        ]
        if not matching:
            return refusal("there is no such certificate", ResultStatus.NOT_FOUND)
        if reason := self._why_kept(matching, leaves):
            return refusal(reason, ResultStatus.FAILED)
        names = {name for _, name in matching}
        if any(file in of_station for file, _ in matching):
            held = await self._of_manufacturer()
            await asyncio.to_thread(self._forget, held, names)
        else:
            await keep(choice, lambda now: _without_roots(now, names))
        return Reply(ACCEPTED, changed="a root was deleted")

    async def renew(self) -> Reply:
        """Make a new key, and ask for its certificate (A02, A03)."""
        organisation, serial_number = self._world.cpo_name(), self._world.serial_number
        if not organisation:
            return refusal("CpoName is not set, and a certificate must name the operator")
        if not serial_number:
            return refusal("this station has no serial number, which its certificate must name")
        folder, name = self._choice.folder, self._world.new_name()
        await asyncio.to_thread(folder.prepare)
        made = await self._ask(MakeKey(str(folder.key(name)), serial_number, organisation))
        if not isinstance(made, Made):
            return refusal(_reason(made))
        now_ms = self._world.wall_ms()
        await keep(self._choice, lambda held: replace(held, pending_key=name, renewal_tried_ms=now_ms))
        return Reply(ACCEPTED, csr_pem=made.csr_pem)

    async def take(self, command: TakeCertificate) -> Reply:
        """CertificateSigned (A02, A03)."""
        choice, name = self._choice, self._choice.holdings.pending_key
        if len(command.chain_pem) > MAXIMUM_CHAIN_CHARACTERS:
            return refusal(f"the chain has more than {MAXIMUM_CHAIN_CHARACTERS} characters")
        if not name:
            return _invalid("no certificate was asked for")
        earliest_ms, latest_ms = self._times()
        found = await self._ask(
            CheckChain(
                command.chain_pem,
                str(choice.folder.key(name)),
                earliest_ms,
                latest_ms,
                choice.trust_files,
                self._world.serial_number,
                self._world.cpo_name(),
            )
        )
        if not isinstance(found, Found):
            return _invalid(_reason(found))
        await asyncio.to_thread(choice.folder.write_certificate, name, found.pem)
        taken = ClientCertificate(name, found.not_before_ms, found.not_after_ms)
        await keep(choice, lambda held: _with_certificate(held, taken, earliest_ms))
        shown = choice.profile == SecurityProfile.MUTUAL_TLS and taken in choice.usable_certificates()
        return Reply(
            ACCEPTED,
            reconnect="a new client certificate" if shown else "",
            changed="a client certificate was installed",
        )

    async def is_renewal_due(self) -> bool:
        """The certificate that is shown is about to expire, and nothing was tried today."""
        held, now_ms = self._choice.holdings, self._world.wall_ms()
        if now_ms is None:
            return False
        tried_ms = held.renewal_tried_ms
        if tried_ms is not None and 0 <= now_ms - tried_ms < RENEW_EVERY_MS:
            return False
        ends_ms = held.certificates[0].not_after_ms if held.certificates else await self._end_of_the_settings_own()
        return ends_ms is not None and now_ms > ends_ms - RENEW_BEFORE_MS

    def has_begun(self) -> bool:
        """The time of the newest certificate has come, and the link still shows another. True once for each."""
        choice, now_ms = self._choice, self._world.wall_ms()
        if now_ms is None or choice.profile != SecurityProfile.MUTUAL_TLS or not choice.holdings.certificates:
            return False
        newest = choice.holdings.certificates[0]
        if newest.name in self._waiting and newest.not_before_ms <= now_ms:
            self._waiting.discard(newest.name)
            return newest != choice.shown
        if newest.not_before_ms > now_ms:
            self._waiting.add(newest.name)
        return False

    async def _end_of_the_settings_own(self) -> int | None:
        """Until when the certificate of the settings is valid; None without one that can be read."""
        address = self._choice.address
        if address.certificate and self._settings_end_ms is None:
            pem = await asyncio.to_thread(Path(address.certificate).read_text, "utf-8")
            found = await self._ask(CheckChain(pem, address.key, 0, None))
            self._settings_end_ms = found.not_after_ms if isinstance(found, Found) else None
        return self._settings_end_ms

    # ------------------------------------------------------------------------------------------------------- inwards

    @property
    def _is_management(self) -> bool:
        return self._choice.address.id == MANAGEMENT

    def _times(self) -> tuple[int, int | None]:
        """Earliest and latest time that it can be (see `agent.credentials.requests`)."""
        now_ms = self._world.wall_ms()
        return max(self._world.released_ms, now_ms or 0), now_ms

    async def _ask(self, request: Request) -> Answer:
        return await asyncio.to_thread(self._world.ask, request)

    async def _hashes(self, algorithm: HashAlgorithm, files: tuple[str, ...], leaves: tuple[str, ...]) -> Hashes:
        if not files and not leaves:
            return Hashes((), (), ())
        found = await self._ask(HashCertificates(algorithm, files, leaves))
        return found if isinstance(found, Hashes) else Hashes((), (), ())

    async def _root_files(self, use: CertificateUse) -> tuple[str, ...]:
        if use is CertificateUse.CENTRAL_SYSTEM_ROOT:
            return self._choice.trust_files
        held = await self._of_manufacturer()
        return tuple(str(self._manufacturer.root(root.name)) for root in held.roots)

    async def _of_manufacturer(self) -> Holdings:
        return (await asyncio.to_thread(self._manufacturer.load))[0]

    def _forget(self, held: Holdings, names: set[str]) -> None:
        after = _without_roots(held, names)
        self._manufacturer.save(after)
        self._manufacturer.tidy(after)

    def _why_kept(self, matching: list[tuple[str, str]], leaves: tuple[str, ...]) -> str:
        """Why these must stay; empty: they may go."""
        choice = self._choice
        for file, name in matching:
            if file in leaves:
                return "a certificate of the station itself is never deleted"
            if choice.address.trust != SYSTEM_TRUST and file == choice.address.trust:
                return "this root is part of the settings of this station"
            if name == choice.anchor:
                return "this root vouches for the server of the present connection"
        return ""


def _with_root(held: Holdings, name: str, single: bool) -> Holdings:
    """Where one root is the rule, a new one replaces another that has never worked."""
    present = tuple(root for root in held.roots if root.worked) if single else held.roots
    return replace(held, roots=(*present, Root(name)))


def _without_roots(held: Holdings, names: set[str]) -> Holdings:
    return replace(held, roots=tuple(root for root in held.roots if root.name not in names))


def _with_certificate(held: Holdings, taken: ClientCertificate, earliest_ms: int) -> Holdings:
    """The newest first; those that have expired go, and of the rest all but a few: a backend may sign any number."""
    valid = [one for one in held.certificates if one.not_after_ms >= earliest_ms]
    kept = [one for one in valid if one.worked][:OLDER_KEPT] + [one for one in valid if not one.worked][:OLDER_KEPT]
    older = tuple(one for one in valid if one in kept)
    return replace(held, certificates=(taken, *older), pending_key="", renewal_tried_ms=None)


def _invalid(reason: str) -> Reply:
    return replace(refusal(reason), event=SecurityEventKind.INVALID_CHARGE_POINT_CERTIFICATE)


def _reason(answer: Answer) -> str:
    return answer.reason if isinstance(answer, Refused) else "the check gave no answer"


def _normal(named: CertificateHash) -> tuple[str, str, str, str]:
    """To compare by: hex has no case, and a number no leading zeros."""
    number = named.serial_number.lower().lstrip("0")
    return named.algorithm, named.issuer_name_hash.lower(), named.issuer_key_hash.lower(), number
