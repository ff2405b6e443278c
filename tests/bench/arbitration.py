"""What it costs to divide what is common: one meter reading, from 1 to 8 connectors and from 1 to 5 upstreams.

Every connector charges, the station bears less than they want, and each upstream has a maximum of the station and a
default of all connectors. A reading of one connector settles all of them: that is the turn that comes most often.
"""

from __future__ import annotations

import time

from agent.vocabulary.charging import ChargingProfile, Period, ProfileKind, Purpose, RateUnit, Schedule
from agent.vocabulary.commands import SetProfile
from agent.vocabulary.ids import MANAGEMENT, STATION, UpstreamId
from agent.vocabulary.options import UpstreamOptions
from agent.vocabulary.upstreams import Role, UpstreamSetup
from tests.agent.station.driver import PRIMARY, WALL, connector
from tests.agent.station.fleet import Fleet
from tests.bench.report import Figure, Say

CONNECTORS = (1, 2, 4, 8)
UPSTREAMS = (1, 2, 5)
GROWTH = 2.0
"""The cost per connector may grow by this factor from 1 to 8."""


def growth(say: Say, quick: bool) -> list[Figure]:
    """Both rows of budget 15 that are about limits."""
    turns = 200 if quick else 2_000
    by_connectors = {n: _turn_us(n, 2, turns) for n in CONNECTORS}
    by_upstreams = {n: _turn_us(2, n, turns) for n in UPSTREAMS}
    ratio = by_connectors[8] / 8 / by_connectors[1]
    told = ", ".join(f"{n}: {us:.0f} us" for n, us in by_connectors.items())
    return [
        Figure("15", "limits: a reading, by connectors", f"per connector <= {GROWTH:g} x", told, ratio <= GROWTH),
        Figure(
            "15",
            "limits: a reading, by upstreams",
            f"<= {GROWTH:g} x from 1 to 5",
            ", ".join(f"{n}: {us:.0f} us" for n, us in by_upstreams.items()),
            by_upstreams[5] <= GROWTH * by_upstreams[1],
        ),
    ]


def _turn_us(connectors: int, upstreams: int, turns: int) -> float:
    """Mean of one meter reading in microseconds of processor time."""
    others = (MANAGEMENT, *(UpstreamId(f"operator-{n}") for n in range(1, 4)))
    setups = [UpstreamSetup(PRIMARY, Role.BILLING, UpstreamOptions())]
    setups += [UpstreamSetup(each, Role.DATA_AND_CONTROL, UpstreamOptions()) for each in others[: upstreams - 1]]
    fleet = Fleet(
        [connector(n) for n in range(1, connectors + 1)], upstreams=setups, maximum_current_a=8.0 * connectors
    )
    for each in setups:
        fleet.command(each.id, SetProfile(STATION, _profile(1, Purpose.STATION_MAXIMUM, 10.0 * connectors)))
        fleet.command(each.id, SetProfile(STATION, _profile(2, Purpose.TRANSACTION_DEFAULT, 16.0)))
    fleet.begin(*range(1, connectors + 1))
    fleet.pass_time(20)
    begun_s = time.process_time()
    for number in range(turns):
        fleet.ms += 100
        fleet.meter(number % connectors + 1)
    return (time.process_time() - begun_s) / turns * 1e6


def _profile(number: int, purpose: Purpose, limit: float) -> ChargingProfile:
    schedule = Schedule(RateUnit.AMPERE, (Period(0, limit),), None, WALL)
    return ChargingProfile(number, 0, purpose, ProfileKind.ABSOLUTE, schedule)
