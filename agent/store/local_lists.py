"""The local authorization list of each upstream: its version, and a row for each card."""

from __future__ import annotations

from agent.store.codec import from_json, to_json
from agent.store.damage import Damage
from agent.store.database import Database
from agent.store.names import UpstreamNumbers
from agent.store.schema import Row
from agent.vocabulary.records import ListEntry, SaveList


class LocalLists:
    """The two tables of local lists. A differential update writes its own cards and no others."""

    def __init__(self, database: Database, upstreams: UpstreamNumbers) -> None:
        self._database = database
        self._upstreams = upstreams

    def save(self, update: SaveList) -> None:
        """Replace the list, or change it. Inside a transaction."""
        number = self._upstreams.number(update.upstream)
        if update.full:
            self._database.execute("DELETE FROM list_entries WHERE upstream = ?", (number,))
        self._database.execute(
            "INSERT OR REPLACE INTO lists (upstream, version) VALUES (?, ?)", (number, update.version)
        )
        for entry in update.entries:
            if entry.verdict is None:
                row = (number, entry.token.key)
                self._database.execute("DELETE FROM list_entries WHERE upstream = ? AND token = ?", row)
            else:
                self._database.execute(
                    "INSERT OR REPLACE INTO list_entries (upstream, token, entry) VALUES (?, ?, ?)",
                    (number, entry.token.key, to_json(entry)),
                )

    def all(self, damage: Damage) -> tuple[SaveList, ...]:
        """Every list, whole. Inside a transaction."""
        return tuple(
            SaveList(self._upstreams.id(number), version, True, self._entries(number, damage))
            for number, version in self._database.rows("SELECT upstream, version FROM lists ORDER BY upstream")
        )

    def _entries(self, number: int, damage: Damage) -> tuple[ListEntry, ...]:
        query = "SELECT upstream, token, entry FROM list_entries WHERE upstream = ? ORDER BY token"
        rows = self._database.rows(query, (number,))
        return tuple(damage.readable("list_entries", "upstream, token", rows, _parse))


def _parse(row: Row) -> ListEntry:
    return from_json(ListEntry, row[2])
