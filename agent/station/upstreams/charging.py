"""Charging profiles of the upstreams: set, cleared, and what they come to. Each upstream touches its own only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from agent.station.evse.connector import Connector
from agent.station.foresight import Foresight
from agent.station.power.composite import MOST_LOOKS, NOMINAL_V, timeline
from agent.station.power.profiles import rows
from agent.station.site import Site
from agent.station.turn import Turn
from agent.station.upstreams.registry import Upstream
from agent.vocabulary.charging import ChargingProfile, CompositeSchedule, InstalledProfile, Period, Purpose, RateUnit
from agent.vocabulary.commands import ClearProfiles, GetComposite, Result, ResultStatus, SetProfile
from agent.vocabulary.ids import STATION, ConnectorId, TransactionId

LONGEST_COMPOSITE_S: Final = 7 * 86_400
_TO_COME: Final = TransactionId("to come")
"""Stands for a transaction that a remote start has yet to begin."""


class Charging:
    """The three commands."""

    def __init__(self, site: Site, connectors: Mapping[ConnectorId, Connector]) -> None:
        self._site = site
        self._connectors = connectors
        self._foresight = Foresight(site, connectors)

    def perform(self, asker: Upstream, command: SetProfile | ClearProfiles | GetComposite, turn: Turn) -> Result:
        """Do what an upstream asks for."""
        match command:
            case SetProfile():
                return self._set(asker, command, turn)
            case ClearProfiles():
                return self._clear(asker, command, turn)
            case GetComposite():
                return self._composite(command, turn)

    def against(self, asker: Upstream, connector: ConnectorId, profile: ChargingProfile | None) -> str | None:
        """Why the profile of a remote start may not be: nobody charges without the limit that was asked for."""
        if profile is None:
            return None
        return self._site.profiles.against(InstalledProfile(asker.id, connector, profile, _TO_COME))

    def _set(self, asker: Upstream, command: SetProfile, turn: Turn) -> Result:
        """Install a profile; stored before it is answered."""
        if command.connector != STATION and command.connector not in self._connectors:
            return Result(ResultStatus.REJECTED, "no such connector")
        transaction = None
        if command.profile.purpose is Purpose.TRANSACTION:
            transaction = self._transaction(asker, command)
        installed = InstalledProfile(asker.id, command.connector, command.profile, transaction)
        change = self._site.profiles.install(installed)
        turn.record(*rows(change), barrier=True)
        return Result(ResultStatus.REJECTED, change.why) if change.why else Result(ResultStatus.ACCEPTED)

    def _clear(self, asker: Upstream, command: ClearProfiles, turn: Turn) -> Result:
        """Drop what the filter names."""
        change = self._site.profiles.clear(asker.id, command.wanted)
        turn.record(*rows(change), barrier=True)
        return Result(ResultStatus.NOT_FOUND, change.why) if change.why else Result(ResultStatus.ACCEPTED)

    def _composite(self, command: GetComposite, turn: Turn) -> Result:
        """What will be offered from now on, by all that is known now."""
        wall_ms = self._site.wall_ms(turn.now)
        connector = self._connectors.get(command.connector)
        if wall_ms is None or (connector is None and command.connector != STATION):
            return Result(ResultStatus.REJECTED, "no such connector" if wall_ms else "the time is not known")
        begin_ms = wall_ms // 1000 * 1000
        duration_s = min(command.duration_s, LONGEST_COMPOSITE_S)
        foresight = self._foresight
        judge = foresight.of_station() if connector is None else foresight.of_connector(connector, begin_ms, turn)
        phases = foresight.phases if connector is None else connector.options.phases
        steps = max(1, MOST_LOOKS // foresight.looks())
        bounds, known_s = timeline(judge, begin_ms, max(1, duration_s), steps)  # a schedule has a period at least
        periods = tuple(_in_unit(period, command.unit, phases) for period in bounds)
        found = CompositeSchedule(command.connector, begin_ms, min(known_s, duration_s), command.unit, periods)
        return Result(ResultStatus.ACCEPTED, composite=found)

    def _transaction(self, asker: Upstream, command: SetProfile) -> TransactionId | None:
        """The transaction that runs there, if it is the one that is meant; an id is that of the asking upstream."""
        connector = self._connectors.get(command.connector)
        running = connector.transaction.record.id if connector and connector.transaction else None
        if command.foreign_id is not None and asker.transaction(command.foreign_id) != running:
            return None
        return running


def _in_unit(period: Period, unit: RateUnit, phases: int) -> Period:
    """Down to a tenth, so that what is told is never more than what is meant."""
    limit = period.limit if unit is RateUnit.AMPERE else period.limit * NOMINAL_V * phases
    return Period(period.start_s, int(limit * 10 + 1e-6) / 10, period.phases)
