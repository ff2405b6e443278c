"""Rows that cannot be read: set aside for a person, counted, never in the way of the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from agent.store.database import Database
from agent.store.schema import Row

T = TypeVar("T")

Report = Callable[[str], None]
"""Told in plain words what was set aside or salvaged; for the log."""


class Damage:
    """Moves unreadable rows into the table `damaged`. Inside a transaction."""

    def __init__(self, database: Database, report: Report) -> None:
        self._database = database
        self._report = report

    def set_aside(self, source: str, content: object, why: object) -> None:
        """Keep what can be kept of a row, and say why it was given up."""
        kept = content if isinstance(content, bytes | str | int | float | None) else repr(content)
        self._database.execute(
            "INSERT INTO damaged (source, content, why) VALUES (?, ?, ?)", (source, kept, str(why)[:200])
        )
        self._report(f"a row of {source} cannot be read and was set aside: {why}")

    def total(self) -> int:
        """How many rows lie aside."""
        found = self._database.row("SELECT count(*) FROM damaged")
        return int(found[0]) if found else 0

    def readable(self, table: str, key: str, rows: list[Row], parse: Callable[[Row], T]) -> list[T]:
        """Parse rows one at a time; one that raises ValueError is moved aside.

        The first columns are the key, named by `key` with commas between them.
        """
        good: list[T] = []
        for row in rows:
            try:
                good.append(parse(row))
            except (ValueError, TypeError, KeyError) as error:
                self._move(table, key, row, error)
        return good

    def _move(self, table: str, key: str, row: Row, why: Exception) -> None:
        content: Any = next((item for item in reversed(row) if isinstance(item, bytes)), repr(row))
        self.set_aside(table, content, why)
        columns = key.split(", ")
        where = " AND ".join(f"{column} = ?" for column in columns)
        self._database.execute(f"DELETE FROM {table} WHERE {where}", row[: len(columns)])
