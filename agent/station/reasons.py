"""Reasons: why a connector is offered no more, why nothing can start there, and who holds it."""

from __future__ import annotations

from math import inf

from agent.station.evse.connector import Connector
from agent.station.evse.session import SessionState
from agent.station.evse.supply import against_power, contributions
from agent.station.feeds import placed
from agent.station.power.limits import Contribution, Source
from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.moments import Moment
from agent.vocabulary.overview import HoldOverview, LimitRung


def ladder_of(connector: Connector, now: Moment) -> tuple[LimitRung, ...]:
    """Every bound of a connector, lowest first; what its session gets is decided by the first."""
    site = connector.site
    mine = {phase for where in placed(site, connector.options) for phase in where}
    of_grid = [each for phase, each in enumerate(site.grid_bounds) if phase in mine]
    found = [each for each in (*contributions(connector, Turn(now)), *of_grid) if each.current_a < inf]
    if connector.transaction is None:  # a share is worked out for those that charge, and the cable is not there yet
        passing = (site.shares.get(connector.id),)
        found = [each for each in found if each not in passing and (each.current_a or each.source is not Source.CABLE)]
    return tuple(_rung(each, now) for each in sorted(found, key=lambda each: each.current_a))


def holds_of(site: Site, connector: Connector) -> tuple[HoldOverview, ...]:
    """Who holds a connector inoperative."""
    named = [(site.registry.get(upstream), since) for upstream, since in site.holds.since(connector.id)]
    return tuple(HoldOverview(u.id, u.name, u.connected, since) for u, since in named if u is not None)


def blocked_by(connector: Connector) -> str | None:
    """Why nothing can start here, or flow in the session that runs; None if limits alone decide."""
    if connector.state is SessionState.RUNNING:
        return against_power(connector)
    return connector.refusal


def _rung(each: Contribution, now: Moment) -> LimitRung:
    age_s = None if each.seen_ms is None else (now.monotonic_ms - each.seen_ms) / 1000
    return LimitRung(round(each.current_a, 3), each.source.value, each.reason, each.upstream, age_s)
