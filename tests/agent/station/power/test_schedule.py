"""One profile in time: before its start, between its dates, behind its duration, and over the turn of a recurrence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.station.power.schedule import NEVER, Word, at
from agent.vocabulary.charging import ChargingProfile, Period, ProfileKind, Purpose, RateUnit, Recurrency, Schedule

START = 1_790_000_000_000
DAY_MS, HOUR_MS = 86_400_000, 3_600_000
FIRST, SECOND = Period(0, 10), Period(3600, 16)
SCHEDULE = Schedule(RateUnit.AMPERE, (FIRST, SECOND), 7200, START)
ABSOLUTE = ChargingProfile(1, 0, Purpose.TRANSACTION_DEFAULT, ProfileKind.ABSOLUTE, SCHEDULE)
DAILY = replace(ABSOLUTE, kind=ProfileKind.RECURRING, recurrency=Recurrency.DAILY)
WEEKLY = replace(DAILY, recurrency=Recurrency.WEEKLY)
RELATIVE = replace(ABSOLUTE, kind=ProfileKind.RELATIVE, schedule=replace(SCHEDULE, start_wall_ms=None))


@pytest.mark.rule("ocpp16.C02")
@pytest.mark.parametrize("profile", [ABSOLUTE, DAILY, WEEKLY])
def test_before_its_start_nothing_is_said_not_even_by_what_recurs(profile: ChargingProfile) -> None:
    assert at(profile, START - 1, None) == Word(None, START)
    assert at(profile, START - 10 * DAY_MS, None) == Word(None, START)
    assert at(profile, START, None) == Word(FIRST, START + HOUR_MS)


@pytest.mark.rule("ocpp16.C06")
def test_behind_its_duration_it_says_nothing_until_it_recurs() -> None:
    over = START + 2 * HOUR_MS
    assert at(ABSOLUTE, over - 1, None) == Word(SECOND, over)
    assert at(ABSOLUTE, over, None) == Word(None, NEVER)
    assert at(DAILY, over, None) == Word(None, START + DAY_MS)
    assert at(DAILY, START + 400 * DAY_MS, None) == Word(FIRST, START + 400 * DAY_MS + HOUR_MS)
    assert at(WEEKLY, START + DAY_MS, None) == Word(None, START + 7 * DAY_MS)


@pytest.mark.rule("ocpp16.C06")
def test_a_duration_longer_than_the_recurrence_is_cut_by_it() -> None:
    long = replace(DAILY, schedule=Schedule(RateUnit.AMPERE, (FIRST, Period(90_000, 6)), 200_000, START))
    assert at(long, START + DAY_MS - 1, None) == Word(FIRST, START + DAY_MS)
    assert at(long, START + DAY_MS + 2 * HOUR_MS, None) == Word(FIRST, START + 2 * DAY_MS)


@pytest.mark.rule("ocpp16.C04")
def test_outside_its_dates_it_says_nothing_and_its_schedule_goes_on_meanwhile() -> None:
    dated = replace(DAILY, valid_from_wall_ms=START + HOUR_MS + 1, valid_to_wall_ms=START + DAY_MS + 1)
    assert at(dated, START + 1, None) == Word(None, START + HOUR_MS + 1)
    assert at(dated, START + HOUR_MS + 1, None) == Word(SECOND, START + 2 * HOUR_MS)
    assert at(dated, START + DAY_MS, None) == Word(FIRST, START + DAY_MS + 1)
    assert at(dated, START + DAY_MS + 1, None) == Word(None, NEVER)


@pytest.mark.rule("ocpp16.C02")
def test_a_relative_one_counts_from_the_transaction() -> None:
    assert at(RELATIVE, START, None).period is None
    assert at(RELATIVE, START + 10, START) == Word(FIRST, START + HOUR_MS)
    assert at(RELATIVE, START + 10, START + 20) == Word(None, START + 20)
    assert at(RELATIVE, START + 2 * HOUR_MS, START) == Word(None, NEVER)
