"""The arbiter of limits: what the station as a whole may take, and what each connector may have of it.

Theory of operation
-------------------
limit(connector, t) is the minimum of everything in the table of `agent.station.power.limits`. What is of one connector
alone is made in `evse.supply`; here is what they have in common: bounds of the station (factory, installer, main fuse,
the maximum profiles and failsafes of the upstreams) and of its feeds. They are per phase, and the sum of what may flow
on a phase never exceeds them, at no instant: a connector counts with what its car may still draw (`evse.draw`).

`divide` is asked before the connectors settle, and again after, until it says nothing new: a session that begins gets
its share in the turn in which it begins, and until then it has none. A limit of the station that falls lowers every
offer in the same turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf

from agent.station.evse.charging import profile_now_ms
from agent.station.evse.connector import Connector
from agent.station.evse.draw import Draw
from agent.station.evse.supply import against_power, own_contributions
from agent.station.feeds import TOGETHER, WHOLE, lines_of, most_phases, placed, room_of, spread
from agent.station.power.composite import Use, station_bound, station_power_bound
from agent.station.power.grid import Grid
from agent.station.power.limits import Contribution, Source
from agent.station.power.profile_limit import ProfileLimit
from agent.station.power.sharing import Drawn, Line, Portion, Want, portions, share
from agent.station.power.turns import UNUSED_MS, Turns
from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.ids import STATION, ConnectorId
from hal.api import GridSeen, Measurand, Phase

_PHASES = (Phase.L1, Phase.L2, Phase.L3)
_NO_SHARE = Contribution(0.0, "its share of the feed is being worked out", Source.SHARE)


class Arbiter:
    """Divides what is common. The only writer of `Site.bounds` and of the shares of the connectors."""

    def __init__(self, site: Site, connectors: Mapping[ConnectorId, Connector]) -> None:
        self._site = site
        self._connectors = connectors
        self._draws = {each.id: Draw(each) for each in connectors.values()}
        self._turns = Turns()
        self._maximum = ProfileLimit(site.profiles, lambda held, use, at_ms: station_bound(held, use.phases, at_ms))
        self._power = ProfileLimit(site.profiles, lambda held, use, at_ms: station_power_bound(held, use.phases, at_ms))
        self._together: tuple[Contribution, ...] = ()
        """What bounds the sum over all connectors, on whatever phase."""
        self._grid = Grid(site.options.grid) if site.options.grid is not None else None
        self._unused_ms: dict[ConnectorId, int] = {}
        """Since when a car is offered something and does not ask for it."""

    def divide(self, turn: Turn) -> bool:
        """Work out all shares; True if any is another than before."""
        for draw in self._draws.values():
            draw.look(turn)
        bounds, by_phase = self._bounds(turn), self._left(turn)
        self._site.bounds, self._site.grid_bounds = bounds, by_phase
        self._together = tuple(self._profiles(self._power, turn)) if spread(self._site) else ()
        room = room_of(self._site, bounds, by_phase, self._together)
        told = self._divided(room, turn) if room else {}
        changed, self._site.shares = self._site.shares != told, told
        return changed

    def grid_seen(self, seen: GridSeen, turn: Turn) -> None:
        """The grid meter was read."""
        if self._grid is not None:
            own = [0.0, 0.0, 0.0]
            for each in self._connectors.values():
                for line, current_a in self._metered(each, turn):
                    own[line] += current_a
            self._grid.seen(seen.currents_a, own, turn)

    # ------------------------------------------------------------------------------------------- what there is

    def _bounds(self, turn: Turn) -> tuple[Contribution, ...]:
        """Every bound of the station as a whole, whatever the phase."""
        site = self._site
        found = []
        if site.options.maximum_current_a is not None:
            found.append(Contribution(site.options.maximum_current_a, "maximum of the station", Source.FEED))
        if STATION in site.installer:
            found.append(Contribution(site.installer[STATION], "set for the station on the spot", Source.INSTALLER))
        found.extend(self._profiles(self._maximum, turn))
        found.extend(site.leases.failsafes(site.registry, turn))
        return tuple(found)

    def _profiles(self, limit: ProfileLimit, turn: Turn) -> Iterator[Contribution]:
        """What the profiles of the station say now."""
        any_connector = next(iter(self._connectors.values()))
        use = Use(STATION, most_phases(self._site))
        return limit.contributions(use, profile_now_ms(any_connector, turn), turn)

    def _left(self, turn: Turn) -> tuple[Contribution, ...]:
        return () if self._grid is None else self._grid.left(turn)

    # ------------------------------------------------------------------------------------------ who wants what

    def _divided(self, room: Mapping[Line, float], turn: Turn) -> dict[ConnectorId, Contribution]:
        """The share of each connector."""
        drawn = {
            each: Drawn(self._lines(each, turn), draw.told_a, draw.current_a) for each, draw in self._draws.items()
        }
        wants = self._wants(drawn, turn)
        found = portions(wants, self._shares(wants, room, turn), drawn, room)
        told = dict.fromkeys(self._connectors, _NO_SHARE)
        return told | {want.connector: self._told(want, found[want.connector], drawn, room) for want in wants}

    def _wants(self, drawn: Mapping[ConnectorId, Drawn], turn: Turn) -> list[Want]:
        found = []
        for connector in self._connectors.values():
            if against_power(connector) is None:
                least_a = connector.options.capabilities.minimum_current_a
                most_a = min(each.current_a for each in (*own_contributions(connector, turn), *self._site.bounds))
                found.append(Want(connector.id, drawn[connector.id].lines, least_a, most_a))
        return found

    def _lines(self, connector: ConnectorId, turn: Turn) -> frozenset[Line]:
        """What the car of a connector may load."""
        return lines_of(self._site, self._connectors[connector].options, self._draws[connector].phases(turn))

    def _metered(self, connector: Connector, turn: Turn) -> list[tuple[int, float]]:
        """What a connector draws on the phases of the feed, as far as that is certain."""
        latest = connector.meter.latest
        if latest is None or connector.meter.current_a(turn) is None:
            return []
        by_phase = {m.phase: m.value for m in latest.values if m.measurand is Measurand.CURRENT_IMPORT}
        if connector.options.phases == 1 and latest.current_a is not None:
            by_phase.setdefault(Phase.L1, latest.current_a)  # a meter of one phase need not name it
        pairs = zip(_PHASES, placed(self._site, connector.options), strict=False)
        return [(where[0], by_phase[phase]) for phase, where in pairs if len(where) == 1 and phase in by_phase]

    # -------------------------------------------------------------------------------------------- who gets what

    def _shares(self, wants: list[Want], room: Mapping[Line, float], turn: Turn) -> dict[ConnectorId, float]:
        able = [want.connector for want in wants if want.most_a >= want.floor_a]
        shares = share(wants, room, self._turns.order(able))
        if self._turns.rotate(shares, self._unused(shares, turn), turn):
            shares = share(wants, room, self._turns.order(able))
        return shares

    def _unused(self, charged: Mapping[ConnectorId, float], turn: Turn) -> list[ConnectorId]:
        """Whoever is offered something and has not asked for it for a while."""
        for connector in self._connectors.values():
            if connector.id not in charged or connector.facts.asking or connector.energy.offered_a is None:
                self._unused_ms.pop(connector.id, None)
            else:
                self._unused_ms.setdefault(connector.id, turn.now_ms)
        return [each for each, since_ms in self._unused_ms.items() if turn.reached(since_ms + UNUSED_MS)]

    def _told(
        self,
        want: Want,
        portion: Portion,
        drawn: Mapping[ConnectorId, Drawn],
        room: Mapping[Line, float],
    ) -> Contribution:
        """The share of a connector, and why it is no more."""
        if want.most_a < want.floor_a or portion.now_a >= want.most_a:
            return Contribution(inf, "nothing is kept from it for others", Source.SHARE)
        bears_a, line = min((bears_a, line) for line, bears_a in room.items() if line in want.lines)
        of = f"{bears_a:g} A ({self._reason(line)})"
        if portion.now_a < portion.share_a:
            names = [each for each, one in drawn.items() if each != want.connector and one.lines & want.lines]
            whose = f"connector {' and '.join(map(str, names))}" if names else "the car"
            why = f"until {whose} has followed: {of}"
            return Contribution(portion.now_a, why, Source.RAMP)
        if portion.share_a or bears_a < want.floor_a:
            return Contribution(portion.now_a, f"share of {of}", Source.SHARE)
        why = f"others are charged in turn, since not all can have {want.floor_a:g} A of {of}"
        return Contribution(0.0, why, Source.TURN)

    def _reason(self, line: Line) -> str:
        """Why a line bears no more."""
        feed, phase = line
        if feed != WHOLE and line != TOGETHER:
            return f"maximum of feed {feed}"
        bounds = (*self._site.bounds, *self._site.grid_bounds[phase : phase + 1])
        bounds = self._together if line == TOGETHER else bounds
        return min(bounds, key=lambda each: each.current_a).reason
