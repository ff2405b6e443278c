"""Charging profiles at their bounds: no limit gets lost, and nobody can make the station think too long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from agent.station import foresight
from agent.station.power import composite
from agent.station.power.composite import MOST_LOOKS
from agent.station.power.schedule import Word, at
from agent.station.power.sharing import Line, Want, fill
from agent.vocabulary import effects as fx
from agent.vocabulary.charging import (
    MAXIMUM_PROFILES,
    ChargingProfile,
    Period,
    ProfileKind,
    Purpose,
    RateUnit,
    Recurrency,
    Schedule,
)
from agent.vocabulary.commands import GetComposite, RemoteStart, Result, ResultStatus, SetProfile
from agent.vocabulary.ids import MANAGEMENT, STATION, ConnectorId, IdToken
from agent.vocabulary.inputs import LatchCleared
from tests.agent.station.driver import CARD, OTHER_CARD, PRIMARY, WALL, Driver, connector
from tests.agent.station.fleet import Fleet

ONE = ConnectorId(1)
WEEK_S = 7 * 86_400
DEFAULTS = (Purpose.TRANSACTION_DEFAULT, Purpose.STATION_MAXIMUM)


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


@pytest.mark.rule("INV-13")
def test_cars_that_share_shorten_the_answer_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is divided anew at every change of one profile takes time for each car that charges."""
    driver = Fleet([connector(number) for number in (1, 2, 3, 4)], maximum_current_a=40.0)
    driver.begin(1, 2, 3, 4)
    driver.command(MANAGEMENT, SetProfile(STATION, busy(1)))
    divided = 0

    def counted(wants: Sequence[Want], room: Mapping[Line, float]) -> dict[ConnectorId, float]:
        nonlocal divided
        divided += len(wants)
        return fill(wants, room)

    monkeypatch.setattr(foresight, "fill", counted)
    result = driver.command(MANAGEMENT, GetComposite(ONE, WEEK_S, RateUnit.AMPERE))
    assert result is not None
    assert result.status is ResultStatus.ACCEPTED
    assert 0 < divided * foresight.SHARING_LOOKS <= MOST_LOOKS


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


def session_limit(number: int, *periods: Period) -> ChargingProfile:
    return ChargingProfile(number, 0, Purpose.TRANSACTION, ProfileKind.RELATIVE, Schedule(RateUnit.AMPERE, periods))


def remotely(driver: Driver, profile: ChargingProfile) -> Result:
    result = driver.command(PRIMARY, RemoteStart(IdToken(CARD), ONE, profile=profile))
    assert result is not None
    return result


@pytest.mark.rule("ocpp16.C12")
@pytest.mark.rule("INV-9")
def test_a_remote_start_whose_profile_cannot_be_is_rejected_and_nothing_starts_without_its_limit() -> None:
    driver = Driver()
    assert remotely(driver, session_limit(5, Period(10, 6.0))).status is ResultStatus.REJECTED
    driver.plug()
    assert driver.state() == "waiting_card"


@pytest.mark.rule("ocpp16.C12")
@pytest.mark.rule("INV-9")
def test_a_store_that_fills_up_before_the_car_comes_does_not_lose_the_limit_of_a_remote_start() -> None:
    driver = Driver()
    assert remotely(driver, session_limit(500, Period(0, 6.0))).status is ResultStatus.ACCEPTED
    driver.verdict()
    for number in range(MAXIMUM_PROFILES):
        given = ChargingProfile(
            number, number % 99, DEFAULTS[number // 99], ProfileKind.ABSOLUTE,
            Schedule(RateUnit.AMPERE, (Period(0, 32.0),), None, WALL),
        )  # fmt: skip
        where = STATION if given.purpose is Purpose.STATION_MAXIMUM else ONE
        assert driver.command(PRIMARY, SetProfile(where, given)) == Result(ResultStatus.ACCEPTED)
    assert remotely(driver, session_limit(501, Period(0, 6.0))).status is ResultStatus.REJECTED
    driver.plug()
    driver.locked()
    driver.answer_meter()
    assert [offer.current_a for offer in driver.all(fx.Offer)] == [6.0]


@pytest.mark.rule("ocpp16.C02")
@pytest.mark.rule("INV-9")
def test_a_limit_from_the_start_of_the_session_needs_no_clock() -> None:
    driver = Driver(ready=False, online=False)
    driver.wall_known = False
    driver.station._site.last_wall_ms = None
    driver.hardware_ready()
    driver.connect(MANAGEMENT)
    driver.connect(PRIMARY)
    periods = (Period(0, 6.0), Period(60, 10.0))
    schedule = Schedule(RateUnit.AMPERE, periods)
    profile = ChargingProfile(1, 0, Purpose.TRANSACTION_DEFAULT, ProfileKind.RELATIVE, schedule)
    driver.command(MANAGEMENT, SetProfile(ONE, profile))
    driver.charge()
    assert [offer.current_a for offer in driver.all(fx.Offer)] == [6.0]
    driver.current[1] = 5.0
    driver.pass_time(65)
    assert [offer.current_a for offer in driver.all(fx.Offer)] == [6.0, 10.0]


@pytest.mark.rule("ocpp16.C05")
@pytest.mark.rule("INV-9")
def test_a_connector_whose_contacts_do_not_open_keeps_its_share_when_its_session_is_over() -> None:
    driver = Driver((connector(1), connector(2)))
    schedule = Schedule(RateUnit.AMPERE, (Period(0, 20.0),), None, WALL)
    maximum = ChargingProfile(1, 0, Purpose.STATION_MAXIMUM, ProfileKind.ABSOLUTE, schedule)
    driver.command(MANAGEMENT, SetProfile(STATION, maximum))
    driver.charge(1)
    driver.start_session(2, uid=OTHER_CARD)
    driver.current[ONE] = 9.0
    driver.pass_time(7)  # the first has followed: now there is room for the second
    driver.pilot("B", True, 2)
    driver.pilot("C", True, 2)
    driver.contactor(True, 2)
    driver.current = {ONE: 9.0, ConnectorId(2): 9.0}
    driver.pass_time(6)
    driver.card(CARD)  # stops, and the contacts are welded
    driver.pass_time(10)
    driver.answer_meter(1)
    driver.pass_time(10)
    assert (driver.state(1), driver.state(2)) == ("finished", "running")
    offers = [offer.current_a for offer in driver.all(fx.Offer) if offer.connector == 2]
    assert offers == [10.0]
    driver.current[ONE] = 0.0
    driver.contactor(False)
    driver.give(LatchCleared(ONE))
    driver.pass_time(6)
    assert [offer.current_a for offer in driver.all(fx.Offer) if offer.connector == 2][-1] == 20.0
