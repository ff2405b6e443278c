"""Overview: the station at one instant, for people (`stationctl status`, the live view). Frozen, without cards."""

from __future__ import annotations

from dataclasses import dataclass

from agent.vocabulary.events import Condition
from agent.vocabulary.ids import ConnectorId, TransactionId, UpstreamId
from agent.vocabulary.inputs import Registration
from agent.vocabulary.moments import Moment
from agent.vocabulary.outage import OutageMode
from agent.vocabulary.upstreams import Role
from hal.api import LightPattern


@dataclass(frozen=True, slots=True)
class ForeignId:
    """The id that one upstream gave to a transaction; None while it has not answered the start."""

    upstream: UpstreamId
    id: str | None


@dataclass(frozen=True, slots=True)
class LimitRung:
    """One reason to offer no more: a rung of the ladder, the lowest of which decides."""

    current_a: float
    """On each phase."""
    source: str
    reason: str
    upstream: UpstreamId | None = None
    age_s: float | None = None
    """Of the datum that it rests on; None: it does not grow old."""


@dataclass(frozen=True, slots=True)
class HoldOverview:
    """Who holds a connector inoperative, and since when."""

    upstream: UpstreamId
    name: str
    connected: bool
    since_wall_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ConnectorOverview:
    """One connector. `session` is the name of its state in the session table."""

    id: ConnectorId
    session: str
    condition: Condition
    transaction: TransactionId | None = None
    foreign_ids: tuple[ForeignId, ...] = ()
    token_masked: str | None = None
    power_w: float | None = None
    """None where the meter gives none or is silent."""
    energy_wh: int | None = None
    """Energy of the running transaction; None without one."""
    register_wh: int | None = None
    offered_a: float | None = None
    """What the car is offered; None while nothing is."""
    limit_a: float | None = None
    """The effective limit; None while charging is suspended or nothing runs."""
    limit_reason: str = ""
    """Which contribution won, or why nothing is offered, in plain words."""
    light: LightPattern | None = None
    why_locked: str = ""
    """Why the cable is still held after a session; empty if it is not."""
    ladder: tuple[LimitRung, ...] = ()
    """Everything that bounds it now, lowest first."""
    holds: tuple[HoldOverview, ...] = ()
    blocked: str = ""
    """Why no session can start here, or why the one that runs is offered nothing whatever the limits."""
    last_refusal: str = ""
    """Why the last card that was refused here was, in plain words."""
    last_refusal_at: Moment | None = None
    meter_key: str = ""
    """Public key of a meter that signs, hexadecimal; empty until it has signed in this life."""


@dataclass(frozen=True, slots=True)
class UpstreamOverview:
    """One upstream, as the station knows it."""

    id: UpstreamId
    name: str
    role: Role
    connected: bool
    registration: Registration


@dataclass(frozen=True, slots=True)
class StationOverview:
    """The whole station."""

    connectors: tuple[ConnectorOverview, ...]
    upstreams: tuple[UpstreamOverview, ...]
    storage_healthy: bool = True
    restarting: bool = False
    outage_mode: OutageMode = OutageMode.ACCEPT_KNOWN
    """What holds while nobody answers, as the keys of the Billing upstream say it."""
    free_vend_wh: int = 0
    """Energy cap of `free-vend`; 0: none."""
    signed_metering: bool = False
    """Energy must be billed by signed readings."""
    notices: tuple[str, ...] = ()
    """What somebody on the spot should know, in plain words."""
