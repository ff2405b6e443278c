"""Foresight: what will be offered, by all that is known now (OCPP 1.6 5.7 "Get Composite Schedule").

The effective result for whoever asks: the least of hardware, cable and what was set on the spot, of the schedules of
all upstreams, and of the share that the connector has beside those that charge now. The turns and the main fuse are
left out: nobody knows what others will do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from agent.station.evse.charging import profile_use
from agent.station.evse.connector import Connector
from agent.station.evse.supply import own_contributions
from agent.station.feeds import lines_of, most_phases, room_of, spread
from agent.station.power.composite import Bound, Use, bound, least, station_bound, station_power_bound
from agent.station.power.limits import Contribution, Source
from agent.station.power.schedule import NEVER
from agent.station.power.sharing import Want, fill
from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.ids import ConnectorId

Judge = Callable[[int], Bound]
"""What bounds at a wall time."""


class Foresight:
    """Judges of the future."""

    def __init__(self, site: Site, connectors: Mapping[ConnectorId, Connector]) -> None:
        self._site = site
        self._connectors = connectors
        self.phases = most_phases(site)

    def looks(self) -> int:
        """So many profiles are looked at for one instant."""
        charging = sum(each.transaction is not None for each in self._connectors.values())
        return max(1, self._site.profiles.count * (charging + 3))

    def of_station(self) -> Judge:
        """The station as a whole."""
        profiles = self._site.profiles
        known_a = sum(each.options.capabilities.maximum_current_a for each in self._connectors.values())
        fixed = Bound(min([known_a, *(each.current_a for each in self._lasting())]), NEVER)
        phases = self.phases
        return lambda at_ms: least([*(station_bound(profiles.of(u), phases, at_ms) for u in profiles.upstreams), fixed])

    def of_connector(self, connector: Connector, begin_ms: int, turn: Turn) -> Judge:
        """One connector beside those that charge; without a transaction as if one began at `begin_ms`."""
        beside = [each for each in self._connectors.values() if each.transaction is not None and each is not connector]
        users = [_User(self._site, each, begin_ms, turn) for each in (connector, *beside)]
        whole, is_spread = self.of_station(), spread(self._site)

        def judge(at_ms: int) -> Bound:
            station, own = whole(at_ms), [each.bound(at_ms) for each in users]
            assert station.current_a is not None
            together = self._together(at_ms) if is_spread else []
            room = room_of(self._site, [Contribution(station.current_a, station.reason)], together=together)
            shares = fill([each.want(found) for each, found in zip(users, own, strict=True)], room)
            until_ms = min(station.until_ms, *(found.until_ms for found in own))
            return replace(own[0], current_a=shares[connector.id], until_ms=until_ms)

        return judge

    def _together(self, at_ms: int) -> list[Contribution]:
        """What bounds the sum over all connectors, on whatever phase."""
        profiles = self._site.profiles
        found = [station_power_bound(profiles.of(u), self.phases, at_ms) for u in profiles.upstreams]
        return [Contribution(each.current_a, each.reason) for each in found if each.current_a is not None]

    def _lasting(self) -> list[Contribution]:
        return [each for each in self._site.bounds if each.source is not Source.PROFILE]


class _User:
    """A connector that charges, or is going to."""

    def __init__(self, site: Site, connector: Connector, begin_ms: int, turn: Turn) -> None:
        self._profiles = site.profiles
        self._id = connector.id
        self._lines = lines_of(site, connector.options, range(connector.options.phases))
        self._use = _use(connector, begin_ms, turn)
        fixed = [each for each in own_contributions(connector, turn) if each.source is not Source.PROFILE]
        if connector.transaction is None:  # the cable may be another one by then
            fixed = [each for each in fixed if each.source is not Source.CABLE]
        self._fixed = Bound(min(each.current_a for each in fixed), NEVER)

    def bound(self, at_ms: int) -> Bound:
        """Its own limit."""
        profiles = self._profiles
        return least([*(bound(profiles.of(u), self._use, at_ms) for u in profiles.upstreams), self._fixed])

    def want(self, found: Bound) -> Want:
        """What it could use."""
        return Want(self._id, self._lines, 0.0, found.current_a or 0.0)


def _use(connector: Connector, begin_ms: int, turn: Turn) -> Use:
    use = profile_use(connector, turn)
    return use if use.transaction is not None else replace(use, begun_wall_ms=begin_ms)
