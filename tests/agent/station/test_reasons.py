"""Why no more, why not at all: the ladder, the holds and what blocks, and what people do on the spot."""

from __future__ import annotations

import pytest

from agent.vocabulary.charging import ChargingProfile, Period, ProfileKind, Purpose, RateUnit, Schedule
from agent.vocabulary.commands import ChangeAvailability, Result, ResultStatus, SetProfile
from agent.vocabulary.feeds import GridOptions
from agent.vocabulary.ids import MANAGEMENT, STATION, ConnectorId, UpstreamId
from agent.vocabulary.inputs import HoldCleared, LimitSet
from agent.vocabulary.overview import ConnectorOverview
from agent.vocabulary.records import SaveHold, SaveInstallerLimit, Snapshot
from hal.api import Fault, FaultSeen, GridSeen
from tests.agent.station.driver import PRIMARY, WALL, Driver, connector
from tests.agent.station.fleet import Fleet

ONE, TWO = ConnectorId(1), ConnectorId(2)


def seen(driver: Driver, number: int = 1) -> ConnectorOverview:
    return driver.station.overview(driver.now).connectors[number - 1]


def ladder(driver: Driver, number: int = 1) -> list[tuple[float, str, str]]:
    return [(rung.current_a, rung.source, rung.reason) for rung in seen(driver, number).ladder]


def test_every_bound_stands_on_the_ladder_with_its_source_and_age_the_lowest_first() -> None:
    driver = Fleet([connector(1), connector(2)], maximum_current_a=40.0, grid=GridOptions(35.0, 10.0))
    driver.begin(1)
    schedule = Schedule(RateUnit.AMPERE, (Period(0, 9.0),), None, WALL)
    profile = ChargingProfile(3, 0, Purpose.TRANSACTION_DEFAULT, ProfileKind.ABSOLUTE, schedule)
    driver.command(MANAGEMENT, SetProfile(ONE, profile))
    driver.give(LimitSet(ONE, 16.0))
    driver.give(GridSeen((0.0, 0.0, 0.0)))
    driver.pass_time(2)
    assert ladder(driver) == [
        (9.0, "profile", "TxDefaultProfile 3 of management"),
        (16.0, "installer", "set for the connector on the spot"),
        (20, "cable", "cable rating"),
        (32.0, "hardware", "hardware"),
        *[(35.0, "grid", f"main fuse of 35 A, the house draws 0.0 A on L{phase}") for phase in (1, 2, 3)],
        (40.0, "feed", "maximum of the station"),
    ]
    rungs = seen(driver).ladder
    assert rungs[0].upstream == MANAGEMENT
    assert [rung.age_s for rung in rungs if rung.source == "grid"] == [2, 2, 2]
    assert seen(driver).limit_reason == "TxDefaultProfile 3 of management"


@pytest.mark.rule("product.N11")
def test_a_hold_is_shown_with_its_holder_and_cleared_on_the_spot() -> None:
    driver = Driver((connector(1), connector(2)))
    at_ms = driver.now.wall_ms
    driver.command(MANAGEMENT, ChangeAvailability(TWO, operative=False))
    driver.disconnect(MANAGEMENT)
    (hold,) = seen(driver, 2).holds
    assert (hold.upstream, hold.since_wall_ms, hold.connected) == (MANAGEMENT, at_ms, False)
    assert seen(driver, 2).blocked == "out of service"
    driver.give(HoldCleared(MANAGEMENT, TWO))
    assert seen(driver, 2).holds == ()
    assert driver.entries(SaveHold)[-1] == SaveHold(MANAGEMENT, TWO, False)
    assert driver.told(number=2)[-1].operative


@pytest.mark.rule("product.N11")
def test_the_holds_and_limits_of_a_former_life_stand_and_those_of_a_removed_upstream_do_not() -> None:
    holds = (SaveHold(MANAGEMENT, ONE, True, WALL), SaveHold(UpstreamId("operator-9"), TWO, True, WALL))
    limits = (SaveInstallerLimit(ONE, 10.0), SaveInstallerLimit(STATION, 13.0))
    driver = Driver((connector(1), connector(2)), snapshot=Snapshot(2, False, holds=holds, installer_limits=limits))
    assert [hold.since_wall_ms for hold in seen(driver).holds] == [WALL]
    assert seen(driver, 2).holds == ()
    assert ladder(driver)[:2] == [
        (10.0, "installer", "set for the connector on the spot"),
        (13.0, "installer", "set for the station on the spot"),
    ]


def test_a_release_while_another_holds_is_scheduled_and_the_status_says_so() -> None:
    driver = Driver()
    driver.command(MANAGEMENT, ChangeAvailability(ONE, operative=False))
    driver.command(PRIMARY, ChangeAvailability(ONE, operative=False))
    assert driver.command(PRIMARY, ChangeAvailability(ONE, operative=True)) == Result(
        ResultStatus.SCHEDULED, "another upstream still holds it"
    )
    assert driver.told(PRIMARY)[-1].held_by_other


@pytest.mark.rule("INV-9")
def test_a_limit_of_the_installer_counts_at_once_and_is_kept() -> None:
    driver = Fleet([connector(1), connector(2)])
    driver.begin(1, 2)
    driver.pass_time(8)
    driver.give(LimitSet(ONE, 8.0))
    assert driver.offered() == {1: 8, 2: 20}
    assert driver.entries(SaveInstallerLimit)[-1] == SaveInstallerLimit(ONE, 8.0)
    driver.give(LimitSet(STATION, 14.0))
    assert driver.offered() == {1: 7, 2: 7}
    driver.give(LimitSet(STATION, None))
    driver.pass_time(8)
    assert driver.offered() == {1: 8, 2: 20}
    assert driver.entries(SaveInstallerLimit)[-1] == SaveInstallerLimit(STATION, None)


def test_what_blocks_a_session_is_told_beside_the_limits() -> None:
    driver = Fleet([connector(1)])
    driver.begin(1)
    driver.pass_time(2)
    assert seen(driver).blocked == ""
    driver.give(FaultSeen(1, Fault.UNDER_VOLTAGE, True))
    assert seen(driver).blocked == "fault: under_voltage"
