"""Charging profiles by command: what they do to the offer, and that nobody can make the station think too long."""

from __future__ import annotations

from typing import Any

import pytest

from agent.station.power import composite
from agent.station.power.composite import MOST_LOOKS
from agent.station.power.schedule import Word, at
from agent.vocabulary import effects as fx
from agent.vocabulary.charging import ChargingProfile, Period, ProfileKind, Purpose, RateUnit, Recurrency, Schedule
from agent.vocabulary.commands import GetComposite, ResultStatus, SetProfile
from agent.vocabulary.ids import MANAGEMENT, ConnectorId
from tests.agent.station.driver import WALL, Driver, connector

ONE = ConnectorId(1)
WEEK_S = 7 * 86_400


def busy(number: int) -> ChargingProfile:
    """A day of changes every minute, none at the same second as those of the profiles beside it."""
    periods = tuple(Period(60 * at + number % 60 if at else 0, 6.0 + (at + number) % 20) for at in range(1000))
    schedule = Schedule(RateUnit.AMPERE, periods, None, WALL - 10**9)
    return ChargingProfile(
        number, number % 99, Purpose.TRANSACTION_DEFAULT, ProfileKind.RECURRING, schedule, Recurrency.DAILY
    )


def default(limit: float, unit: RateUnit = RateUnit.AMPERE, phases: int | None = None, **more: Any) -> ChargingProfile:
    schedule = Schedule(unit, (Period(0, limit, phases),), **more)
    return ChargingProfile(1, 0, Purpose.TRANSACTION_DEFAULT, ProfileKind.RELATIVE, schedule)


@pytest.mark.rule("INV-13")
def test_a_thousand_changes_a_day_shorten_the_answer_and_do_not_keep_the_station_from_its_contactors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver = Driver()
    for number in range(60):
        assert driver.command(MANAGEMENT, SetProfile(ONE, busy(number))) is not None
    looks = 0

    def counted(profile: ChargingProfile, now_ms: int, begun_ms: int | None) -> Word:
        nonlocal looks
        looks += 1
        return at(profile, now_ms, begun_ms)

    monkeypatch.setattr(composite, "at", counted)
    result = driver.command(MANAGEMENT, GetComposite(ONE, WEEK_S, RateUnit.AMPERE))
    assert result is not None
    assert result.status is ResultStatus.ACCEPTED
    assert result.composite is not None
    assert 0 < result.composite.duration_s < WEEK_S
    assert looks <= MOST_LOOKS


@pytest.mark.rule("ocpp16.C07")
@pytest.mark.rule("INV-9")
def test_watts_meant_for_one_phase_are_not_taken_thrice() -> None:
    driver = Driver((connector(phases=3),))
    driver.command(MANAGEMENT, SetProfile(ONE, default(7360, RateUnit.WATT, 1)))
    driver.charge()
    (offer,) = driver.all(fx.Offer)
    assert offer.current_a * 3 * 230 <= 7360
    result = driver.command(MANAGEMENT, GetComposite(ONE, 60, RateUnit.WATT))
    assert result is not None
    assert result.composite is not None
    assert [period.limit for period in result.composite.periods] == [7360]
