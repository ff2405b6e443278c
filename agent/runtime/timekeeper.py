"""Wall time from whoever may tell it, and what follows when it becomes known. Pure policy is in `clock`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from agent.host.clock import LATEST_MS, RELEASED_MS, is_ntp_synchronised
from agent.runtime.clock import SILENCE_MS, Clock, ClockChange, ClockDifference, TimeSource
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import Input, SecurityEventSeen, WallTimeFixed
from agent.vocabulary.moments import Moment, iso8601
from agent.vocabulary.security import SecurityEventKind

LOOK_S = 60.0
MARK_S = 300.0
APART_MS = 5_000
"""A source that is not followed and differs by more is told of, once until it agrees again."""


def system_ms() -> int:
    """The clock of the machine, right or wrong."""
    return round(time.time() * 1000)


class Timekeeper:
    """Offers times to the clock. Used on the event loop."""

    def __init__(
        self,
        clock: Clock,
        boot: int,
        billing: UpstreamId,
        post: Callable[[Input], None],
        tell: Callable[[ClockChange | ClockDifference], None],
        synchronised: Callable[[], bool] = is_ntp_synchronised,
        system_ms: Callable[[], int] = system_ms,
    ) -> None:
        """`synchronised`: whether NTP has set the clock of the machine, which says `system_ms`."""
        self._clock = clock
        self._boot = boot
        self._billing = billing
        self._post = post
        self._tell = tell
        self._synchronised = synchronised
        self._system_ms = system_ms
        self._apart: set[TimeSource] = set()
        self._told: dict[UpstreamId, Moment] = {}
        """What each upstream told last, taken with the monotonic time of then."""

    def on_time(self, upstream: UpstreamId, wall_ms: int, authenticated: bool) -> None:
        """An upstream told the time (BootNotification.conf, Heartbeat.conf)."""
        if RELEASED_MS <= wall_ms <= LATEST_MS:
            self._told[upstream] = Moment(self._boot, self._clock.monotonic_ms, wall_ms)
        if upstream == self._billing:
            source = TimeSource.BILLING_AUTHENTICATED if authenticated else TimeSource.BILLING_PLAIN
        else:
            source = TimeSource.OTHER_AUTHENTICATED if authenticated else TimeSource.OTHER_PLAIN
        self._offer(source, wall_ms)

    def judged_ms(self, upstream: UpstreamId) -> int | None:
        """The time by which the certificates of an upstream are judged: NTP's, else what it has told itself of late.

        Never what another upstream told: with a wrong time that one could keep this one's link down, and nobody would
        be left to tell the right one. None: neither is known.
        """
        if self._clock.follows_ntp:
            return self._clock.now().wall_ms
        told = self._told.get(upstream)
        if told is None or told.wall_ms is None:
            return None
        since_ms = self._clock.monotonic_ms - told.monotonic_ms
        return told.wall_ms + since_ms if since_ms <= SILENCE_MS else None

    def look_at_system(self) -> None:
        """Offer the machine's own clock: as NTP's if that has set it, else as a witness."""
        if self._synchronised():
            self._offer(TimeSource.NTP, self._system_ms())
        else:
            self._clock.offer(TimeSource.MACHINE, self._system_ms())

    async def run(self, mark: Callable[[int], Awaitable[None]]) -> None:
        """Look at the system every minute; note the time for the next boot every five."""
        marked_ms: int | None = None
        while True:
            self.look_at_system()
            wall_ms = self._clock.now().wall_ms
            now_ms = self._clock.monotonic_ms
            if wall_ms is not None and (marked_ms is None or now_ms - marked_ms >= MARK_S * 1000):
                marked_ms = now_ms
                await mark(wall_ms)
            await asyncio.sleep(LOOK_S)

    def _offer(self, source: TimeSource, wall_ms: int) -> None:
        change = None if wall_ms > LATEST_MS else self._clock.offer(source, wall_ms)
        self._compare(source, wall_ms)
        if change is None:
            return
        self._tell(change)
        if change.first:
            self._post(WallTimeFixed(self._boot, change.offset_ms))
        else:
            text = f"{iso8601(wall_ms - change.stepped_ms)} to {iso8601(wall_ms)} by {source.name.lower()}"
            self._post(SecurityEventSeen(SecurityEventKind.SETTING_SYSTEM_TIME, text))

    def _compare(self, source: TimeSource, wall_ms: int) -> None:
        """Tell once of a source that says something else than the clock does, now that it was asked."""
        present_ms = self._clock.now().wall_ms
        apart_ms = None if present_ms is None else wall_ms - present_ms
        if apart_ms is not None and abs(apart_ms) <= APART_MS:
            self._apart.discard(source)
        elif source not in self._apart:
            self._apart.add(source)
            self._tell(ClockDifference(source, apart_ms))
