"""Charging profiles of the upstreams: set, cleared, and what they come to. Each upstream touches its own only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from agent.station.evse.charging import profile_use
from agent.station.evse.connector import Connector
from agent.station.power.composite import MOST_LOOKS, NOMINAL_V, Bound, bound, station_bound, timeline
from agent.station.power.profiles import rows
from agent.station.power.schedule import NEVER
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
        judge = self._of_station() if connector is None else self._of_connector(connector, begin_ms, turn)
        phases = max(each.options.phases for each in self._connectors.values())
        phases = phases if connector is None else connector.options.phases
        steps = max(1, MOST_LOOKS // max(1, self._site.profiles.count))
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

    def _of_connector(self, connector: Connector, begin_ms: int, turn: Turn) -> Callable[[int], Bound]:
        hardware_a = connector.options.capabilities.maximum_current_a
        use = profile_use(connector, turn)
        if use.transaction is None:
            use = replace(use, begun_wall_ms=begin_ms)

        def judge(wall_ms: int) -> Bound:
            found = [bound(self._site.profiles.of(u), use, wall_ms) for u in self._site.profiles.upstreams]
            return _least([*found, Bound(hardware_a, NEVER)])

        return judge

    def _of_station(self) -> Callable[[int], Bound]:
        most_a = sum(each.options.capabilities.maximum_current_a for each in self._connectors.values())
        phases = max(each.options.phases for each in self._connectors.values())

        def judge(wall_ms: int) -> Bound:
            found = [station_bound(self._site.profiles.of(u), phases, wall_ms) for u in self._site.profiles.upstreams]
            return _least([*found, Bound(most_a, NEVER)])

        return judge


def _least(bounds: list[Bound]) -> Bound:
    until_ms = min(each.until_ms for each in bounds)
    known = [each for each in bounds if each.current_a is not None]
    least = min(known, key=lambda each: each.current_a or 0)
    return Bound(least.current_a, until_ms, least.phases, least.reason)


def _in_unit(period: Period, unit: RateUnit, phases: int) -> Period:
    """Down to a tenth, so that what is told is never more than what is meant."""
    limit = period.limit if unit is RateUnit.AMPERE else period.limit * NOMINAL_V * phases
    return Period(period.start_s, int(limit * 10 + 1e-6) / 10, period.phases)
