"""Moves sessions that nobody waits for any more into the history file, by the batch; deletes them on demand.

Theory of operation
-------------------
A session may go once every upstream has got all of it, its time is known, and it is none of the newest. Many go at
once: a write to flash costs whole blocks, whatever is in it. The history file is synced before anything is deleted
from the journal, and that deletion rides with the next commit: a cut in between leaves a session in both, where the
journal counts, and it is moved again. What was started twelve months before the oldest session of a batch is dropped
with it. A history file that cannot be used delays the move and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from agent.store.damage import Report
from agent.store.database import Database
from agent.store.errors import StoreError
from agent.store.history import HISTORY_MS, History, kept
from agent.store.history_file import HistoryFile, Kept
from agent.store.receipts import Delivery
from agent.store.tables import Tables

NEWEST_STAY = 64
BATCH = 64
_LOOK_AGAIN = 8
"""Sessions that begin before the next look whether a batch is complete."""
_UNDELIVERED = (int(Delivery.QUEUED), int(Delivery.PARKED), int(Delivery.SESSION_PARKED))
_OPEN = ", ".join(map(str, _UNDELIVERED))
_FINISHED = f"""
SELECT number FROM transactions WHERE stopped = 1
    AND number NOT IN (SELECT row >> 16 FROM receipts WHERE start IN ({_OPEN}) OR stop IN ({_OPEN}, 0))
    AND number NOT IN (SELECT number FROM parked WHERE number IS NOT NULL)
    AND number NOT IN (
        SELECT number FROM outbox JOIN cursors USING (upstream) WHERE outbox.row > cursors.row AND number IS NOT NULL)
ORDER BY number"""


@dataclass(frozen=True, slots=True)
class Deleted:
    """What became of a wish to delete: how many sessions went, and how many stay until they are delivered."""

    removed: int
    kept: int


class Past:
    """See the module. `move` and `delete` open a transaction of the database by themselves."""

    def __init__(
        self,
        database: Database,
        tables: Tables,
        history: History,
        file: HistoryFile,
        writing: Callable[[], AbstractContextManager[None]],
        report: Report,
    ) -> None:
        self._database = database
        self._tables = tables
        self._history = history
        self._file = file
        self._writing = writing
        self._report = report
        self._looked_at: int | None = None
        self._told = ""

    def move(self) -> int:
        """Move a batch if one is complete; how many. Raises StoreError if the database cannot be used."""
        newest = self._newest()
        if self._looked_at is not None and self._looked_at <= newest < self._looked_at + _LOOK_AGAIN:
            return 0
        rows = self._batch(newest)
        if len(rows) < BATCH:
            self._looked_at = newest
            return 0
        oldest_ms = min(row.started_ms for _, row in rows)
        try:
            self._file.put([row for _, row in rows], oldest_ms - HISTORY_MS)
        except StoreError as error:
            self._looked_at = newest
            self._complain(error)
            return 0
        self._told = ""
        self._drop([number for number, _ in rows])
        return len(rows)

    def delete(self, before_ms: int) -> Deleted:
        """Delete finished sessions that started before. Raises StoreError; asked again, it does the rest."""
        finished = set(self._finished())
        removed, stay = [], 0
        for number, record in self._tables.journal.newest(1_000_000):
            started_ms = self._history.session(number, record).transaction.started_at.wall_ms
            if started_ms is not None and started_ms < before_ms:
                stay += number not in finished
                removed += [number] if number in finished else []
        in_both = sum(self._file.one(self._packed(number)) is not None for number in removed)
        gone = self._file.delete(before_ms)
        self._drop(removed)
        return Deleted(gone + len(removed) - in_both, stay)

    def _newest(self) -> int:
        found = self._database.row("SELECT coalesce(max(number), 0) FROM transactions")
        return int(found[0]) if found else 0

    def _finished(self) -> list[int]:
        return [row[0] for row in self._database.rows(_FINISHED)]

    def _batch(self, newest: int) -> list[tuple[int, Kept]]:
        """The oldest that may go, with their rows; what cannot be read or has no time stays."""
        found = []
        for number in self._finished():
            record = self._tables.journal.record(number) if number <= newest - NEWEST_STAY else None
            row = None if record is None else kept(self._history.session(number, record))
            if row is not None:
                found.append((number, row))
            if len(found) == BATCH:
                break
        return found

    def _drop(self, numbers: Sequence[int]) -> None:
        tables = self._tables
        if not numbers:
            return
        with self._writing():
            for number in numbers:
                tables.journal.delete(number)
                tables.receipts.drop(number)
                tables.readings.drop(number)

    def _packed(self, number: int) -> bytes | str:
        found = self._database.row("SELECT id FROM transactions WHERE number = ?", (number,))
        packed: bytes | str = found[0] if found else b""
        return packed

    def _complain(self, error: StoreError) -> None:
        """Once for each kind of trouble."""
        if str(error) != self._told:
            self._report(f"the history of sessions cannot be written, sessions stay where they are: {error}")
        self._told = str(error)
