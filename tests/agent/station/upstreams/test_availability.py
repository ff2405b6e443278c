"""Availability through the life of a session and of the agent."""

from __future__ import annotations

import pytest

from agent.vocabulary.commands import ChangeAvailability, ResultStatus
from agent.vocabulary.ids import MANAGEMENT, STATION, ConnectorId
from agent.vocabulary.options import AuthorisePolicy
from agent.vocabulary.records import SaveHold, Snapshot
from tests.agent.station.driver import CARD, PRIMARY, Driver, connector

ONE, TWO = ConnectorId(1), ConnectorId(2)


def change(driver: Driver, where: ConnectorId, operative: bool, upstream: str = PRIMARY) -> ResultStatus:
    result = driver.command(upstream, ChangeAvailability(where, operative))  # type: ignore[arg-type]
    assert result is not None
    return result.status


@pytest.mark.rule("ocpp16.S41")
def test_what_is_scheduled_is_applied_when_the_session_has_ended() -> None:
    driver = Driver()
    driver.charge()
    assert change(driver, ONE, False) is ResultStatus.SCHEDULED
    assert driver.told()[-1].transaction is not None
    driver.card()
    driver.finish()
    driver.locked(False)
    assert not driver.told()[-1].operative
    driver.unplug()
    driver.plug()
    driver.card(CARD)
    assert driver.state() == "waiting_card"


@pytest.mark.rule("ocpp16.S41")
def test_the_opposite_request_takes_it_back() -> None:
    driver = Driver()
    driver.charge()
    assert change(driver, ONE, False) is ResultStatus.SCHEDULED
    assert change(driver, ONE, True) is ResultStatus.ACCEPTED
    driver.card()
    driver.finish()
    assert driver.told()[-1].operative
    assert driver.entries(SaveHold)[-1] == SaveHold(PRIMARY, ONE, False)


@pytest.mark.rule("ocpp16.S41")
def test_a_power_cut_does_not_take_it_back() -> None:
    driver = Driver()
    driver.charge()
    change(driver, ONE, False)
    later = Driver(snapshot=Snapshot(2, False, holds=tuple(driver.entries(SaveHold))))
    assert not later.told()[-1].operative
    assert later.told(number=0)[-1].operative


@pytest.mark.rule("ocpp16.S40")
@pytest.mark.rule("ocpp16.S41")
def test_out_of_service_as_a_whole_reaches_the_idle_at_once_and_the_busy_at_their_end() -> None:
    driver = Driver([connector(1), connector(2)])
    driver.charge(1)
    assert change(driver, STATION, False) is ResultStatus.SCHEDULED
    assert not driver.told(number=2)[-1].operative
    assert not driver.told(number=0)[-1].operative
    assert driver.told(number=1)[-1].transaction is not None
    driver.card()
    driver.finish(1)
    assert not driver.told(number=1)[-1].operative
    assert change(driver, STATION, True) is ResultStatus.ACCEPTED
    assert all(driver.told(number=number)[-1].operative for number in (0, 1, 2))


@pytest.mark.rule("ocpp16.S40")
def test_what_is_so_already_is_accepted_and_stored_once() -> None:
    driver = Driver()
    assert [change(driver, ONE, False) for _ in range(2)] == [ResultStatus.ACCEPTED] * 2
    assert len(driver.entries(SaveHold)) == 1
    assert [change(driver, ONE, True) for _ in range(2)] == [ResultStatus.ACCEPTED] * 2
    assert len(driver.entries(SaveHold)) == 2


@pytest.mark.rule("ocpp16.S41")
def test_management_holds_a_charging_connector_from_its_end_on_and_gives_it_back() -> None:
    driver = Driver()
    driver.charge()
    assert change(driver, ONE, False, MANAGEMENT) is ResultStatus.SCHEDULED
    assert change(driver, ONE, True) is ResultStatus.SCHEDULED  # nothing that the primary could lift
    assert change(driver, ONE, True, MANAGEMENT) is ResultStatus.ACCEPTED
    driver.card()
    driver.finish()
    assert driver.told()[-1].operative


@pytest.mark.rule("ocpp16.S40")
@pytest.mark.rule("product.N1")
def test_a_free_connector_starts_the_car_that_waited_for_its_return() -> None:
    driver = Driver([connector(authorise=AuthorisePolicy.FREE)])
    change(driver, ONE, False)
    driver.plug()
    driver.pass_time(300)
    assert driver.state() == "waiting_card"
    change(driver, ONE, True)
    assert driver.state() == "locking"
