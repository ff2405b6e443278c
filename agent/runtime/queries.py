"""The named questions to the store, in terms of one way to ask. Shared by both writers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from agent.store.history import Session
from agent.store.store import Store
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.outbox import NoticeRow, OutboxRow

T = TypeVar("T")


class Queries:
    """What `agent.runtime.writer.Writer` promises to answer."""

    async def ask(self, question: Callable[[Store], T]) -> T:
        """See `Writer`."""
        raise NotImplementedError

    async def head(self, upstream: UpstreamId) -> OutboxRow | None:
        """See `Writer`."""
        return await self.ask(lambda store: store.head(upstream))

    async def head_notice(self, upstream: UpstreamId) -> NoticeRow | None:
        """See `Writer`."""
        return await self.ask(lambda store: store.head_notice(upstream))

    async def depth(self, upstream: UpstreamId) -> int:
        """See `Writer`."""
        return await self.ask(lambda store: store.depth(upstream))

    async def sessions(self, limit: int = 100) -> list[Session]:
        """See `Writer`."""
        return await self.ask(lambda store: store.sessions(limit))
