"""When an upstream is dialled again: after its backoff, or at once if what it is dialled with has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from agent.links.backoff import Backoff

SPACING_MS: Final = 60_000
"""At once only so often: a backend that gives new credentials on every link would keep the station dialling."""


class Redial:
    """The waits of one upstream between its dials."""

    def __init__(self, chance: Callable[[], float], now_ms: Callable[[], int]) -> None:
        self._backoff = Backoff(chance)
        self._now_ms = now_ms
        self._wanted = asyncio.Event()
        self._not_before_ms = 0

    @property
    def wanted(self) -> bool:
        """What is dialled with has changed since the last dial was begun."""
        return self._wanted.is_set()

    def want(self) -> None:
        """What is dialled with has changed."""
        self._wanted.set()

    def begin(self) -> None:
        """A dial is begun, with what there is now."""
        self._wanted.clear()

    def proven(self) -> None:
        """The connection has shown that it is of use."""
        self._backoff.reset()

    async def pause(self) -> None:
        """Wait until the next dial is due."""
        wait_s = self._backoff.next_s()
        if self._now_ms() < self._not_before_ms:
            await asyncio.sleep(wait_s)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._wanted.wait()
        if self.wanted:
            self._not_before_ms = self._now_ms() + SPACING_MS
            self._backoff.reset()
