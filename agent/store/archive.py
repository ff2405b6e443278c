"""Questions about the past, for people: what became of transactions, and what the security log says.

Everything here is asked and answered on the thread of the store's owner, and raises StoreError.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager

from agent.store.draining import Draining
from agent.store.history import History, Session, SessionQuery
from agent.store.past import Deleted, Past
from agent.store.receipts import Receipt
from agent.store.security_log import ChainCheck, SecurityLine
from agent.store.tables import Tables
from agent.store.undelivered import Undelivered
from agent.vocabulary.ids import ConnectorId, TransactionId, UpstreamId
from agent.vocabulary.records import LadderStep

Guard = Callable[[], AbstractContextManager[None]]
"""Around every question: repairs what turns out to be damaged. Around what changes something: commits it, too."""


class Archive:
    """See the module. `Store.archive`."""

    def __init__(
        self,
        tables: Tables,
        history: History,
        past: Past,
        queues: tuple[Draining, Undelivered],
        guard: Guard,
        writing: Guard,
    ) -> None:
        self.draining, self.undelivered = queues
        """How much former upstreams are still owed; what exactly somebody is owed."""
        self._tables = tables
        self._history = history
        self._past = past
        self._guard = guard
        self._writing = writing

    def receipts(self, transaction: TransactionId) -> tuple[Receipt, ...]:
        """What became of one transaction at each upstream."""
        with self._guard():
            return self._history.receipts(transaction)

    def sessions(self, query: SessionQuery) -> list[Session]:
        """The newest sessions of a query first. LookupError if nobody knows `before`."""
        with self._guard():
            return self._history.sessions(query)

    def move_sessions(self) -> int:
        """For a quiet moment: a batch of sessions goes into the history file, if one is complete; how many."""
        with self._guard():
            return self._past.move()

    def delete_sessions(self, before_ms: int) -> Deleted:
        """Delete sessions that started before, for good; those that are not delivered stay."""
        with self._guard():
            return self._past.delete(before_ms)

    def decisions(self, limit: int, connector: ConnectorId | None = None) -> list[LadderStep]:
        """The newest decisions on cards, newest first; of one connector, or of all."""
        with self._guard():
            return self._tables.ladder.newest(limit, connector)

    def parked(self, upstream: UpstreamId) -> list[str]:
        """Message ids of what was given up for an upstream, oldest first."""
        with self._guard():
            number = self._tables.upstreams.known(upstream)
            return [row.message_id for row in self._tables.parked.all() if row.upstream == number]

    def parked_count(self, upstream: UpstreamId) -> int:
        """How many messages were given up for an upstream."""
        with self._guard():
            number = self._tables.upstreams.known(upstream)
            return 0 if number is None else self._tables.parked.count(number)

    def security_log(self, limit: int = 1000) -> list[SecurityLine]:
        """The newest lines of the security log, oldest first."""
        with self._guard():
            return self._tables.security_log.newest(limit)

    def check_security_log(self) -> ChainCheck:
        """Follow the chain of the whole security log."""
        with self._guard():
            return self._tables.security_log.check()

    def clear_security_log(self) -> None:
        """Drop all lines of the security log; the next one rests on the last of them."""
        with self._writing():
            self._tables.security_log.clear()

    def age_removed(self, configured: Collection[UpstreamId], wall_ms: int) -> None:
        """Every so often: forget what upstreams that are no longer configured were not sent in ninety days."""
        with self._guard():
            due = self._tables.retention.is_due(configured, wall_ms)
        if due:
            with self._writing():
                if self._tables.retention.age(configured, wall_ms):
                    self._tables.forget()
