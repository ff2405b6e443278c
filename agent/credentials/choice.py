"""Which credentials of one upstream are used next: settings, what the backend has changed, and how attempts went.

Theory of operation
-------------------
`begin` puts the next attempt together. After a 401 the next password is tried (see `passwords`), after a refused
client certificate the next older one. A raised security profile is on *trial* until it has opened a link; after
`TRIAL_ATTEMPTS` refusals the profile before it is in force again. What worked is kept, so that a restart guesses
nothing; what changes is handed to the keeper, which writes it down.

Trust (OCPP 1.6 security extension, A00): the roots of the settings, or the public bundle where they name none, and
besides all roots that the backend has installed. Once an installed root has vouched for a server, the public bundle
no longer counts. No root of another upstream ever does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from agent.credentials import moving
from agent.credentials.access import Access, ClientFiles
from agent.credentials.folder import CredentialsFolder
from agent.credentials.holdings import KEPT_MS, ClientCertificate, Holdings, Root, Trial
from agent.credentials.passwords import Candidate, Source, candidates
from agent.settings.addresses import SYSTEM_TRUST, SecurityProfile, UpstreamAddress
from agent.vocabulary.ids import Secret

TRIAL_ATTEMPTS: Final = 3
CLIENT_REFUSED: Final = "client-certificate"
"""Cause of a refusal by which the server says that it does not take our certificate."""
_PERHAPS_THE_CERTIFICATE: Final = (CLIENT_REFUSED, "handshake")
"""Many servers close the connection without a word when they do not take a certificate."""
_UNAUTHORIZED: Final = (401, 403)


@dataclass(frozen=True, slots=True)
class News:
    """What an attempt has changed; for the keeper."""

    holdings: Holdings
    profile: int
    fell_back_from: int | None = None
    """The profile whose trial has failed."""
    raised_to: int | None = None
    """The profile whose trial has worked."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a choice needs of the agent."""

    changed: Callable[[News], None]
    wall_ms: Callable[[], int | None]
    """Wall time, None while unknown."""
    boot_id: str = ""
    single_root: bool = False
    """A new root replaces the old one once it has worked ("AdditionalRootCertificateCheck")."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What was handed out last: what is held may change before it is known how that went."""

    profile: int = -1
    password: Candidate | None = None
    certificate: ClientCertificate | None = None
    url: str = ""


