"""What a connector does by itself, seen from its effects."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.vocabulary import effects as fx
from hal.api import ContactorSeen, LockConfirmation, LockSeen, OutputsOff
from tests.agent.station.driver import SOCKET, Driver, connector


@pytest.mark.rule("INV-6")
@pytest.mark.parametrize("letter", ["A", "B"])
def test_a_lock_that_a_former_life_left_engaged_lets_go(letter: str) -> None:
    driver = Driver(ready=False)
    driver.give(LockSeen(1, True))
    driver.pilot(letter)
    assert fx.DriveLock(1, False) not in driver.log, "nobody has seen the power off yet"
    driver.give(OutputsOff(1))
    driver.give(ContactorSeen(1, False))
    assert driver.log.count(fx.DriveLock(1, False)) == 1


@pytest.mark.rule("INV-6")
@pytest.mark.parametrize("letter", ["A", "B"])
@pytest.mark.parametrize("lock", [LockConfirmation.READBACK, LockConfirmation.NO_FAULT_AFTER_MS])
def test_a_lock_without_a_sensor_is_driven_open_once_whatever_its_board_remembers(
    letter: str, lock: LockConfirmation
) -> None:
    driver = Driver([connector(capabilities=replace(SOCKET, lock=lock))], ready=False)
    driver.give(LockSeen(1, False))
    driver.pilot(letter)
    driver.give(OutputsOff(1))
    driver.give(ContactorSeen(1, False))
    assert driver.log.count(fx.DriveLock(1, False)) == 1
    driver.locked(False)
    driver.pass_time(30)
    assert driver.log.count(fx.DriveLock(1, False)) == 1


def test_a_lock_that_was_asked_for_in_this_life_stays() -> None:
    driver = Driver()
    driver.start_session()
    assert fx.DriveLock(1, False) not in driver.log


def test_a_cable_that_stays_in_the_socket_keeps_its_rating_when_the_car_goes() -> None:
    driver = Driver()
    driver.plug(rating=20)
    driver.pilot("A")
    driver.pilot("B")
    driver.card()
    driver.verdict()
    driver.locked()
    driver.answer_meter()
    assert driver.one(fx.Offer, driver.log).current_a == 20


@pytest.mark.rule("INV-6")
@pytest.mark.parametrize("ends", ["unplugged", "in time"])
def test_a_lock_that_did_not_confirm_is_driven_back(ends: str) -> None:
    driver = Driver()
    driver.plug()
    driver.card()
    driver.verdict()
    assert fx.DriveLock(1, True) in driver.log
    if ends == "unplugged":
        driver.unplug()
    assert fx.DriveLock(1, False) not in driver.log, "its tries are not over"
    driver.pass_time(11)
    assert driver.log.count(fx.DriveLock(1, False)) == 1
    driver.locked(False)
    driver.pass_time(30)
    assert driver.log.count(fx.DriveLock(1, False)) == 1
