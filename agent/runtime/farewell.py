"""Before the agent ends by order: what its last transactions have to say gets a moment to arrive (OCPP 1.6 5.15).

Nothing depends on it, since every row is on the disk and is sent after the start; but a backend that hears of the stop
before the boot, and only once, understands better what happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final, Protocol

from agent.runtime.writer import Writer
from agent.store.errors import StoreError
from agent.vocabulary.ids import UpstreamId

DELIVERY_S: Final = 3.0
"""The agent waits so long at the most: whoever has not answered by then is told after the start."""
LOOK_S: Final = 0.1
CONNECTED: Final = "connected"


class Link(Protocol):
    """The link of an upstream."""

    @property
    def stage(self) -> str:
        """`connected`, or something else."""


class Linked(Protocol):
    """The task of an upstream."""

    @property
    def state(self) -> Link:
        """Its link."""


async def take_leave(
    writer: Writer,
    upstreams: Mapping[UpstreamId, Linked],
    drained: Callable[[], Awaitable[None]],
    stop: Callable[[], None],
) -> None:
    """Call `stop` when every connected upstream knows everything, or the time is over; then wait to be cancelled.

    `drained` comes first: what an order to reboot wants delivered, however long it takes; it may raise StoreError.
    """
    with suppress(StoreError):
        await drained()
    with suppress(TimeoutError, StoreError):
        async with asyncio.timeout(DELIVERY_S):
            await _delivered(writer, upstreams)
    stop()
    await asyncio.get_running_loop().create_future()


async def _delivered(writer: Writer, upstreams: Mapping[UpstreamId, Linked]) -> None:
    waiting = True
    while waiting:
        connected = [upstream for upstream, task in upstreams.items() if task.state.stage == CONNECTED]
        waiting = any([await writer.depth(upstream) for upstream in connected])
        await asyncio.sleep(LOOK_S if waiting else 0)
