"""Pings at the interval that the backend wants ("WebSocketPingInterval"), whatever else is said meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from agent.links.ports import Link, LinkLost

PONG_DEADLINE_S: Final = 10.0
PROBE_S: Final = 3.0


async def answers_pings(link: Link) -> bool:
    """Somebody is there, though nothing else comes."""
    with suppress(LinkLost):
        await link.ping(PROBE_S)
        return True
    return False


class Pinging:
    """The pings of one upstream."""

    def __init__(self, interval_s: Callable[[], int], now_ms: Callable[[], int]) -> None:
        """`interval_s`: as it is now; 0: none."""
        self._interval_s = interval_s
        self._now_ms = now_ms
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """The interval may be another now: it counts at once, from the last ping."""
        self._changed.set()

    async def run(self, link: Link) -> None:
        """Ping for as long as the link lives. Raises LinkLost."""
        pinged_ms = self._now_ms()
        while True:
            self._changed.clear()
            interval_s = self._interval_s()
            wait_s = max(0.0, interval_s - (self._now_ms() - pinged_ms) / 1000) if interval_s else None
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                pinged_ms = self._now_ms()
                await link.ping(PONG_DEADLINE_S)
