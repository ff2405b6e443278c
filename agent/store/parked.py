"""Rows that an upstream was given up for: kept, shown, taken up again by a late answer or on demand."""

from __future__ import annotations

from dataclasses import dataclass

from agent.store.database import Database
from agent.store.names import pack_id, unpack_id
from agent.store.outbox import KINDS, Content, StoredRow
from agent.store.schema import Row
from agent.vocabulary.outbox import RowKind

_COLUMNS = "row, upstream, message, number, kind, attempts, event, frame, why"


@dataclass(frozen=True, slots=True)
class ParkedRow:
    """A row as it lies in the table."""

    row: int
    upstream: int
    message_id: str
    number: int | None
    kind: RowKind
    attempts: int
    content: Content
    why: str


class Parked:
    """The parked rows of all upstreams. Writing methods run inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, stored: StoredRow, why: str) -> None:
        """Copy a row of the outbox; it is still there."""
        self._database.execute(
            f"INSERT OR REPLACE INTO parked ({_COLUMNS}) "
            "SELECT row, upstream, message, number, kind, attempts, event, frame, ? FROM outbox WHERE row = ?",
            (why, stored.row),
        )

    def find(self, upstream: int, message_id: str) -> ParkedRow | None:
        """The row with this message id. Raises ValueError if it cannot be read."""
        found = self._database.row(
            f"SELECT {_COLUMNS} FROM parked WHERE upstream = ? AND message = ?", (upstream, pack_id(message_id))
        )
        return None if found is None else _parse(found)

    def of_session(self, upstream: int, number: int) -> list[ParkedRow]:
        """The rows of one transaction, oldest first; unreadable ones are left out."""
        return self._readable("WHERE upstream = ? AND number = ? ORDER BY row", (upstream, number))

    def all(self) -> list[ParkedRow]:
        """Every row, oldest first; unreadable ones are left out."""
        return self._readable("ORDER BY row", ())

    def count(self, upstream: int) -> int:
        """How many rows were given up for an upstream."""
        counted = self._database.row("SELECT count(*) FROM parked WHERE upstream = ?", (upstream,))
        return counted[0] if counted else 0

    def delete(self, row: int) -> None:
        """Forget a row."""
        self._database.execute("DELETE FROM parked WHERE row = ?", (row,))

    def _readable(self, where: str, key: tuple[int, ...]) -> list[ParkedRow]:
        found = []
        for row in self._database.rows(f"SELECT {_COLUMNS} FROM parked {where}", key):
            try:
                found.append(_parse(row))
            except ValueError:
                continue
        return found


def _parse(row: Row) -> ParkedRow:
    key, upstream, message, number, kind, attempts, event, frame, why = row
    try:
        return ParkedRow(key, upstream, unpack_id(message), number, KINDS[kind], attempts, (event, frame), why)
    except (IndexError, TypeError) as error:
        raise ValueError(f"damaged row: {error}") from None
