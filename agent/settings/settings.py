"""What somebody asks to be set as an upstream, and the whole of the settings that the agent starts with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.settings.addresses import UpstreamAddress
from agent.settings.factory import Factory, InitialValue
from agent.settings.installer import InstallerSettings
from agent.settings.known import Known
from agent.settings.problems import Problem
from agent.settings.services import ServiceSettings
from agent.vocabulary.ids import MANAGEMENT, Secret, UpstreamId
from agent.vocabulary.upstreams import Role, UpstreamKind, kind_of

FITTING = -1
"""A security profile that nobody has named."""


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """What somebody asks to be set as the primary or added as a further operator; not yet checked."""

    url: str
    identity: str
    security: int = 0
    """`FITTING`: what fits the rest."""
    password: Secret | None = None
    trust_pem: str = ""
    """Root certificates for this upstream alone; empty: the public bundle of the image."""
    name: str = ""
    changed_by: str = ""
    """Who asks, for people."""
    certificate_pem: str = ""
    """Client certificate (leaf first, then its chain) for security profile 3."""
    key_pem: Secret | None = None
    """Its private key."""
    interface: str = ""
    proxy: str = ""
    """`http://host:port`."""
    proxy_login: Secret | None = None
    """`user:password`."""
    changed_at_ms: int | None = None
    """When it was asked, Unix milliseconds; None if the time is not known."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the agent starts with. Upstreams here are complete: passwords and resolved trust."""

    factory: Factory
    primary: UpstreamAddress | None
    """The upstream that is Billing and not management."""
    pending: InstallerSettings | None = None
    """A staged change that the next boot of the system applies."""
    problems: tuple[Problem, ...] = ()
    """What was wrong with the installer's files and could be lived with."""
    usable: bool = True
    """False: the active settings cannot be read. Who is Billing is then unknown, and the station must not charge."""
    applied: bool = False
    """True: this boot made a pending change active."""
    operators: tuple[UpstreamAddress, ...] = ()
    """Further operators, in the Data & Control role."""
    former: tuple[Known, ...] = ()
    """Who was configured before; complete, as far as the credentials are not forgotten."""
    services: ServiceSettings = field(default_factory=ServiceSettings)
    """Who is asked about whose card, and which cards are stored here."""
    pseudonym_key: Secret | None = None
    """Behind the pseudonyms of cards; None: there are none."""

    @property
    def billing(self) -> UpstreamId:
        """The one upstream that authorises: the primary if there is one, else management."""
        return self.primary.id if self.primary is not None else MANAGEMENT

    @property
    def upstreams(self) -> tuple[UpstreamAddress, ...]:
        """All upstreams to dial: management, the primary, further operators."""
        primary = () if self.primary is None else (self.primary,)
        return (self.factory.management, *primary, *self.operators)

    def role(self, upstream: UpstreamId) -> Role:
        """The role of an upstream."""
        return Role.BILLING if upstream == self.billing else Role.DATA_AND_CONTROL

    def kind(self, upstream: UpstreamId) -> UpstreamKind:
        """What an upstream is to this station."""
        return kind_of(upstream, self.role(upstream))

    def initial_keys(self, upstream: UpstreamId) -> Mapping[str, InitialValue]:
        """The factory's OCPP key values for an upstream."""
        return self.factory.initial_keys.get(self.kind(upstream).value, {})
