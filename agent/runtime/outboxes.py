"""The outbox of one upstream, as its task sees it: the head, and a bell that rings when it may have changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from agent.runtime.writer import Writer
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.outbox import OutboxRow


class UpstreamOutbox:
    """Satisfies `agent.links.ports.Outbox`."""

    def __init__(self, upstream: UpstreamId, writer: Writer) -> None:
        self._upstream = upstream
        self._writer = writer
        self._changed = asyncio.Event()

    @property
    def changed(self) -> asyncio.Event:
        """Rung after every commit that touched this outbox."""
        return self._changed

    async def head(self) -> OutboxRow | None:
        """The oldest row that is neither done nor parked."""
        return await self._writer.head(self._upstream)


class Outboxes:
    """All outboxes, and the door through which the writer rings. Made before the writer is."""

    def __init__(self) -> None:
        self._by_upstream: dict[UpstreamId, UpstreamOutbox] = {}

    def open(self, upstreams: Iterable[UpstreamId], writer: Writer) -> None:
        """Called once the writer exists."""
        self._by_upstream = {upstream: UpstreamOutbox(upstream, writer) for upstream in upstreams}

    def of(self, upstream: UpstreamId) -> UpstreamOutbox:
        """The outbox of an upstream. Raises KeyError for one that is not dialled."""
        return self._by_upstream[upstream]

    def ring(self, upstream: UpstreamId) -> None:
        """The writer touched this outbox; one of an upstream that is no longer dialled rings nowhere."""
        outbox = self._by_upstream.get(upstream)
        if outbox is not None:
            outbox.changed.set()
