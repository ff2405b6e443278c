"""Sampling plans: which upstream wants which values when; one stored reading serves them all.

Theory of operation
-------------------
Each upstream has its own plan: periodic samples of a transaction (the first one interval after its start, then without
drift), and clock-aligned ones on the multiples of the interval since midnight UTC, in and out of transactions. What is
due is taken from the newest reading, which polling keeps about a second young, and is stamped with the instant it was
due, so that distances are exact. A plan whose meter is silent skips; it does not invent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from agent.station.evse.meter import Reading
from agent.station.turn import Turn
from agent.station.upstreams.registry import Upstream
from agent.vocabulary.events import ReadingContext, Sample
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.moments import Moment
from agent.vocabulary.options import Selection
from hal.api import Measurand, Measured

KEPT = 100
"""Samples for the stop message; beyond it every second one in between is dropped (OCPP 1.6 9.1.30)."""
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Due:
    """One sample that a plan wants now."""

    upstream: UpstreamId
    at: Moment
    context: ReadingContext


def select(selections: Iterable[Selection], energy_wh: int, values: Sequence[Measured]) -> tuple[Measured, ...]:
    """What was configured, as far as the meter gives it; a selection without phase means every phase and the total."""
    found: list[Measured] = []
    for wanted in selections:
        if wanted.measurand is Measurand.ENERGY_ACTIVE_IMPORT and wanted.phase is None:
            found.append(Measured(Measurand.ENERGY_ACTIVE_IMPORT, energy_wh))
        found += [
            value
            for value in values
            if value.measurand is wanted.measurand
            and wanted.phase in (None, value.phase)
            and not (value.measurand is Measurand.ENERGY_ACTIVE_IMPORT and value.phase is None)
            and value not in found
        ]
    return tuple(found)


def sample(reading: Reading, energy_wh: int, due: Due, selections: Iterable[Selection]) -> Sample | None:
    """The sample for one upstream, or None if nothing of what it selected can be given."""
    values = select(selections, energy_wh, reading.values)
    return Sample(due.at, energy_wh, values, due.context) if values else None


@dataclass(slots=True)
class Periodic:
    """The periodic samples of one upstream in one transaction."""

    upstream: Upstream
    next_ms: int = 0
    interval_s: int = -1
    kept: list[Sample] = field(default_factory=list)
    """For the stop message, Transaction.Begin first."""

    def due(self, turn: Turn, started_ms: int) -> Due | None:
        """The latest instant that has come; one that was missed altogether is left out."""
        interval_s = self.upstream.options.sample_interval_s
        if interval_s != self.interval_s:
            base = started_ms if self.interval_s < 0 else turn.now_ms
            self.interval_s, self.next_ms = interval_s, base + interval_s * 1000
        if interval_s <= 0 or not turn.reached(self.next_ms):
            return None
        missed = (turn.now_ms - self.next_ms) // (interval_s * 1000)
        at_ms = self.next_ms + missed * interval_s * 1000
        self.next_ms = at_ms + interval_s * 1000
        turn.reached(self.next_ms)
        return Due(self.upstream.id, turn.now.plus((at_ms - turn.now_ms) / 1000), ReadingContext.SAMPLE_PERIODIC)

    def keep(self, taken: Sample | None) -> None:
        """Keep one for the stop message; the first (Begin) and the newest always survive."""
        if taken is None:
            return
        self.kept.append(taken)
        if len(self.kept) > KEPT - 1:
            self.kept = [self.kept[0], *self.kept[2::2]]


@dataclass(slots=True)
class Aligned:
    """The clock-aligned samples of one upstream at one connector."""

    upstream: Upstream
    next_wall_ms: int | None = None
    interval_s: int = 0

    def due(self, turn: Turn) -> Due | None:
        """The latest multiple of the interval that has come. Nothing while the wall time is unknown."""
        interval_s = self.upstream.options.aligned_interval_s
        wall_ms = turn.now.wall_ms
        if interval_s != self.interval_s:
            self.interval_s, self.next_wall_ms = interval_s, None
        if interval_s <= 0 or wall_ms is None:
            return None
        last = _multiple(wall_ms, interval_s)
        following = min(last + interval_s * 1000, wall_ms - wall_ms % DAY_MS + DAY_MS)
        turn.reached(turn.now_ms + following - wall_ms)
        come = self.next_wall_ms is not None and wall_ms >= self.next_wall_ms
        self.next_wall_ms = following
        if not come:
            return None
        at = Moment(turn.now.boot, turn.now_ms - (wall_ms - last), last)
        return Due(self.upstream.id, at, ReadingContext.SAMPLE_CLOCK)


def _multiple(wall_ms: int, interval_s: int) -> int:
    """The latest multiple of the interval since midnight UTC."""
    midnight = wall_ms - wall_ms % DAY_MS
    return midnight + (wall_ms - midnight) // (interval_s * 1000) * interval_s * 1000
