"""Charging profiles at their edges: whose they are, what time and a stopping transaction do to them, and how fast."""

from __future__ import annotations

import time

import pytest

from agent.vocabulary import effects as fx
from agent.vocabulary.charging import (
    MAXIMUM_PROFILES,
    ChargingProfile,
    Period,
    ProfileFilter,
    ProfileKind,
    Purpose,
    RateUnit,
    Schedule,
)
from agent.vocabulary.commands import (
    ClearProfiles,
    GetComposite,
    RemoteStart,
    RemoteStop,
    Result,
    ResultStatus,
    SetProfile,
)
from agent.vocabulary.ids import MANAGEMENT, STATION, ConnectorId, IdToken, UpstreamId
from agent.vocabulary.inputs import Tick
from agent.vocabulary.records import DropProfile, SaveProfile
from tests.agent.station.driver import CARD, PRIMARY, WALL, Driver

ONE = ConnectorId(1)
ACCEPTED = ResultStatus.ACCEPTED
DEFAULT, SESSION = Purpose.TRANSACTION_DEFAULT, Purpose.TRANSACTION


def relative(number: int, purpose: Purpose, *periods: tuple[int, float], level: int = 0) -> ChargingProfile:
    """From the start of the transaction on, in amperes."""
    rows = tuple(Period(start, limit) for start, limit in periods)
    return ChargingProfile(number, level, purpose, ProfileKind.RELATIVE, Schedule(RateUnit.AMPERE, rows))


def put(
    driver: Driver,
    profile: ChargingProfile,
    upstream: UpstreamId = PRIMARY,
    connector: ConnectorId = ONE,
    foreign_id: str | None = None,
) -> ResultStatus:
    """SetChargingProfile: the status."""
    result = driver.command(upstream, SetProfile(connector, profile, foreign_id))
    assert result is not None
    return result.status


def composite(driver: Driver, seconds: int = 600) -> list[tuple[int, float]]:
    """GetCompositeSchedule in amperes."""
    result = driver.command(PRIMARY, GetComposite(ONE, seconds, RateUnit.AMPERE))
    assert result is not None
    assert result.composite is not None
    return [(period.start_s, period.limit) for period in result.composite.periods]


def offered(driver: Driver) -> float | None:
    """What the car was told last."""
    return [each for each in driver.log if isinstance(each, fx.Offer | fx.Lower)][-1].current_a


@pytest.mark.rule("ocpp16.C10")
@pytest.mark.rule("ocpp16.M24")
def test_a_profile_that_comes_while_its_transaction_stops_ends_with_it() -> None:
    driver = Driver()
    driver.charge()
    driver.acknowledge_start(PRIMARY, "77")
    assert driver.command(PRIMARY, RemoteStop("77")) == Result(ACCEPTED)
    assert driver.state() == "stopping"
    status = put(driver, relative(1, SESSION, (0, 8)), foreign_id="77")
    driver.finish()
    assert put(driver, relative(2, SESSION, (0, 8)), foreign_id="77") is ResultStatus.REJECTED
    assert put(driver, relative(2, SESSION, (0, 8))) is ResultStatus.REJECTED
    kept = {row.installed.profile.id for row in driver.entries(SaveProfile)}
    assert kept <= {row.profile for row in driver.entries(DropProfile)}, status
    assert composite(driver) == [(0, 32)]


@pytest.mark.rule("ocpp16.C11")
def test_offline_a_profile_of_the_transaction_goes_on_and_without_one_nothing_is_limited() -> None:
    driver = Driver()
    driver.charge()
    driver.acknowledge_start(PRIMARY, "77")
    assert put(driver, relative(1, SESSION, (0, 10), (20, 8)), foreign_id="77") is ACCEPTED
    driver.current[1] = 7
    for upstream in (MANAGEMENT, PRIMARY):
        driver.disconnect(upstream)
    driver.pass_time(30)
    assert offered(driver) == 8
    without = Driver()
    without.charge()
    without.disconnect(PRIMARY)
    without.pass_time(30)
    assert offered(without) == 20


