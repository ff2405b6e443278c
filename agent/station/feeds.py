"""Feeds: which lines a connector loads, and what they bear.

A limit of the station in watts is one of all phases together. Where its connectors have fewer phases than they are
spread over, no phase of them shows the sum: it is a line of its own then, which each of them loads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from agent.station.power.limits import Contribution
from agent.station.power.rotation import feed_phases, rotation_of
from agent.station.power.sharing import Line
from agent.station.site import Site
from agent.vocabulary.options import ConnectorOptions

WHOLE = "the station"
"""Name of the feed that all connectors share."""
PHASES = range(3)
TOGETHER: Line = ("all phases together", 0)
"""What all connectors load, on whatever phase."""


def placed(site: Site, connector: ConnectorOptions) -> tuple[tuple[int, ...], ...]:
    """For each phase of a connector the phases of the feed that it may be."""
    keys = site.registry.billing.options.connector_phase_rotation
    return feed_phases(rotation_of(connector.id, keys), connector.phases)


def lines_of(site: Site, connector: ConnectorOptions, phases: Iterable[int]) -> frozenset[Line]:
    """What these phases of a connector, from 0, load."""
    where = placed(site, connector)
    feeds = [WHOLE, *(feed.name for feed in site.options.feeds if connector.id in feed.connectors)]
    return frozenset({TOGETHER} | {(feed, line) for feed in feeds for phase in phases for line in where[phase]})


def most_phases(site: Site) -> int:
    """Of any connector."""
    return max(each.phases for each in site.options.connectors)


def spread(site: Site) -> bool:
    """The connectors load more phases of the feed than any of them has."""
    known = {where[0] for each in site.options.connectors for where in placed(site, each) if len(where) == 1}
    return len(known) > most_phases(site)


def room_of(
    site: Site,
    bounds: Iterable[Contribution],
    by_phase: Sequence[Contribution] = (),
    together: Iterable[Contribution] = (),
) -> dict[Line, float]:
    """What each line bears; lines that bear everything are left out.

    `by_phase`: bounds of L1, L2, L3 of the whole. `together`: what bounds the sum over all connectors, in A on as many
    phases as any of them has.
    """
    least_a = min((each.current_a for each in bounds), default=inf)
    room = {(WHOLE, phase): min(least_a, by_phase[phase].current_a if by_phase else inf) for phase in PHASES}
    room[TOGETHER] = min((each.current_a for each in together), default=inf)
    for feed in site.options.feeds:
        room |= {(feed.name, phase): feed.maximum_a for phase in PHASES}
    return {line: bears_a for line, bears_a in room.items() if bears_a < inf}
