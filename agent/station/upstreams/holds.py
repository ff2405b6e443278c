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
        mine = [row for row in saved if row.held and row.upstream in upstreams]
        self._held = {(row.upstream, row.connector): row.since_wall_ms for row in mine}
        self.closed = ""
        """Why the station itself holds every connector; empty: it does not. Never stored."""

    def change(
        self, upstream: UpstreamId, connector: ConnectorId, held: bool, wall_ms: int | None = None
    ) -> list[SaveHold]:
        """Hold or release for one upstream; returns the rows to store (none if nothing changed)."""
        concerned = (STATION, *self._connectors) if connector == STATION else (connector,)
        changed = [c for c in concerned if ((upstream, c) in self._held) is not held]
        for each in changed:
            if held:
                self._held[upstream, each] = wall_ms
            else:
                del self._held[upstream, each]
        return [SaveHold(upstream, each, held, wall_ms if held else None) for each in changed]

    def since(self, connector: ConnectorId) -> tuple[tuple[UpstreamId, int | None], ...]:
        """Who holds this connector, and since when (wall time, where it was known)."""
        return tuple((upstream, since) for (upstream, held), since in self._held.items() if held == connector)

    def holders(self, connector: ConnectorId) -> set[UpstreamId]:
        """Whoever holds this connector."""
        return {upstream for upstream, held in self._held if held == connector}

    def operative(self, connector: ConnectorId) -> bool:
        """True while nobody holds it, nor the station itself."""
        return not self.holders(connector) and not (self.closed and connector != STATION)

    def held_by_other(self, connector: ConnectorId, upstream: UpstreamId) -> bool:
        """Somebody else's hold concerns this connector."""
        return bool(self.holders(connector) - {upstream})
