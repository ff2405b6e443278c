"""Points in time and how long they are apart.

Theory of operation
-------------------
A station may boot with no idea of the wall time. So every moment carries the boot it belongs to, the monotonic time of
that boot, and the wall time only if it was known. Durations are differences of monotonic times of one boot, never of
wall times. A moment without wall time gets it later from the offset of its boot, which is fixed once and stored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened. Milliseconds are integers so that a stored moment is the same moment."""

    boot: int
    """Number of the boot of the system, counted in the state folder."""
    monotonic_ms: int
    wall_ms: int | None = None
    """Milliseconds since 1970 UTC, or None while unknown."""

    def since(self, earlier: Moment) -> float:
        """Seconds from `earlier` to this moment. Raises ValueError across boots: monotonic times do not compare."""
        if earlier.boot != self.boot:
            raise ValueError(f"moments of boot {earlier.boot} and boot {self.boot} have no monotonic distance")
        return (self.monotonic_ms - earlier.monotonic_ms) / 1000

    def plus(self, seconds: float) -> Moment:
        """The moment `seconds` later (or earlier if negative)."""
        delta_ms = round(seconds * 1000)
        wall_ms = None if self.wall_ms is None else self.wall_ms + delta_ms
        return replace(self, monotonic_ms=self.monotonic_ms + delta_ms, wall_ms=wall_ms)

    def with_offset(self, offset_ms: int | None) -> Moment:
        """This moment with its wall time filled in from the offset of its boot, if it had none."""
        if self.wall_ms is not None or offset_ms is None:
            return self
        return replace(self, wall_ms=self.monotonic_ms + offset_ms)


def iso8601(wall_ms: int) -> str:
    """UTC timestamp with milliseconds and `Z` ("OCPP 1.6 3.14", errata 3.10)."""
    moment = datetime.fromtimestamp(wall_ms / 1000, tz=UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{wall_ms % 1000:03d}Z"


def parse_iso8601(text: str) -> int:
    """Milliseconds since 1970 of a timestamp; a missing zone means UTC. Raises ValueError for anything else."""
    moment = datetime.fromisoformat(text.strip().upper())  # RFC 3339 allows "t" and "z"
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
