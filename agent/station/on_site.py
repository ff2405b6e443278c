"""On site: what somebody with a hand on the station does, by `stationctl` or the page."""

from __future__ import annotations

from collections.abc import Mapping

from agent.station.evse.connector import Connector
from agent.station.evse.intake import clear_latches
from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.ids import ConnectorId
from agent.vocabulary.inputs import HoldCleared, LatchCleared, LimitSet
from agent.vocabulary.notes import StationNote
from agent.vocabulary.records import SaveInstallerLimit


class OnSite:
    """One method per input."""

    def __init__(self, site: Site, connectors: Mapping[ConnectorId, Connector]) -> None:
        self._site = site
        self._connectors = connectors

    def latch_cleared(self, given: LatchCleared, turn: Turn) -> None:
        """Service has mended what was latched."""
        connector = self._connectors.get(given.connector)
        if connector is not None:
            clear_latches(connector, turn)

    def hold_cleared(self, given: HoldCleared, turn: Turn) -> None:
        """End the hold of an upstream that does not end it itself."""
        rows = self._site.holds.change(given.upstream, given.connector, held=False)
        turn.record(*rows, barrier=True)
        for row in rows:
            turn.note(StationNote.HOLD_CLEARED, "cleared on the spot", row.connector, given.upstream)

    def limit_set(self, given: LimitSet, turn: Turn) -> None:
        """A limit of the installer: it counts at once, and after every restart."""
        if given.current_a is None:
            self._site.installer.pop(given.connector, None)
        else:
            self._site.installer[given.connector] = given.current_a
        turn.record(SaveInstallerLimit(given.connector, given.current_a), barrier=True)
        told = "none" if given.current_a is None else f"{given.current_a:g} A"
        turn.note(StationNote.LIMIT_SET, told, given.connector)
