"""Who holds which connector inoperative, and which faults are latched until somebody clears them."""

from __future__ import annotations

from agent.store.damage import Damage
from agent.store.database import Database
from agent.store.names import UpstreamNumbers
from agent.store.schema import Row
from agent.vocabulary.ids import ConnectorId
from agent.vocabulary.records import SaveHold, SaveLatch
from hal.api import Fault

_FAULTS = frozenset(fault.value for fault in Fault)


class Holds:
    """The tables of holds and latches: a row is there or it is not."""

    def __init__(self, database: Database, upstreams: UpstreamNumbers) -> None:
        self._database = database
        self._upstreams = upstreams

    def save(self, hold: SaveHold) -> None:
        """Hold or release. Inside a transaction."""
        row = (self._upstreams.number(hold.upstream), hold.connector)
        if hold.held:
            self._database.execute(
                "INSERT OR IGNORE INTO holds (upstream, connector, since_wall_ms) VALUES (?, ?, ?)",
                (*row, hold.since_wall_ms),
            )
        else:
            self._database.execute("DELETE FROM holds WHERE upstream = ? AND connector = ?", row)

    def latch(self, latch: SaveLatch) -> None:
        """Latch or clear. Inside a transaction."""
        row = (latch.connector, latch.fault.value)
        if latch.latched:
            self._database.execute("INSERT OR IGNORE INTO latches (connector, fault) VALUES (?, ?)", row)
        else:
            self._database.execute("DELETE FROM latches WHERE connector = ? AND fault = ?", row)

    def all(self, damage: Damage) -> tuple[SaveHold, ...]:
        """Every hold. Inside a transaction."""
        rows = self._database.rows("SELECT upstream, connector, since_wall_ms FROM holds ORDER BY upstream, connector")
        return tuple(damage.readable("holds", "upstream, connector", rows, self._hold))

    def latches(self) -> tuple[SaveLatch, ...]:
        """Every latched fault; one that this release does not know is left in the file."""
        rows = self._database.rows("SELECT connector, fault FROM latches ORDER BY connector, fault")
        known = [row for row in rows if row[1] in _FAULTS]
        return tuple(SaveLatch(ConnectorId(connector), Fault(fault), True) for connector, fault in known)

    def _hold(self, row: Row) -> SaveHold:
        return SaveHold(self._upstreams.id(row[0]), ConnectorId(int(row[1])), True, row[2])
