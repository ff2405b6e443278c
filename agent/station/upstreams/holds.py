"""Availability: each upstream holds a connector inoperative for itself; operative is what nobody holds.

Connector 0 is the station: holding it holds every connector as well, and releasing it releases every one (OCPP 1.6
5.2 "Change Availability"). Holds survive everything and belong to the upstream that set them.
"""

from __future__ import annotations

from collections.abc import Iterable

from agent.vocabulary.ids import STATION, ConnectorId, UpstreamId
from agent.vocabulary.records import SaveHold


class Holds:
    """Who holds what."""

    def __init__(
        self, saved: Iterable[SaveHold], connectors: Iterable[ConnectorId], known: Iterable[UpstreamId]
    ) -> None:
        upstreams = set(known)
        self._connectors = tuple(connectors)
        self.closed = ""
        """Why the station itself holds every connector; empty: it does not. Never stored."""
        self._held = {(row.upstream, row.connector) for row in saved if row.held and row.upstream in upstreams}

    def change(self, upstream: UpstreamId, connector: ConnectorId, held: bool) -> list[SaveHold]:
        """Hold or release for one upstream; returns the rows to store (none if nothing changed)."""
        concerned = (STATION, *self._connectors) if connector == STATION else (connector,)
        rows = [SaveHold(upstream, c, held) for c in concerned if ((upstream, c) in self._held) is not held]
        for row in rows:
            (self._held.add if held else self._held.discard)((upstream, row.connector))
        return rows

    def holders(self, connector: ConnectorId) -> set[UpstreamId]:
        """Whoever holds this connector."""
        return {upstream for upstream, held in self._held if held == connector}

    def operative(self, connector: ConnectorId) -> bool:
        """True while nobody holds it, nor the station itself."""
        return not self.holders(connector) and not (self.closed and connector != STATION)

    def held_by_other(self, connector: ConnectorId, upstream: UpstreamId) -> bool:
        """Somebody else's hold concerns this connector."""
        return bool(self.holders(connector) - {upstream})
