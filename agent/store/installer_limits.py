"""What somebody on the spot allows a connector, or (0) the station."""

from __future__ import annotations

from agent.store.damage import Damage
from agent.store.database import Database
from agent.store.schema import Row
from agent.vocabulary.ids import ConnectorId
from agent.vocabulary.records import SaveInstallerLimit


class InstallerLimits:
    """At most one row per connector."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, entry: SaveInstallerLimit) -> None:
        """Set it, or forget it. Inside a transaction."""
        self._database.execute("DELETE FROM installer_limits WHERE connector = ?", (entry.connector,))
        if entry.current_a is not None:
            row = (entry.connector, entry.current_a)
            self._database.execute("INSERT INTO installer_limits (connector, current_a) VALUES (?, ?)", row)

    def all(self, damage: Damage) -> tuple[SaveInstallerLimit, ...]:
        """Every limit. Inside a transaction."""
        rows = self._database.rows("SELECT connector, current_a FROM installer_limits ORDER BY connector")
        return tuple(damage.readable("installer_limits", "connector", rows, _parse))


def _parse(row: Row) -> SaveInstallerLimit:
    return SaveInstallerLimit(ConnectorId(int(row[0])), float(row[1]))
