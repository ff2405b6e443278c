"""Which connector holds its cable after a session, and for whom (StopTransactionOnInvalidId, OCPP 1.6 9.1.28)."""

from __future__ import annotations

from agent.store.codec import from_json, to_json
from agent.store.damage import Damage
from agent.store.database import Database
from agent.store.schema import Row
from agent.store.squeeze import expand, squeeze
from agent.vocabulary.records import SaveKeptCable


class KeptCables:
    """At most one row per connector."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, entry: SaveKeptCable) -> None:
        """Hold it, or no longer. Inside a transaction."""
        if entry.token is None:
            self._database.execute("DELETE FROM kept_cables WHERE connector = ?", (entry.connector,))
            return
        self._database.execute(
            "INSERT INTO kept_cables (connector, kept) VALUES (?, ?) "
            "ON CONFLICT (connector) DO UPDATE SET kept = excluded.kept",
            (entry.connector, squeeze(to_json(entry))),
        )

    def all(self, damage: Damage) -> tuple[SaveKeptCable, ...]:
        """Every cable that is held. Inside a transaction."""
        rows = self._database.rows("SELECT connector, kept FROM kept_cables ORDER BY connector")
        return tuple(damage.readable("kept_cables", "connector", rows, _parse))


def _parse(row: Row) -> SaveKeptCable:
    return from_json(SaveKeptCable, expand(row[1]))
