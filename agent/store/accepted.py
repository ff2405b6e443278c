"""Which upstreams have accepted the station once (OCPP 1.6 4.2 "Boot Notification")."""

from __future__ import annotations

from agent.store.database import Database
from agent.store.names import UpstreamNumbers
from agent.vocabulary.ids import UpstreamId


class Accepted:
    """A row is there or it is not."""

    def __init__(self, database: Database, upstreams: UpstreamNumbers) -> None:
        self._database = database
        self._upstreams = upstreams

    def note(self, upstream: UpstreamId) -> None:
        """It has. Inside a transaction."""
        number = self._upstreams.number(upstream)
        self._database.execute("INSERT OR IGNORE INTO accepted (upstream) VALUES (?)", (number,))

    def all(self) -> tuple[UpstreamId, ...]:
        """Everyone who has."""
        rows = self._database.rows("SELECT upstream FROM accepted ORDER BY upstream")
        return tuple(self._upstreams.id_or_lost(row[0]) for row in rows)
