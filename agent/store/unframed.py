"""Outbox rows whose frame is not written yet: they wait for a foreign id or for the wall time of their boot."""

from __future__ import annotations

from agent.store.database import Database
from agent.store.outbox import COLUMNS, Content, StoredRow
from agent.store.schema import Row


class Unframed:
    """Finds such rows, raw, oldest first, and fills them. Inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def fill(self, row: int, text: Content) -> None:
        """Write the frame of a row that waited for it."""
        self._database.execute("UPDATE outbox SET event = ?, frame = ? WHERE row = ?", (*text, row))

    def behind(self, start: StoredRow) -> list[Row]:
        """Rows of the transaction of a start, from there to its stop: the search ends there, however long the queue."""
        where = "FROM outbox WHERE row > ? AND upstream = ? AND number = ?"
        key = (start.row, start.upstream, start.number)
        stop = self._database.row(f"SELECT row {where} AND kind = 2 ORDER BY row LIMIT 1", key)
        last = stop or self._database.row("SELECT max(row) FROM outbox")
        return self._database.rows(
            f"SELECT {COLUMNS} {where} AND row <= ? AND frame IS NULL ORDER BY row", (*key, last[0] if last else 0)
        )

    def of_boot(self, boot: int) -> list[Row]:
        """Rows of one boot."""
        return self._database.rows(
            f"SELECT {COLUMNS} FROM outbox WHERE boot = ? AND frame IS NULL ORDER BY row", (boot,)
        )

    def boots(self) -> list[int]:
        """The boots of such rows, oldest first."""
        rows = self._database.rows("SELECT DISTINCT boot FROM outbox WHERE frame IS NULL ORDER BY boot")
        return [row[0] for row in rows if isinstance(row[0], int)]