class Choice:
    """The credentials of one upstream (see `agent.credentials.access.Accesses`). Used on the event loop."""

    def __init__(self, address: UpstreamAddress, holdings: Holdings, folder: CredentialsFolder, around: Surroundings):
        self.address = address
        self.folder = folder
        self._around = around
        self.anchor = ""
        """The root that vouches for the server of the present link; empty without TLS."""
        self._attempt = _Attempt()
        self._next_password = 0
        self._next_certificate = 0
        self.holdings = moving.after_settings(_after_settings(holdings, address), address.url)

    # ------------------------------------------------------------------------------------------------ for the dialler

    def begin(self) -> Access:
        """What the attempt that begins now uses."""
        self._attempt = self._next_attempt()
        return self.present()

    def present(self) -> Access:
        """What an attempt would use now."""
        attempt = self._next_attempt()
        profile, password = attempt.profile, attempt.password
        return Access(
            url=attempt.url,
            identity=self.address.identity,
            security_profile=profile,
            key=password.key if password else None,
            trust_files=self.trust_files,
            public_roots=self._is_public and self.holdings.base_trusted and not self.holdings.own_roots_worked,
            client=self._client(attempt.certificate) if profile == SecurityProfile.MUTUAL_TLS else None,
            label=f"profile {profile}" + (f", {password.source} password" if password else ""),
        )

    def refused(self, cause: str, http_status: int | None) -> None:
        """The attempt came to nothing."""
        self.anchor = ""
        if http_status in _UNAUTHORIZED and self._attempt.password == self._password():
            self._next_password += 1
        if cause in _PERHAPS_THE_CERTIFICATE or http_status in _UNAUTHORIZED:
            self._next_certificate += 1
        trial = self._present_trial
        if trial is None:
            return
        if trial.attempts + 1 < self._trial_attempts:
            self._change(replace(self.holdings, trial=Trial(trial.profile, trial.attempts + 1)))
        else:
            self._change(replace(self.holdings, trial=None), fell_back_from=trial.profile)

    def worked(self, anchor: str = "") -> None:
        """The attempt opened a link."""
        self.anchor = anchor
        trial = self._present_trial
        holdings = self._after_certificate(self._after_password(self.holdings))
        holdings = self._after_anchor(holdings, anchor)
        if trial is not None:
            basis = self.address.security.value
            holdings = replace(holdings, profile=trial.profile, profile_basis=basis, trial=None)
        self._next_password = self._next_certificate = 0
        if holdings != self.holdings:
            self._change(holdings, raised_to=trial.profile if trial else None)

    # ------------------------------------------------------------------------------------------------- for the keeper

    @property
    def profile(self) -> int:
        """The security profile that is dialled with."""
        return self.holdings.trial.profile if self.holdings.trial is not None else self.settled_profile

    @property
    def settled_profile(self) -> int:
        """The security profile without what is on trial."""
        return self.address.security.value if self.holdings.profile is None else self.holdings.profile

    @property
    def attempted_url(self) -> str:
        """What was dialled last."""
        return self._attempt.url

    @property
    def password(self) -> Secret | None:
        """The password in use, whatever its form."""
        known = {Source.LIVE: self.holdings.live, Source.PREVIOUS: self.holdings.previous}
        candidate = self._password()
        return None if candidate is None else known.get(candidate.source, self.address.password)

    @property
    def trust_files(self) -> tuple[str, ...]:
        """The files of roots that count for this upstream alone."""
        base = () if self._is_public or not self.holdings.base_trusted else (self.address.trust,)
        return base + tuple(str(self.folder.root(root.name)) for root in self.holdings.roots)

    @property
    def can_authenticate_server(self) -> bool:
        """There is something that can vouch for the server: roots of its own, or the public bundle."""
        return bool(self.trust_files) or (self._is_public and self.holdings.base_trusted)

    @property
    def shown(self) -> ClientCertificate | None:
        """The client certificate of the last attempt, of those that a backend has signed over OCPP."""
        name = self._attempt.certificate.name if self._attempt.certificate else ""
        return next((one for one in self.holdings.certificates if one.name == name), None)

    def usable_certificates(self) -> tuple[ClientCertificate, ...]:
        """Client certificates that can be used now, the newest first; all of them while the time is not known."""
        now_ms = self._around.wall_ms()
        return tuple(
            one
            for one in self.holdings.certificates
            if now_ms is None
            or (
                one.not_before_ms <= now_ms <= one.not_after_ms
                and (one.replaced_ms is None or now_ms - one.replaced_ms <= KEPT_MS)
            )
        )

    def adopt(self, holdings: Holdings) -> None:
        """The keeper has changed and saved something: attempts begin with the likeliest again."""
        self.holdings = holdings
        self._next_password = self._next_certificate = 0

    # ------------------------------------------------------------------------------------------------------- inwards

    @property
    def _is_public(self) -> bool:
        return self.address.trust == SYSTEM_TRUST

    def _change(self, holdings: Holdings, *, fell_back_from: int | None = None, raised_to: int | None = None) -> None:
        self.holdings = holdings
        self._around.changed(News(holdings, self.profile, fell_back_from, raised_to))

    @property
    def _trial_attempts(self) -> int:
        """Enough for every password to be tried at least once."""
        sends = self.profile in (SecurityProfile.BASIC, SecurityProfile.TLS_BASIC)
        return max(TRIAL_ATTEMPTS, len(self._candidates()) + 1 if sends else 0)

    def _candidates(self) -> tuple[Candidate, ...]:
        held = self.holdings
        return candidates(held.live, held.previous, self.address.password, held.remembered)

    def _password(self) -> Candidate | None:
        known = self._candidates()
        return known[self._next_password % len(known)] if known else None

    def _next_attempt(self) -> _Attempt:
        profile = self.profile
        password = self._password() if profile in (SecurityProfile.BASIC, SecurityProfile.TLS_BASIC) else None
        certificate = self._certificate() if profile == SecurityProfile.MUTUAL_TLS else None
        url = moving.url_now(self.holdings, self.address.url, self._around.boot_id)
        return _Attempt(profile, password, certificate, url_of(url, profile))

    @property
    def _present_trial(self) -> Trial | None:
        """The trial that the attempt was a part of: a profile may have been raised since it began."""
        trial = self.holdings.trial
        return trial if trial is not None and trial.profile == self._attempt.profile else None

    def _after_password(self, holdings: Holdings) -> Holdings:
        """The password that has opened a link, under the name that it has now."""
        sent = self._attempt.password
        known = next((one for one in self._candidates() if sent is not None and one.key == sent.key), None)
        if known is None:
            return holdings
        previous = None if known.source is Source.LIVE else holdings.previous
        return replace(holdings, remembered=known.as_remembered, previous=previous)

    def _certificate(self) -> ClientCertificate | None:
        """The one to show; where none is valid by our clock, the server is to judge by its own. None: the settings'."""
        known = self.usable_certificates() or self.holdings.certificates
        place = self._next_certificate % max(1, len(known) + bool(self.address.certificate))
        return known[place] if place < len(known) else None

    def _client(self, one: ClientCertificate | None) -> ClientFiles | None:
        if one is not None:
            return self.folder.client(one.name)
        return ClientFiles(self.address.certificate, self.address.key) if self.address.certificate else None

    def _after_certificate(self, holdings: Holdings) -> Holdings:
        """A certificate that has opened a link begins the last month of the older ones."""
        used = self._attempt.certificate
        if used not in holdings.certificates:
            return holdings
        now_ms = self._around.wall_ms()
        place = holdings.certificates.index(used)
        newer, older = holdings.certificates[:place], holdings.certificates[place + 1 :]
        older = tuple(one if one.replaced_ms else replace(one, replaced_ms=now_ms) for one in older)
        return replace(holdings, certificates=(*newer, replace(used, worked=True), *older))

    def _after_anchor(self, holdings: Holdings, anchor: str) -> Holdings:
        """An installed root that has vouched for the server counts from now on, and may end what was before it."""
        if anchor not in {root.name for root in holdings.roots}:
            return holdings
        if self._around.single_root:
            newest = holdings.roots[-1]
            if newest.name == anchor:
                return replace(holdings, roots=(Root(anchor, True),), base_trusted=False)
        roots = tuple(Root(root.name, root.worked or root.name == anchor) for root in holdings.roots)
        return replace(holdings, roots=roots)


def url_of(url: str, profile: int) -> str:
    """The endpoint as a security profile wants it: a raised profile goes from ws to wss, at the port of wss."""
    scheme, separator, rest = url.partition("://")
    if profile < SecurityProfile.TLS_BASIC or scheme.lower() != "ws":
        return url
    authority, slash, path = rest.partition("/")
    return f"wss{separator}{authority.removesuffix(':80')}{slash}{path}"


def _after_settings(holdings: Holdings, address: UpstreamAddress) -> Holdings:
    """What is held, seen from the present settings: a profile that the installer has chosen since is the last word."""
    if holdings.profile is not None and holdings.profile_basis != address.security.value:
        holdings = replace(holdings, profile=None, trial=None)
    if holdings.trial is not None and holdings.trial.profile <= address.security.value:
        holdings = replace(holdings, trial=None)
    return holdings
