"""Sessions of the past with their delivery receipts, and what is forgotten when."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.store.receipts import Receipt
from agent.store.tables import Tables
from agent.vocabulary.ids import TransactionId
from agent.vocabulary.records import TransactionRecord

HISTORY_MS = 366 * 24 * 3_600_000
"""How long finished, delivered sessions are kept."""
_EXPIRED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Session:
    """A transaction of the history with what became of it at each upstream."""

    transaction: TransactionRecord
    receipts: tuple[Receipt, ...]


class History:
    """Questions about the past."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def sessions(self, limit: int) -> list[Session]:
        """The newest sessions first."""
        found = self._tables.journal.newest(limit)
        numbers = [number for number, _ in found]
        waiting = self._tables.outbox.waiting(min(numbers, default=0), max(numbers, default=0))
        return [Session(record, self._of(number, waiting)) for number, record in found]

    def receipts(self, transaction: TransactionId) -> tuple[Receipt, ...]:
        """What became of one transaction at each upstream; empty if it is not known."""
        number = self._tables.journal.known(transaction)
        return () if number is None else self._of(number, self._tables.outbox.waiting(number, number))

    def expire(self, now_ms: int | None) -> None:
        """Forget what is older than the history and delivered. Inside a transaction of the database."""
        tables = self._tables
        tables.readings.trim()
        tables.ladder.trim()
        for number, stopped_ms in tables.journal.oldest_stopped(_EXPIRED_AT_ONCE) if now_ms is not None else ():
            if now_ms is not None and stopped_ms < now_ms - HISTORY_MS and tables.receipts.settled(number):
                tables.journal.delete(number)
                tables.receipts.drop(number)
                tables.readings.drop(number)

    def _of(self, number: int, waiting: dict[tuple[int, int], int]) -> tuple[Receipt, ...]:
        known = self._tables.upstreams.known
        receipts = self._tables.receipts.of(number)
        return tuple(replace(r, waiting=waiting.get((number, known(r.upstream) or 0), 0)) for r in receipts)
