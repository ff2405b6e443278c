"""The clock of the agent: moments for everybody, one master for the wall time.

Theory of operation
-------------------
Monotonic time is the machine's; wall time is monotonic time plus an offset that one *master* gives. Sources rank: NTP,
the Billing upstream over an authenticated link, management over one, then the same two over plain links. A better
source takes over at once; a worse one only after the master was silent for 24 h. The first offset of a boot is fixed
and stored: moments of that boot that were taken without wall time get it from there. A later correction of more than
2 s steps the offset for new moments. A smaller one is slewed in, half a second in a thousand, so that samples stay
equidistant and time never runs backwards; below a second nothing is done, since many backends tell whole seconds.

A time before the release is never believed. A plain link is doubted when it would move the clock by more than an hour,
or begin it more than an hour before the last time the store has seen: it is believed once another source agrees, or
once it has insisted for an hour. The machine's own clock, where nobody has set it, is good enough to agree. NTP and
authenticated links are not doubted, so that one wrong time, once believed, does not lock the right one out for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from agent.vocabulary.moments import Moment

STEP_MS = 2_000
SLACK_MS = 1_000
SLEW_MS_PER_S = 0.5
SILENCE_MS = 24 * 3_600_000
DOUBT_MS = 3_600_000
"""A plain link alone moves the clock by so much at most."""
INSIST_MS = 3_600_000
AGREE_MS = 60_000


class TimeSource(IntEnum):
    """Who tells the time; the lower, the better."""

    NTP = 0
    BILLING_AUTHENTICATED = 1
    OTHER_AUTHENTICATED = 2
    BILLING_PLAIN = 3
    OTHER_PLAIN = 4
    MACHINE = 5
    """The clock of the machine while nobody has set it. A witness: it agrees or not, and is never followed."""


@dataclass(frozen=True, slots=True)
class ClockChange:
    """What an offered time did to the clock."""

    first: bool
    """The wall time of this boot is known from now on."""
    offset_ms: int
    stepped_ms: int
    """How far the wall time jumped; 0 for the first fix."""
    source: TimeSource


@dataclass(frozen=True, slots=True)
class ClockDifference:
    """A source that is not followed says something else."""

    source: TimeSource
    apart_ms: int | None
    """How far from the present wall time; None: there is none yet, and this one is not believed."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a source says, and since when it has said so."""

    offset_ms: int
    since_ms: int

    def agrees(self, offset_ms: int) -> bool:
        return abs(self.offset_ms - offset_ms) <= AGREE_MS


class Clock:
    """Gives moments; learns the wall time from sources. Used on the event loop only."""

    def __init__(
        self,
        boot: int,
        monotonic: Callable[[], float],
        earliest_wall_ms: int = 0,
        last_seen_wall_ms: int | None = None,
    ) -> None:
        """`earliest_wall_ms`: of the release. `last_seen_wall_ms`: the last time the store has seen, if any."""
        self._boot = boot
        self._monotonic = monotonic
        self._earliest_wall_ms = earliest_wall_ms
        self._last_seen_wall_ms = last_seen_wall_ms
        self._claims: dict[TimeSource, _Claim] = {}
        self._base_ms: int | None = None
        """The offset when the present slewing began."""
        self._slew_ms, self._slewing_since_ms = 0, 0
        self._master = TimeSource.OTHER_PLAIN
        self._heard_ms = 0

    @property
    def monotonic_ms(self) -> int:
        """Milliseconds of the monotonic clock of this boot."""
        return round(self._monotonic() * 1000)

    @property
    def follows_ntp(self) -> bool:
        """NTP is what gives the wall time."""
        return self._base_ms is not None and self._master is TimeSource.NTP

    @property
    def offset_ms(self) -> int | None:
        """Wall minus monotonic time, or None while the wall time is unknown."""
        if self._base_ms is None or self._slew_ms == 0:
            return self._base_ms
        done_ms = round((self.monotonic_ms - self._slewing_since_ms) / 1000 * SLEW_MS_PER_S)
        return self._base_ms + max(-done_ms, min(done_ms, self._slew_ms))

    def now(self) -> Moment:
        """The present moment."""
        monotonic_ms = self.monotonic_ms
        offset_ms = self.offset_ms
        return Moment(self._boot, monotonic_ms, None if offset_ms is None else monotonic_ms + offset_ms)

    def offer(self, source: TimeSource, wall_ms: int) -> ClockChange | None:
        """A source says what time it is now; returns what changed, or None."""
        if wall_ms < self._earliest_wall_ms:
            return None
        offset_ms = wall_ms - self.monotonic_ms
        if source not in self._claims or not self._claims[source].agrees(offset_ms):
            self._claims[source] = _Claim(offset_ms, self.monotonic_ms)
        if not self._believes(source) or self._doubts(source, offset_ms):
            return None
        self._master, self._heard_ms = source, self.monotonic_ms
        present_ms = self.offset_ms
        if present_ms is None:
            self._follow(offset_ms, 0)
            return ClockChange(True, offset_ms, 0, source)
        apart_ms = offset_ms - present_ms
        if abs(apart_ms) > STEP_MS:
            self._follow(offset_ms, 0)
            return ClockChange(False, offset_ms, apart_ms, source)
        if abs(apart_ms) > SLACK_MS:
            self._follow(present_ms, apart_ms)
        return None

    def _follow(self, offset_ms: int, slew_ms: int) -> None:
        self._base_ms, self._slew_ms, self._slewing_since_ms = offset_ms, slew_ms, self.monotonic_ms

    def _believes(self, source: TimeSource) -> bool:
        if source is TimeSource.MACHINE:
            return False
        if self._base_ms is None or source <= self._master:
            return True
        return self.monotonic_ms - self._heard_ms > SILENCE_MS

    def _doubts(self, source: TimeSource, offset_ms: int) -> bool:
        if source < TimeSource.BILLING_PLAIN or not self._is_far(offset_ms):
            return False
        insists = self.monotonic_ms - self._claims[source].since_ms >= INSIST_MS
        others = [claim for other, claim in self._claims.items() if other is not source]
        return not insists and not any(claim.agrees(offset_ms) for claim in others)

    def _is_far(self, offset_ms: int) -> bool:
        """Far from the present wall time; before there is one, far before the last that was seen."""
        present_ms = self.offset_ms
        if present_ms is not None:
            return abs(offset_ms - present_ms) > DOUBT_MS
        last_ms = self._last_seen_wall_ms
        return last_ms is not None and self.monotonic_ms + offset_ms < last_ms - DOUBT_MS
