"""What upstreams number themselves, such as charging profiles and reservations: one row for each upstream and id."""

from __future__ import annotations

from typing import Generic, TypeVar

from agent.store.codec import from_json, to_json
from agent.store.damage import Damage
from agent.store.database import Database
from agent.store.names import UpstreamNumbers
from agent.vocabulary.ids import UpstreamId

T = TypeVar("T")


class Numbered(Generic[T]):
    """One such table; `kind` is the class of what lies in it."""

    def __init__(self, database: Database, upstreams: UpstreamNumbers, table: str, kind: type[T]) -> None:
        self._database = database
        self._upstreams = upstreams
        self._table = table
        self._kind = kind

    def save(self, upstream: UpstreamId, number: int, value: T) -> None:
        """Insert or replace. Inside a transaction."""
        self._database.execute(
            f"INSERT OR REPLACE INTO {self._table} (upstream, id, content) VALUES (?, ?, ?)",
            (self._upstreams.number(upstream), number, to_json(value)),
        )

    def drop(self, upstream: UpstreamId, number: int) -> None:
        """Forget one. Inside a transaction."""
        row = (self._upstreams.number(upstream), number)
        self._database.execute(f"DELETE FROM {self._table} WHERE upstream = ? AND id = ?", row)

    def all(self, damage: Damage) -> tuple[T, ...]:
        """Everything, in the order in which it came. Inside a transaction."""
        rows = self._database.rows(f"SELECT rowid, content FROM {self._table} ORDER BY rowid")
        return tuple(damage.readable(self._table, "rowid", rows, lambda row: from_json(self._kind, row[1])))
