"""A reboot that waits until the present Billing upstream has everything: at most ten minutes, then it comes anyhow.

The order to reboot has been given by then: no transaction begins any more and none runs, so what waits gets no more.
Nothing is lost by rebooting too early, since every record is on the disk; but before a change of operators whoever is
removed had better have heard of everything while its link is still a normal one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from agent.control.views import DrainView
from agent.runtime.writer import Writer
from agent.vocabulary.ids import UpstreamId

LONGEST_S: Final = 600.0
LOOK_S: Final = 1.0
LINGER_S: Final = 2.0
"""So long after the end whoever looks on can still see how it ended."""


class Drain:
    """Whether a reboot waits, and how far it is. Made on the event loop."""

    def __init__(self, writer: Writer, billing: UpstreamId, tell: Callable[..., None]) -> None:
        """`tell` is the log."""
        self._writer = writer
        self._billing = billing
        self._tell = tell
        self._wanted = False
        self._until_s: float | None = None

    def order(self, wanted: bool) -> None:
        """With each order to reboot: it waits. A later order without it ends the waiting."""
        self._wanted = wanted

    async def view(self) -> DrainView | None:
        """How far it is; None while no reboot waits for deliveries. Raises StoreError."""
        if not self._wanted:
            return None
        left_s = LONGEST_S if self._until_s is None else max(0.0, self._until_s - _now_s())
        return DrainView(self._billing, await self._writer.depth(self._billing), round(left_s), self._until_s is None)

    async def run(self) -> None:
        """Nothing runs any more: return when nothing waits, or the time is over, or nobody wants it. Raises StoreError.

        Started again after a failure it goes on with the time that is left.
        """
        if not self._wanted:
            return
        if self._until_s is None:
            self._until_s = _now_s() + LONGEST_S
        waiting = await self._writer.depth(self._billing)
        self._tell("system.drain_begun", upstream=self._billing, waiting=waiting, minutes=round(LONGEST_S / 60))
        while waiting and self._wanted and _now_s() < self._until_s:
            await asyncio.sleep(LOOK_S)
            waiting = await self._writer.depth(self._billing)
        self._tell("system.drain_ended", upstream=self._billing, waiting=waiting)
        if self._wanted:
            await asyncio.sleep(LINGER_S)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
