"""Reservations, per upstream and id: kept over restarts until they are used, cancelled or over."""

from __future__ import annotations

from agent.store.codec import from_json, to_json
from agent.store.damage import Damage
from agent.store.database import Database
from agent.store.names import UpstreamNumbers
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.records import SaveReservation


class Reservations:
    """The table of reservations."""

    def __init__(self, database: Database, upstreams: UpstreamNumbers) -> None:
        self._database = database
        self._upstreams = upstreams

    def save(self, claim: SaveReservation) -> None:
        """Insert or replace. Inside a transaction."""
        self._database.execute(
            "INSERT OR REPLACE INTO reservations (upstream, id, content) VALUES (?, ?, ?)",
            (self._upstreams.number(claim.upstream), claim.id, to_json(claim)),
        )

    def drop(self, upstream: UpstreamId, number: int) -> None:
        """Forget one. Inside a transaction."""
        row = (self._upstreams.number(upstream), number)
        self._database.execute("DELETE FROM reservations WHERE upstream = ? AND id = ?", row)

    def all(self, damage: Damage) -> tuple[SaveReservation, ...]:
        """Every reservation in the order in which they came. Inside a transaction."""
        found = []
        for row in self._database.rows("SELECT upstream, id, content FROM reservations ORDER BY rowid"):
            try:
                found.append(from_json(SaveReservation, row[2]))
            except (ValueError, TypeError) as error:
                damage.set_aside("reservations", repr(row), error)
                self._database.execute("DELETE FROM reservations WHERE upstream = ? AND id = ?", row[:2])
        return tuple(found)
