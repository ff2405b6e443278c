"""What a connector does by itself, seen from its effects."""

from __future__ import annotations

import pytest

from agent.vocabulary import effects as fx
from hal.api import ContactorSeen, LockSeen, OutputsOff
from tests.agent.station.driver import Driver


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


def test_a_lock_that_was_asked_for_in_this_life_stays() -> None:
    driver = Driver()
    driver.start_session()
    assert fx.DriveLock(1, False) not in driver.log
