"""Charging profiles, per upstream and id: kept until they are cleared or replaced, or their transaction ends."""

from __future__ import annotations

from agent.store.codec import from_json, to_json
from agent.store.damage import Damage
from agent.store.database import Database
from agent.store.names import UpstreamNumbers
from agent.vocabulary.charging import InstalledProfile
from agent.vocabulary.ids import UpstreamId


class Profiles:
    """The table of charging profiles."""

    def __init__(self, database: Database, upstreams: UpstreamNumbers) -> None:
        self._database = database
        self._upstreams = upstreams

    def save(self, installed: InstalledProfile) -> None:
        """Insert or replace. Inside a transaction."""
        self._database.execute(
            "INSERT OR REPLACE INTO profiles (upstream, id, content) VALUES (?, ?, ?)",
            (self._upstreams.number(installed.upstream), installed.profile.id, to_json(installed)),
        )

    def drop(self, upstream: UpstreamId, profile: int) -> None:
        """Forget one. Inside a transaction."""
        row = (self._upstreams.number(upstream), profile)
        self._database.execute("DELETE FROM profiles WHERE upstream = ? AND id = ?", row)

    def all(self, damage: Damage) -> tuple[InstalledProfile, ...]:
        """Every profile in the order in which they came. Inside a transaction."""
        found = []
        for row in self._database.rows("SELECT upstream, id, content FROM profiles ORDER BY rowid"):
            try:
                found.append(from_json(InstalledProfile, row[2]))
            except (ValueError, TypeError) as error:
                damage.set_aside("profiles", repr(row), error)
                self._database.execute("DELETE FROM profiles WHERE upstream = ? AND id = ?", row[:2])
        return tuple(found)
