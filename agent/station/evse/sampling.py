"""Sampling plans: which upstream wants which values when; one stored reading serves them all.

Theory of operation
-------------------
Each upstream has its own plan: periodic samples of a transaction (the first one interval after its start, then without
drift), and clock-aligned ones on the multiples of the interval since midnight UTC, in and out of transactions. What is
due is taken from the newest reading, which polling keeps about a second young, and is stamped with the instant it was
due, so that distances are exact. A plan whose meter is silent skips; it does not invent.

What an aligned interval counted is stamped with the start of that interval, everything else with the instant itself
(OCPP 1.6 9.1.3 "ClockAlignedDataInterval", 7.33 "Sample.Clock").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from agent.station.evse.intervals import Intervals
from agent.station.evse.meter import Reading
from agent.station.turn import Turn
from agent.station.upstreams.registry import Upstream
from agent.vocabulary.events import ReadingContext, Sample
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.moments import Moment
from agent.vocabulary.options import Selection
from hal.api import INTERVAL_OF, Measurand, Measured

KEPT = 100
"""Samples for the stop message; beyond it every second one in between is dropped (OCPP 1.6 9.1.30)."""
DAY_MS = 86_400_000
DEFAULT = (Selection(Measurand.ENERGY_ACTIVE_IMPORT),)
"""What samples hold where an interval is set and no measurand is (OCPP 1.6 9.1.19)."""
COUNTED = frozenset(INTERVAL_OF.values())


@dataclass(frozen=True, slots=True)
class Due:
    """One sample that a plan wants now."""

    upstream: UpstreamId
    at: Moment
    context: ReadingContext
    since: Moment | None = None
    """Start of the clock-aligned interval that is over."""


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


def samples(reading: Reading, energy_wh: int, due: Due, selections: Sequence[Selection]) -> tuple[Sample, ...]:
    """As `sample`; what a clock-aligned interval counted is a sample of its own, of the start of the interval."""
    if due.since is None:
        parts = [(due, tuple(selections))]
    else:
        counted = tuple(one for one in selections if one.measurand in COUNTED)
        parts = [
            (replace(due, at=due.since), counted),
            (due, tuple(one for one in selections if one.measurand not in COUNTED)),
        ]
    found = (sample(reading, energy_wh, part, wanted) for part, wanted in parts)
    return tuple(one for one in found if one is not None)


@dataclass(slots=True)
class Periodic:
    """The periodic samples of one upstream in one transaction."""

    upstream: Upstream
    next_ms: int = 0
    interval_s: int = -1
    not_before_ms: int = 0
    """When a transaction of a former life went on: what was due before is that life's."""
    kept: list[Sample] = field(default_factory=list)
    """For the stop message, Transaction.Begin first."""
    intervals: Intervals = field(default_factory=Intervals)

    def due(self, turn: Turn, started_ms: int) -> Due | None:
        """The latest instant that has come; one that was missed altogether is left out."""
        interval_s = self.upstream.options.sample_interval_s
        if interval_s != self.interval_s:
            base = started_ms if self.interval_s < 0 else turn.now_ms
            self.interval_s, self.next_ms = interval_s, base + interval_s * 1000
            if interval_s > 0 and self.next_ms <= self.not_before_ms:
                over = (self.not_before_ms - self.next_ms) // (interval_s * 1000) + 1
                self.next_ms += over * interval_s * 1000
        if interval_s <= 0 or not turn.reached(self.next_ms):
            return None
        missed = (turn.now_ms - self.next_ms) // (interval_s * 1000)
        at_ms = self.next_ms + missed * interval_s * 1000
        self.next_ms = at_ms + interval_s * 1000
        turn.reached(self.next_ms)
        return Due(self.upstream.id, turn.now.plus((at_ms - turn.now_ms) / 1000), ReadingContext.SAMPLE_PERIODIC)

    def keep(self, *taken: Sample) -> None:
        """Keep for the stop message; the first (Begin) and the newest always survive."""
        self.kept += taken
        if len(self.kept) > KEPT - 1:
            first, *between, last = self.kept
            self.kept = [first, *between[1::2], last]


@dataclass(slots=True)
class Aligned:
    """The clock-aligned samples of one upstream at one connector."""

    upstream: Upstream
    next_wall_ms: int | None = None
    interval_s: int = 0
    intervals: Intervals = field(default_factory=Intervals)

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
        return Due(self.upstream.id, at, ReadingContext.SAMPLE_CLOCK, at.plus(-self._length_s(last)))

    def _length_s(self, end_ms: int) -> float:
        """Of the interval that ends there: the last one of a day may be shorter."""
        since_ms = _multiple(end_ms - 1, self.interval_s)
        return (end_ms - since_ms) / 1000


def _multiple(wall_ms: int, interval_s: int) -> int:
    """The latest multiple of the interval since midnight UTC."""
    midnight = wall_ms - wall_ms % DAY_MS
    return midnight + (wall_ms - midnight) // (interval_s * 1000) * interval_s * 1000
