"""What `stationctl status` and `watch` are told: the station's overview, and what only its surroundings know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.settings.installer import Change
from agent.store.security_log import ChainCheck, SecurityLine
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.overview import StationOverview
from agent.vocabulary.upstreams import Role, UpstreamKind


@dataclass(frozen=True, slots=True)
class LinkView:
    """One upstream as link and outbox know it."""

    upstream: UpstreamId
    url: str
    identity: str
    queued: int = 0
    """Records that wait for this upstream."""
    parked: int = 0
    """Records that were given up."""
    detail: str = ""
    """How the connection is, in plain words: dialling, refused and why, connected."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a reboot at this moment would cost."""

    running: int = 0
    """Transactions that it would stop."""
    undelivered: int = 0
    """Records that the present Billing upstream has not got yet; they are delivered after the reboot."""


@dataclass(frozen=True, slots=True)
class PendingView:
    """What is staged: the changes, and the upstreams as they are going to be."""

    changes: tuple[Change, ...]
    billing: UpstreamId
    primary_url: str = ""
    """Empty: there is going to be no primary."""
    primary_identity: str = ""
    operators: tuple[str, ...] = ()
    """Names of the further operators."""
    cost: Cost | None = None
    """Told with each change."""


@dataclass(frozen=True, slots=True)
class UpstreamView:
    """One upstream: what it is to this station, and how it is."""

    id: UpstreamId
    name: str
    kind: UpstreamKind
    role: Role
    state: str
    """Link and registration in plain words."""
    url: str
    identity: str
    queued: int = 0
    """Records that wait for it."""
    parked: int = 0
    """Records that were given up."""


@dataclass(frozen=True, slots=True)
class DrainView:
    """A reboot that waits until the Billing upstream has everything."""

    upstream: UpstreamId
    waiting: int
    """Records that it has not got yet."""
    left_s: int
    """The reboot comes at the latest after so long."""
    busy: bool
    """The time has not begun: transactions still run."""


@dataclass(frozen=True, slots=True)
class UpstreamsView:
    """The answer to `upstreams`."""

    upstreams: tuple[UpstreamView, ...]
    """Management, the primary, further operators."""
    pending: PendingView | None = None
    drain: DrainView | None = None


@dataclass(frozen=True, slots=True)
class FirmwareView:
    """The firmware in plain words."""

    version: str
    """What runs."""
    trial: str = ""
    """A version on trial, or about to be, and its slot; empty: none."""
    update: str = ""
    """How far the newest update is, and for whom; empty: there was none."""


@dataclass(frozen=True, slots=True)
class StatusView:
    """The whole answer to `status`; made by `app`, printed by `stationctl`."""

    overview: StationOverview
    links: tuple[LinkView, ...]
    vendor: str = ""
    model: str = ""
    serial_number: str = ""
    pending: PendingView | None = None
    problems: tuple[str, ...] = ()
    safe_mode: bool = False
    wall_ms: int | None = None
    restarts: Mapping[str, int] = field(default_factory=dict)
    """How often which task had to be started again."""
    firmware: FirmwareView | None = None


@dataclass(frozen=True, slots=True)
class SecurityLogView:
    """The answer to `security-log`."""

    lines: tuple[SecurityLine, ...]
    """Oldest first."""
    check: ChainCheck
    """Of the whole log, not only of these lines."""
