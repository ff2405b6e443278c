"""Questions about the past, for people: what became of transactions, and what the security log says.

Everything here is asked and answered on the thread of the store's owner, and raises StoreError.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from agent.store.history import History
from agent.store.receipts import Receipt
from agent.store.security_log import ChainCheck, SecurityLine
from agent.store.tables import Tables
from agent.vocabulary.ids import TransactionId, UpstreamId

Guard = Callable[[], AbstractContextManager[None]]
"""Around every question: repairs what turns out to be damaged."""


class Archive:
    """See the module. `Store.archive`."""

    def __init__(self, tables: Tables, guard: Guard) -> None:
        self._tables = tables
        self._history = History(tables)
        self._guard = guard

    def receipts(self, transaction: TransactionId) -> tuple[Receipt, ...]:
        """What became of one transaction at each upstream."""
        with self._guard():
            return self._history.receipts(transaction)

    def parked(self, upstream: UpstreamId) -> list[str]:
        """Message ids of what was given up for an upstream, oldest first."""
        with self._guard():
            number = self._tables.upstreams.known(upstream)
            return [row.message_id for row in self._tables.parked.all() if row.upstream == number]

    def security_log(self, limit: int = 1000) -> list[SecurityLine]:
        """The newest lines of the security log, oldest first."""
        with self._guard():
            return self._tables.security_log.newest(limit)

    def check_security_log(self) -> ChainCheck:
        """Follow the chain of the whole security log."""
        with self._guard():
            return self._tables.security_log.check()