@pytest.mark.rule("ocpp16.C01")
def test_the_transaction_of_a_profile_is_named_in_the_numbers_of_who_sends_it() -> None:
    driver = Driver()
    driver.charge()
    driver.acknowledge_start(PRIMARY, "77")
    driver.acknowledge_start(MANAGEMENT, "78")
    assert put(driver, relative(1, SESSION, (0, 8)), MANAGEMENT, foreign_id="77") is ResultStatus.REJECTED
    assert put(driver, relative(1, SESSION, (0, 8)), MANAGEMENT, foreign_id="78") is ACCEPTED
    assert put(driver, relative(1, SESSION, (0, 10)), foreign_id="77") is ACCEPTED
    assert composite(driver) == [(0, 8)]
    assert driver.command(MANAGEMENT, ClearProfiles(ProfileFilter(id=1))) == Result(ACCEPTED)
    assert composite(driver) == [(0, 10)]


@pytest.mark.rule("ocpp16.C12")
@pytest.mark.parametrize(
    "wrong",
    [
        relative(1, SESSION, (5, 8)),
        relative(1, SESSION, (0, 8), level=100),
        relative(1, SESSION, (0, 8), (0, 9)),
        relative(1, SESSION, (0, -1)),
    ],
)
def test_a_remote_start_with_a_profile_that_could_not_be_installed_is_rejected(wrong: ChargingProfile) -> None:
    driver = Driver()
    driver.plug()
    result = driver.command(PRIMARY, RemoteStart(IdToken(CARD), ONE, profile=wrong))
    assert result is not None
    assert result.status is ResultStatus.REJECTED
    assert driver.state() == "waiting_card"


@pytest.mark.rule("ocpp16.C12")
def test_a_remote_start_whose_profile_finds_no_room_is_rejected() -> None:
    driver = Driver()
    for number in range(MAXIMUM_PROFILES):
        assert put(driver, relative(number, DEFAULT, (0, 10), level=number)) is ACCEPTED
    driver.plug()
    command = RemoteStart(IdToken(CARD), ONE, profile=relative(1000, SESSION, (0, 8)))
    result = driver.command(PRIMARY, command)
    assert result is not None
    assert result.status is ResultStatus.REJECTED
    assert put(driver, relative(1000, DEFAULT, (0, 8), level=1)) is ACCEPTED  # replaces one


@pytest.mark.rule("ocpp16.C18")
@pytest.mark.rule("ocpp16.M24")
def test_a_schedule_of_the_calendar_goes_on_while_the_clock_is_not_known() -> None:
    driver = Driver()
    rows = (Period(0, 10), Period(60, 16))
    begin_ms = WALL + driver.ms
    schedule = Schedule(RateUnit.AMPERE, rows, None, begin_ms)
    assert put(driver, ChargingProfile(1, 0, DEFAULT, ProfileKind.ABSOLUTE, schedule)) is ACCEPTED
    driver.charge()
    driver.current[1] = 9
    assert offered(driver) == 10
    driver.wall_known = False
    driver.pass_time(70)
    assert offered(driver) == 16


@pytest.mark.rule("ocpp16.C18")
@pytest.mark.rule("ocpp16.C17")
def test_a_step_of_the_clock_is_followed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver()
    schedule = Schedule(RateUnit.AMPERE, (Period(0, 10),), 3600, WALL + 3_600_000)
    assert put(driver, ChargingProfile(1, 0, DEFAULT, ProfileKind.ABSOLUTE, schedule)) is ACCEPTED
    driver.charge()
    driver.current[1] = 9
    driver.pass_time(10)
    assert offered(driver) == 20
    monkeypatch.setattr("tests.agent.station.driver.WALL", WALL + 3_600_000)
    driver.give(Tick())
    assert offered(driver) == 10


@pytest.mark.rule("ocpp16.C15")
def test_a_schedule_of_no_time_still_tells_what_is_offered_now() -> None:
    driver = Driver()
    assert put(driver, relative(1, DEFAULT, (0, 10))) is ACCEPTED
    assert composite(driver, 0) == [(0, 10)]


def test_a_hundred_long_profiles_of_each_upstream_do_not_slow_the_loop() -> None:
    driver = Driver()
    steps = [(60 * each, 10.0 + each % 3) for each in range(100)]
    for upstream in (MANAGEMENT, PRIMARY):
        for number in range(MAXIMUM_PROFILES):
            where = ONE if number % 2 else STATION
            assert put(driver, relative(number, DEFAULT, *steps, level=number), upstream, where) is ACCEPTED
    driver.charge()
    begun = time.process_time()
    for _ in range(100):
        driver.ms += 100
        driver.meter()
    assert (time.process_time() - begun) / 100 < 0.02
    begun = time.process_time()
    assert composite(driver, 7 * 86_400)
    assert time.process_time() - begun < 0.5
