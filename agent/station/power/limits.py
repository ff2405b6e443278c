"""Limits of one connector: named contributions, and the smallest wins.

Theory of operation
-------------------
Every reason to offer less is one `Contribution`, of a `Source` of the closed list below. The effective limit is their
minimum, so that none can lift another's. Below the minimum current of the board nothing is offered at all
(IEC 61851-1 A.2.2: never between 0 and 6 A); the session is then suspended, not stopped.

    source      what it is                                               who makes it
    HARDWARE    what board, wiring and factory file allow                evse.supply
    CABLE       rating of the plugged cable                              evse.supply
    INSTALLER   set on the spot for a connector, or (0) the station      evse.supply, arbiter
    FEED        factory maximum of the station or of one of its feeds    arbiter
    GRID        what the main fuse has left, by the meter behind it      arbiter, power.grid
    PROFILE     charging profiles of one upstream                        power.profile_limit
    FAILSAFE    an upstream with a lease has been silent for too long    arbiter, power.leases
    SHARE       what is left between connectors on one feed              arbiter, power.sharing
    TURN        not all can have the minimum: others are charged now     arbiter, power.turns
    RAMP        room that others were told to leave and may still use    arbiter, power.sharing
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from agent.vocabulary.ids import UpstreamId


class Source(StrEnum):
    """Where an upper bound comes from."""

    HARDWARE = "hardware"
    CABLE = "cable"
    INSTALLER = "installer"
    FEED = "feed"
    GRID = "grid"
    PROFILE = "profile"
    FAILSAFE = "failsafe"
    SHARE = "share"
    TURN = "turn"
    RAMP = "ramp"


@dataclass(frozen=True, slots=True)
class Contribution:
    """One upper bound in A per phase and why it is there, in plain words."""

    current_a: float
    reason: str
    source: Source = Source.HARDWARE
    upstream: UpstreamId | None = None
    """Whose word it is, where it is that of an upstream."""
    seen_ms: int | None = None
    """Monotonic time of the datum that it rests on; None: it does not grow old."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The result: what may be offered (None: nothing) and which contribution decided."""

    current_a: float | None
    reason: str


def effective(contributions: Sequence[Contribution], minimum_a: float) -> Limit:
    """The smallest contribution; nothing if it is below the minimum. Raises ValueError without any contribution."""
    if not contributions:
        raise ValueError("contributions: at least the hardware's own limit must be given")
    smallest = min(contributions, key=lambda contribution: contribution.current_a)
    if smallest.current_a < minimum_a:
        return Limit(None, smallest.reason)
    return Limit(smallest.current_a, smallest.reason)
