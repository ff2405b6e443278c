"""What may be installed: one complaint per broken rule, and room for so many."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.station.power.profiles import Profiles
from agent.vocabulary.charging import (
    MAXIMUM_PERIODS,
    MAXIMUM_PROFILES,
    MAXIMUM_STACK_LEVEL,
    ChargingProfile,
    InstalledProfile,
    Period,
    ProfileKind,
    Purpose,
    RateUnit,
    Recurrency,
    Schedule,
)
from agent.vocabulary.ids import MANAGEMENT, STATION, ConnectorId, TransactionId, UpstreamId

NOW = 1_790_000_000_000
ONE = ConnectorId(1)
SCHEDULE = Schedule(RateUnit.AMPERE, (Period(0, 10), Period(60, 16)), 3600, NOW)
GOOD = ChargingProfile(1, 0, Purpose.TRANSACTION_DEFAULT, ProfileKind.ABSOLUTE, SCHEDULE)
STARTLESS = replace(SCHEDULE, start_wall_ms=None)


def why(profile: ChargingProfile, connector: ConnectorId = ONE, transaction: str | None = None) -> str:
    """Why it is not installed, or nothing."""
    mine = None if transaction is None else TransactionId(transaction)
    return Profiles().install(InstalledProfile(MANAGEMENT, connector, profile, mine)).why


def periods(*rows: Period) -> ChargingProfile:
    """With these periods."""
    return replace(GOOD, schedule=replace(SCHEDULE, periods=rows))


@pytest.mark.rule("ocpp16.C14")
@pytest.mark.rule("ocpp16.C06")
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (periods(), "0 periods"),
        (periods(*(Period(each, 10) for each in range(MAXIMUM_PERIODS + 1))), "periods are not within"),
        (periods(Period(1, 10)), "the first period starts at 1"),
        (periods(Period(0, 10), Period(60, 9), Period(60, 8)), "rising order"),
        (periods(Period(0, 10), Period(60, 9), Period(30, 8)), "rising order"),
        (periods(Period(0, -0.1)), "negative or absurd"),
        (periods(Period(0, 1e308)), "negative or absurd"),
        (periods(Period(0, float("nan"))), "negative or absurd"),
        (replace(GOOD, stack_level=-1), "stackLevel -1"),
        (replace(GOOD, stack_level=MAXIMUM_STACK_LEVEL + 1), "stackLevel"),
        (replace(GOOD, schedule=replace(SCHEDULE, duration_s=0)), "duration is not positive"),
        (replace(GOOD, valid_from_wall_ms=NOW, valid_to_wall_ms=NOW), "validTo is not after validFrom"),
    ],
)
def test_what_a_profile_may_not_say_is_named(wrong: ChargingProfile, words: str) -> None:
    assert words in why(wrong)


@pytest.mark.rule("ocpp16.C02")
@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (GOOD, ""),
        (replace(GOOD, schedule=STARTLESS), "Absolute needs a startSchedule"),
        (replace(GOOD, kind=ProfileKind.RECURRING), "needs a recurrencyKind"),
        (
            replace(GOOD, kind=ProfileKind.RECURRING, recurrency=Recurrency.DAILY, schedule=STARTLESS),
            "Recurring needs a startSchedule",
        ),
        (replace(GOOD, kind=ProfileKind.RECURRING, recurrency=Recurrency.WEEKLY), ""),
        (replace(GOOD, kind=ProfileKind.RELATIVE, schedule=STARTLESS), ""),
    ],
)
def test_each_kind_needs_its_times(profile: ChargingProfile, words: str) -> None:
    assert (words in why(profile)) if words else not why(profile)


@pytest.mark.rule("ocpp16.C01")
def test_each_purpose_has_its_place() -> None:
    maximum = replace(GOOD, purpose=Purpose.STATION_MAXIMUM)
    assert "belongs to connector 0" in why(maximum)
    assert not why(maximum, STATION)
    assert "relative" in why(replace(maximum, kind=ProfileKind.RELATIVE, schedule=STARTLESS), STATION)
    session = replace(GOOD, purpose=Purpose.TRANSACTION)
    assert "not to connector 0" in why(session, STATION, "tx")
    assert "needs a running transaction" in why(session)
    assert not why(session, ONE, "tx")
    assert not why(GOOD, STATION)


@pytest.mark.rule("ocpp16.C14")
def test_a_full_store_takes_what_replaces_and_that_of_another_upstream() -> None:
    found = Profiles()
    for number in range(MAXIMUM_PROFILES):
        one = replace(GOOD, id=number, stack_level=number)
        assert not found.install(InstalledProfile(MANAGEMENT, ONE, one)).why
    further = replace(GOOD, id=1000)
    assert "clear some first" in found.install(InstalledProfile(MANAGEMENT, STATION, further)).why
    assert not found.install(InstalledProfile(MANAGEMENT, ONE, further)).why  # at the place of number 0
    assert not found.install(InstalledProfile(UpstreamId("primary-1"), STATION, further)).why
    assert found.count == MAXIMUM_PROFILES + 1


def test_two_upstreams_use_the_same_id_without_touching_each_other() -> None:
    found, other = Profiles(), UpstreamId("primary-1")
    mine, theirs = InstalledProfile(MANAGEMENT, ONE, GOOD), InstalledProfile(other, ONE, GOOD)
    found.install(mine)
    assert found.install(theirs).dropped == ()
    changed = InstalledProfile(other, ONE, replace(GOOD, stack_level=5))
    assert found.install(changed).dropped == (theirs,)
    assert found.of(MANAGEMENT) == (mine,)
