"""Wall time from whoever may tell it, and what follows when it becomes known. Pure policy is in `clock`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from agent.host.clock import LATEST_MS, is_ntp_synchronised
from agent.runtime.clock import Clock, ClockChange, TimeSource
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import Input, WallTimeFixed

LOOK_S = 60.0
MARK_S = 300.0


class Timekeeper:
    """Offers times to the clock. Used on the event loop."""

    def __init__(
        self,
        clock: Clock,
        boot: int,
        billing: UpstreamId,
        post: Callable[[Input], None],
        tell: Callable[[ClockChange], None],
        synchronised: Callable[[], bool] = is_ntp_synchronised,
    ) -> None:
        """`synchronised`: whether NTP has set the clock of the system."""
        self._clock = clock
        self._boot = boot
        self._billing = billing
        self._post = post
        self._tell = tell
        self._synchronised = synchronised

    def on_time(self, upstream: UpstreamId, wall_ms: int, authenticated: bool) -> None:
        """An upstream told the time (BootNotification.conf, Heartbeat.conf)."""
        if upstream == self._billing:
            source = TimeSource.BILLING_AUTHENTICATED if authenticated else TimeSource.BILLING_PLAIN
        else:
            source = TimeSource.OTHER_AUTHENTICATED if authenticated else TimeSource.OTHER_PLAIN
        self._offer(source, wall_ms)

    def look_at_system(self) -> None:
        """Offer the system's own clock if NTP has set it."""
        if self._synchronised():
            self._offer(TimeSource.NTP, round(time.time() * 1000))

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
        if wall_ms > LATEST_MS:
            return
        change = self._clock.offer(source, wall_ms)
        if change is None:
            return
        self._tell(change)
        if change.first:
            self._post(WallTimeFixed(self._boot, change.offset_ms))
