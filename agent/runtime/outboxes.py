"""What waits for one upstream, as its task sees it: the head, and a bell that rings when it may have changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from agent.runtime.writer import Writer
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.outbox import NoticeRow, OutboxRow


class UpstreamOutbox:
    """Satisfies `agent.links.ports.Outbox`."""

    def __init__(self, upstream: UpstreamId, writer: Writer) -> None:
        self._upstream = upstream
        self._writer = writer
        self._changed = asyncio.Event()

    @property
    def changed(self) -> asyncio.Event:
        """Rung after every commit that touched what waits for this upstream."""
        return self._changed

    async def head(self) -> OutboxRow | None:
        """The oldest row that is neither done nor parked."""
        return await self._writer.head(self._upstream)


class UpstreamNotices:
    """Satisfies `agent.links.ports.Notices`."""

    def __init__(self, upstream: UpstreamId, writer: Writer) -> None:
        self._upstream = upstream
        self._writer = writer
        self._changed = asyncio.Event()

    @property
    def changed(self) -> asyncio.Event:
        """Rung after every commit that touched what waits for this upstream."""
        return self._changed

    async def head(self) -> NoticeRow | None:
        """The oldest security event that it is still to be told."""
        return await self._writer.head_notice(self._upstream)


class Outboxes:
    """What waits for whom, and the door through which the writer rings. Made before the writer is."""

    def __init__(self) -> None:
        self._by_upstream: dict[UpstreamId, tuple[UpstreamOutbox, UpstreamNotices]] = {}

    def open(self, upstreams: Iterable[UpstreamId], writer: Writer) -> None:
        """Called once the writer exists."""
        self._by_upstream = {one: (UpstreamOutbox(one, writer), UpstreamNotices(one, writer)) for one in upstreams}

    def of(self, upstream: UpstreamId) -> UpstreamOutbox:
        """The outbox of an upstream. Raises KeyError for one that is not dialled."""
        return self._by_upstream[upstream][0]

    def notices_of(self, upstream: UpstreamId) -> UpstreamNotices:
        """The security events for an upstream. Raises KeyError for one that is not dialled."""
        return self._by_upstream[upstream][1]

    def ring(self, upstream: UpstreamId) -> None:
        """The writer touched what waits for this upstream; for one that is no longer dialled nobody listens."""
        for queue in self._by_upstream.get(upstream, ()):
            queue.changed.set()
