"""Reservations where they meet connectors, clocks and upstreams."""

from __future__ import annotations

import pytest

from agent.vocabulary import effects as fx
from agent.vocabulary.commands import CancelReservation, Reserve, Result, ResultStatus
from agent.vocabulary.events import Condition
from agent.vocabulary.ids import MANAGEMENT, STATION, ConnectorId, IdToken
from agent.vocabulary.options import AuthorisePolicy
from agent.vocabulary.records import DropReservation, SaveReservation, Snapshot
from tests.agent.station.driver import CARD, OTHER_CARD, PRIMARY, WALL, Driver, connector

ONE = ConnectorId(1)
ACCEPTED = ResultStatus.ACCEPTED


def reserve(
    driver: Driver, number: int = 7, seconds: float = 600, where: ConnectorId = ONE, card: str = CARD
) -> ResultStatus:
    """ReserveNow of the Billing upstream: the status."""
    until_ms = WALL + driver.ms + round(1000 * seconds)
    result = driver.command(PRIMARY, Reserve(number, where, IdToken(card), until_ms))
    assert result is not None
    return result.status


def reserved(driver: Driver) -> bool:
    """What was told last of the connector."""
    return driver.told()[-1].reserved


@pytest.mark.rule("ocpp16.R05")
def test_a_reservation_ends_in_time_though_the_clock_is_not_known() -> None:
    driver = Driver()
    assert reserve(driver, seconds=60) is ACCEPTED
    assert reserved(driver)
    driver.wall_known = False
    driver.pass_time(59)
    assert reserved(driver)
    driver.pass_time(2)
    assert not reserved(driver)


@pytest.mark.rule("ocpp16.R05")
@pytest.mark.rule("ocpp16.R07")
def test_after_a_reboot_without_a_clock_a_reservation_ends_no_later_than_so_long_after() -> None:
    claim = SaveReservation(PRIMARY, 7, ONE, IdToken(CARD), WALL + 60_000, None)
    snapshot = Snapshot(2, False, reservations=(claim,), last_wall_ms=WALL)
    driver = Driver(snapshot=snapshot, online=False, ready=False)
    driver.wall_known = False
    driver.hardware_ready()
    driver.connect(PRIMARY)
    assert reserved(driver)
    driver.pass_time(61)
    assert not reserved(driver)


@pytest.mark.rule("ocpp16.R01")
def test_the_same_reservation_is_prolonged_though_a_car_is_there() -> None:
    driver = Driver()
    assert reserve(driver, seconds=60) is ACCEPTED
    driver.plug()
    assert reserve(driver, 8) is ResultStatus.OCCUPIED
    assert reserve(driver, seconds=120) is ACCEPTED
    assert reserve(driver, seconds=-1) is ResultStatus.REJECTED
    driver.pass_time(100)
    assert driver.command(PRIMARY, CancelReservation(7)) == Result(ACCEPTED)


@pytest.mark.rule("ocpp16.R04")
@pytest.mark.parametrize("policy", [AuthorisePolicy.FREE])
def test_a_connector_that_needs_no_card_charges_nobody_while_it_is_reserved(policy: AuthorisePolicy) -> None:
    driver = Driver([connector(authorise=policy)])
    assert reserve(driver, seconds=60) is ACCEPTED
    driver.plug()
    driver.pass_time(5)
    assert not driver.all(fx.ReadMeter)
    driver.pass_time(60)
    assert driver.all(fx.DriveLock)


@pytest.mark.rule("ocpp16.R01")
def test_only_the_billing_upstream_reserves_and_cancels() -> None:
    driver = Driver()
    assert reserve(driver) is ACCEPTED
    wanted = Reserve(7, ONE, IdToken(OTHER_CARD), WALL + driver.ms + 60_000)
    for command in (wanted, CancelReservation(7)):
        result = driver.command(MANAGEMENT, command)
        assert result is not None
        assert result.status is ResultStatus.REJECTED
    assert reserved(driver)


@pytest.mark.rule("ocpp16.R05")
def test_a_reservation_that_ends_while_its_driver_looks_for_the_cable_lets_the_session_begin() -> None:
    driver = Driver()
    assert reserve(driver, seconds=10) is ACCEPTED
    driver.card()
    driver.verdict()
    driver.pass_time(15)
    driver.plug()
    driver.locked()
    driver.answer_meter()
    (row,) = driver.rows(PRIMARY)
    assert row.event.reservation is None  # type: ignore[union-attr]


@pytest.mark.rule("ocpp16.R03")
def test_an_expired_reservation_of_the_station_frees_its_last_connector() -> None:
    driver = Driver()
    assert reserve(driver, seconds=10, where=STATION) is ACCEPTED
    assert reserved(driver)
    driver.pass_time(11)
    assert not reserved(driver)
    assert isinstance(driver.told()[-1], Condition)


@pytest.mark.rule("two-upstreams.RC06")
@pytest.mark.rule("INV-8")
def test_a_reservation_of_who_was_billing_before_stands_in_nobodys_way() -> None:
    old = SaveReservation(MANAGEMENT, 7, ConnectorId(1), IdToken(OTHER_CARD), WALL + 10**9)
    driver = Driver(snapshot=Snapshot(2, False, reservations=(old,)))
    assert driver.entries(DropReservation) == [DropReservation(MANAGEMENT, 7)]
    driver.start_session(uid=CARD)
    assert driver.state() == "running"
    assert not any(condition.reserved for condition in driver.told())
