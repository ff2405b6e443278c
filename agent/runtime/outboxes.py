"""What waits for one upstream, as its task sees it: the head, and a bell that rings when it may have changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Generic, TypeVar

from agent.runtime.writer import Writer
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.outbox import NoticeRow, OutboxRow

Row = TypeVar("Row")


class UpstreamQueue(Generic[Row]):
    """What waits for one upstream; satisfies `agent.links.ports.Outbox` and `agent.links.ports.Notices`."""

    def __init__(self, head: Callable[[], Awaitable[Row | None]]) -> None:
        self._head = head
        self._changed = asyncio.Event()

    @property
    def changed(self) -> asyncio.Event:
        """Rung after every commit that touched what waits for this upstream."""
        return self._changed

    async def head(self) -> Row | None:
        """The oldest row that is neither done nor parked."""
        return await self._head()


Queues = tuple[UpstreamQueue[OutboxRow], UpstreamQueue[NoticeRow]]
"""Of one upstream: its outbox, and the security events that it is still to be told."""


class Outboxes:
    """What waits for whom, and the door through which the writer rings. Made before the writer is."""

    def __init__(self) -> None:
        self._by_upstream: dict[UpstreamId, Queues] = {}

    def open(self, upstreams: Iterable[UpstreamId], writer: Writer) -> None:
        """Called once the writer exists."""
        self._by_upstream = {
            one: (UpstreamQueue(partial(writer.head, one)), UpstreamQueue(partial(writer.head_notice, one)))
            for one in upstreams
        }

    def of(self, upstream: UpstreamId) -> UpstreamQueue[OutboxRow]:
        """The outbox of an upstream. Raises KeyError for one that is not dialled."""
        return self._by_upstream[upstream][0]

    def notices_of(self, upstream: UpstreamId) -> UpstreamQueue[NoticeRow]:
        """The security events for an upstream. Raises KeyError for one that is not dialled."""
        return self._by_upstream[upstream][1]

    def ring(self, upstream: UpstreamId) -> None:
        """The writer touched what waits for this upstream; for one that is no longer dialled nobody listens."""
        for queue in self._by_upstream.get(upstream, ()):
            queue.changed.set()
