"""Composite schedules: the golden cases, and agreement with a naive evaluator."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from agent.station.power.composite import Bound, Use, bound, timeline
from agent.station.power.profiles import Profiles
from agent.vocabulary.charging import (
    ChargingProfile,
    InstalledProfile,
    Period,
    ProfileFilter,
    ProfileKind,
    Purpose,
    RateUnit,
    Recurrency,
    Schedule,
)
from agent.vocabulary.ids import MANAGEMENT, STATION, ConnectorId, TransactionId
from tests.rig.naive_schedules import limit_at

ONE = ConnectorId(1)
TX = TransactionId("tx-1")
NOW = 1_790_000_000_000
USE = Use(ONE, 3, TX, NOW)
WINDOW_S = 240
"""Generated stores are compared over so many seconds; everything in them happens about there."""
MAXIMUM, DEFAULT, SESSION = Purpose.STATION_MAXIMUM, Purpose.TRANSACTION_DEFAULT, Purpose.TRANSACTION


def profile(
    number: int,
    purpose: Purpose,
    periods: Sequence[tuple[int, float]],
    *,
    level: int = 0,
    duration_s: int | None = None,
    start_ms: int = NOW,
    unit: RateUnit = RateUnit.AMPERE,
) -> InstalledProfile:
    """An absolute profile where its purpose puts it."""
    schedule = Schedule(unit, tuple(Period(start, limit) for start, limit in periods), duration_s, start_ms)
    connector = STATION if purpose is MAXIMUM else ONE
    one = ChargingProfile(number, level, purpose, ProfileKind.ABSOLUTE, schedule)
    return InstalledProfile(MANAGEMENT, connector, one, TX if purpose is SESSION else None)


def composite(installed: Sequence[InstalledProfile], seconds: int) -> list[tuple[int, float]]:
    """Start and limit of each period of the composite from now on."""
    found, _ = timeline(lambda at_ms: bound(installed, USE, at_ms), NOW, seconds)
    return [(period.start_s, period.limit) for period in found]


@pytest.mark.rule("ocpp16.C05")
@pytest.mark.rule("ocpp16.C15")
def test_three_purposes_give_the_least_of_the_station_and_the_session() -> None:
    installed = [
        profile(1, MAXIMUM, [(0, 10)], duration_s=400),
        profile(2, DEFAULT, [(0, 6)], duration_s=400),
        profile(3, SESSION, [(0, 8), (50, 11), (200, 6), (240, 12)], duration_s=400),
    ]
    assert composite(installed, 400) == [(0, 8), (50, 10), (200, 6), (240, 10)]


@pytest.mark.rule("ocpp16.C03")
@pytest.mark.rule("ocpp16.C15")
def test_the_highest_level_that_says_something_wins() -> None:
    installed = [
        profile(1, DEFAULT, [(0, 7), (100, 9)], level=0, duration_s=150),
        profile(2, DEFAULT, [(0, 8), (200, 10)], level=1, start_ms=NOW + 150_000),
    ]
    later = [profile(2, DEFAULT, [(0, 8), (50, 10)], level=1, start_ms=NOW + 150_000)]
    assert composite([installed[0], *later], 300) == [(0, 7), (100, 9), (150, 8), (200, 10)]


@pytest.mark.rule("ocpp16.C06")
def test_a_schedule_without_an_end_lasts_and_one_with_an_end_leaves_the_word_to_a_lower_level() -> None:
    installed = [profile(1, DEFAULT, [(0, 16)]), profile(2, DEFAULT, [(0, 6)], level=1, duration_s=60)]
    assert composite(installed, 10_000) == [(0, 6), (60, 16)]


@pytest.mark.rule("ocpp16.C07")
def test_watts_are_of_all_phases_and_amperes_of_each() -> None:
    installed = [profile(1, DEFAULT, [(0, 6900)], unit=RateUnit.WATT)]
    assert bound(installed, Use(ONE, 3, TX, NOW), NOW).current_a == 10
    assert bound(installed, Use(ONE, 1, TX, NOW), NOW).current_a == 30


@pytest.mark.rule("ocpp16.C07")
@pytest.mark.rule("ocpp16.C09")
@pytest.mark.rule("INV-9")
@pytest.mark.parametrize("meant", [None, 1, 2, 3])
def test_watts_meant_for_fewer_phases_are_not_exceeded_by_a_car_that_uses_them_all(meant: int | None) -> None:
    schedule = Schedule(RateUnit.WATT, (Period(0, 3680, meant),), None, NOW)
    one = ChargingProfile(1, 0, DEFAULT, ProfileKind.ABSOLUTE, schedule)
    limit_a = bound([InstalledProfile(MANAGEMENT, ONE, one)], USE, NOW).current_a
    assert limit_a is not None
    assert limit_a * 230 * 3 == pytest.approx(3680)


@pytest.mark.rule("ocpp16.C04")
def test_a_default_of_the_connector_goes_before_one_of_all_connectors() -> None:
    everywhere = profile(1, DEFAULT, [(0, 6)], level=5)
    everywhere = InstalledProfile(MANAGEMENT, STATION, everywhere.profile)
    assert composite([everywhere], 10) == [(0, 6)]
    assert composite([everywhere, profile(2, DEFAULT, [(0, 20)])], 10) == [(0, 20)]


def test_a_judge_that_does_not_advance_is_refused() -> None:
    with pytest.raises(ValueError, match="until_ms"):
        timeline(lambda at_ms: Bound(6, at_ms), NOW, 10)


def test_a_schedule_with_too_many_changes_is_told_as_far_as_it_is_known() -> None:
    periods, known_s = timeline(lambda at_ms: Bound(at_ms % 7, at_ms + 1000), NOW, 1000, most_steps=10)
    assert (len(periods), known_s) == (10, 10)
    assert timeline(lambda at_ms: Bound(6, at_ms + 20_000), NOW, 10)[1] == 10


def random_profile(chance: random.Random, number: int) -> InstalledProfile:
    """Any profile that could be installed, with edges close enough to meet."""
    purpose = chance.choice(list(Purpose))
    kind = chance.choice([k for k in ProfileKind if purpose is not MAXIMUM or k is not ProfileKind.RELATIVE])
    starts = sorted({0, *(chance.randrange(1, WINDOW_S) for _ in range(chance.randrange(6)))})
    periods = tuple(
        Period(s, chance.choice([0, 6, 8.5, 16, 3680, 11_000]), chance.choice([None, 1, 2, 3])) for s in starts
    )
    begin_ms = NOW + 1000 * chance.randrange(-WINDOW_S, WINDOW_S)
    if kind is ProfileKind.RECURRING:
        begin_ms -= chance.randrange(3) * 86_400_000
    schedule = Schedule(
        chance.choice(list(RateUnit)), periods, chance.choice([None, 30, 100, 90_000]),
        None if kind is ProfileKind.RELATIVE else begin_ms,
    )  # fmt: skip
    recurrency = chance.choice(list(Recurrency)) if kind is ProfileKind.RECURRING else None
    valid_from = chance.choice([None, None, NOW + 1000 * chance.randrange(-100, 100)])
    valid_to = chance.choice([None, None, NOW + 1000 * chance.randrange(100, WINDOW_S)])
    connector = STATION if purpose is MAXIMUM or (purpose is DEFAULT and chance.random() < 0.5) else ONE
    one = ChargingProfile(number, chance.randrange(4), purpose, kind, schedule, recurrency, valid_from, valid_to)
    return InstalledProfile(MANAGEMENT, connector, one, TX if purpose is SESSION else None)


def agree(seed: int) -> None:
    """One generated store: installed by the rules, then compared second by second."""
    chance = random.Random(seed)
    profiles = Profiles()
    for number in range(chance.randrange(1, 9)):
        profiles.install(random_profile(chance, number))
    installed, phases = profiles.of(MANAGEMENT), chance.choice([1, 3])
    use = Use(ONE, phases, TX, NOW - 1000 * chance.randrange(WINDOW_S))
    found = iter(timeline(lambda at_ms: bound(installed, use, at_ms), NOW, WINDOW_S)[0])
    following, now = next(found, None), None
    for second in range(WINDOW_S):
        if following is not None and following.start_s == second:
            now, following = following.limit, next(found, None)
        at_ms = NOW + 1000 * second
        wanted = limit_at(installed, ONE, TX, use.begun_wall_ms, phases, at_ms)
        own = bound(installed, use, at_ms).current_a
        assert own == pytest.approx(wanted), f"seed {seed}, second {second}"
        assert wanted is None or now == pytest.approx(wanted), f"seed {seed}, second {second}"


@pytest.mark.parametrize("block", [0, *(pytest.param(n, marks=pytest.mark.sweep) for n in range(1, 5))])
def test_the_station_and_a_naive_evaluator_agree_to_the_second(block: int) -> None:
    for seed in range(100 * block, 100 * block + 100):
        agree(seed)


@pytest.mark.nightly
def test_the_station_and_a_naive_evaluator_agree_on_ten_thousand_stores() -> None:
    for seed in range(500, 10_500):
        agree(seed)


@pytest.mark.rule("ocpp16.C03")
def test_the_same_id_or_the_same_place_is_replaced() -> None:
    profiles = Profiles()
    first, second = profile(1, DEFAULT, [(0, 6)]), profile(2, DEFAULT, [(0, 8)])
    assert profiles.install(first).installed is first
    assert profiles.install(second).dropped == (first,)
    moved = profile(2, MAXIMUM, [(0, 20)], level=3)
    assert profiles.install(moved).dropped == (second,)
    assert profiles.of(MANAGEMENT) == (moved,)


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (ProfileFilter(), []),
        (ProfileFilter(id=1, stack_level=77), [2, 3]),
        (ProfileFilter(purpose=DEFAULT, stack_level=1), [1, 3]),
        (ProfileFilter(connector=STATION), [1, 2]),
    ],
)
def test_clearing_is_by_id_alone_or_by_all_that_is_given(wanted: ProfileFilter, left: list[int]) -> None:
    profiles = Profiles()
    for one in (profile(1, DEFAULT, [(0, 6)]), profile(2, DEFAULT, [(0, 6)], level=1), profile(3, MAXIMUM, [(0, 6)])):
        profiles.install(one)
    assert profiles.clear(MANAGEMENT, wanted).why == ""
    assert [each.profile.id for each in profiles.of(MANAGEMENT)] == left
    assert profiles.clear(MANAGEMENT, ProfileFilter(id=99)).why == "no such profile"
