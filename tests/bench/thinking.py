"""Budget 13: what the mind does with the most that upstreams may give it, in this process and without a disk.

A composite schedule of every connector from 100 profiles of 100 periods; a card looked up in a local list of 10,000.
"""

from __future__ import annotations

import time

from agent.station.authorization.local_list import LocalList
from agent.vocabulary.charging import (
    MAXIMUM_PROFILES,
    ChargingProfile,
    Period,
    ProfileKind,
    Purpose,
    RateUnit,
    Schedule,
)
from agent.vocabulary.commands import GetComposite, SendList, SetProfile
from agent.vocabulary.ids import STATION, ConnectorId, IdToken
from agent.vocabulary.records import MAXIMUM_LIST_ENTRIES, MAXIMUM_LIST_SENT, AuthorizationStatus, ListEntry, Verdict
from tests.agent.station.driver import PRIMARY, WALL, Driver, connector
from tests.bench.report import Figure, Say, milliseconds

CONNECTORS, PERIODS, DAY_S = 8, 100, 86_400
LOOKS = 20_000
ACCEPTED = Verdict(AuthorizationStatus.ACCEPTED)


def think(say: Say, quick: bool) -> list[Figure]:
    """Both."""
    return [*_composites(say, 3 if quick else 20), _look_ups(LOOKS // 10 if quick else LOOKS)]


def _composites(say: Say, rounds: int) -> list[Figure]:
    driver = Driver([connector(number + 1) for number in range(CONNECTORS)])
    for number in range(MAXIMUM_PROFILES):
        place = ConnectorId(number % CONNECTORS + 1)
        purpose = Purpose.STATION_MAXIMUM if number >= 90 else Purpose.TRANSACTION_DEFAULT
        where = STATION if purpose is Purpose.STATION_MAXIMUM else place
        result = driver.command(PRIMARY, SetProfile(where, _profile(number, purpose)))
        assert result is not None
        assert not result.reason, result
    say(f"{MAXIMUM_PROFILES} profiles of {PERIODS} periods are installed")
    what = f"{MAXIMUM_PROFILES} profiles of {PERIODS} periods, {CONNECTORS} connectors"
    return [
        Figure("13", f"composite of a day: {what}", "", milliseconds(_asked(driver, rounds, range(1, CONNECTORS + 1)))),
        Figure("13", f"composite of the grid: {what}", "", milliseconds(_asked(driver, rounds, [STATION]))),
    ]


def _asked(driver: Driver, rounds: int, places: range | list[ConnectorId]) -> list[float]:
    """Seconds for each GetCompositeSchedule, from the input of the station to its effects."""
    took = []
    for _ in range(rounds):
        for place in places:
            begin_s = time.perf_counter()
            result = driver.command(PRIMARY, GetComposite(ConnectorId(place), DAY_S, RateUnit.AMPERE))
            took.append(time.perf_counter() - begin_s)
            assert result is not None
            assert result.composite is not None
    return took


def _profile(number: int, purpose: Purpose) -> ChargingProfile:
    """From now on, another limit every quarter of an hour, each profile a little shifted."""
    periods = tuple(
        Period(index * 900 + (number if index else 0), 6.0 + (index * 7 + number) % 26) for index in range(PERIODS)
    )
    schedule = Schedule(RateUnit.AMPERE, periods, start_wall_ms=WALL)
    return ChargingProfile(number + 1, number, purpose, ProfileKind.ABSOLUTE, schedule)


def _look_ups(looks: int) -> Figure:
    """Cards in turn, every second of them not in the list."""
    listed = LocalList()
    for first in range(0, MAXIMUM_LIST_ENTRIES, MAXIMUM_LIST_SENT):
        entries = tuple(
            ListEntry(IdToken(f"04{number:012X}"), ACCEPTED) for number in range(first, first + MAXIMUM_LIST_SENT)
        )
        assert listed.update(SendList(first + 1, full=not first, entries=entries)) is None
    cards = [IdToken(f"04{number * 7919 % (2 * MAXIMUM_LIST_ENTRIES):012X}") for number in range(looks)]
    took, found = [], 0
    for card in cards:
        begin_s = time.perf_counter()
        found += listed.get(card, WALL) is not None
        took.append(time.perf_counter() - begin_s)
    text = f"{milliseconds([each * 1000 for each in took]).replace(' ms', ' us')}; {found} of {looks} found"
    return Figure("13", f"look-up in a local list of {MAXIMUM_LIST_ENTRIES:,}", "", text)
