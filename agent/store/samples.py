"""Meter readings: one row per reading that any upstream's plan asked for."""

from __future__ import annotations

from agent.store.codec import from_json, to_json
from agent.store.damage import Damage
from agent.store.database import Database
from agent.store.schema import Row
from agent.store.squeeze import expand, squeeze
from agent.vocabulary.records import SaveReading

_SHIFT = 24
OUTSIDE = 0
"""Stands for the transaction number of readings taken outside any transaction."""
KEPT_OUTSIDE = 1_000
"""How many readings outside transactions are kept."""


class Readings:
    """Readings by transaction number, in the order in which they were taken."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._next: dict[int, int] = {}

    def forget(self) -> None:
        """Drop what is remembered, after a rolled-back transaction."""
        self._next.clear()

    def save(self, number: int, reading: SaveReading) -> None:
        """Append a reading. Inside a transaction."""
        row = self._next.get(number) or self._last(number) + 1
        self._database.execute("INSERT INTO readings (row, reading) VALUES (?, ?)", (row, squeeze(to_json(reading))))
        self._next[number] = row + 1

    def of(self, number: int, damage: Damage) -> list[SaveReading]:
        """The readings of a transaction, oldest first. Inside a transaction."""
        rows = self._database.rows(
            "SELECT row, reading FROM readings WHERE row >= ? AND row < ? ORDER BY row", _range(number)
        )
        return damage.readable("readings", "row", rows, _parse)

    def last(self, number: int, damage: Damage) -> SaveReading | None:
        """The newest readable reading of a transaction. Inside a transaction."""
        readings = self.of(number, damage)
        return readings[-1] if readings else None

    def drop(self, number: int) -> None:
        """Delete the readings of a transaction. Inside a transaction."""
        self._database.execute("DELETE FROM readings WHERE row >= ? AND row < ?", _range(number))
        self._next.pop(number, None)

    def trim(self) -> None:
        """Delete old readings that belong to no transaction. Inside a transaction."""
        self._database.execute(
            "DELETE FROM readings WHERE row >= ? AND row < ?", (0, self._last(OUTSIDE) - KEPT_OUTSIDE)
        )

    def _last(self, number: int) -> int:
        low, high = _range(number)
        found = self._database.row("SELECT max(row) FROM readings WHERE row >= ? AND row < ?", (low, high))
        return low if found is None or found[0] is None else int(found[0])


def _range(number: int) -> tuple[int, int]:
    return number << _SHIFT, (number + 1) << _SHIFT


def _parse(row: Row) -> SaveReading:
    return from_json(SaveReading, expand(row[1]))
