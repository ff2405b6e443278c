"""A reset that does not come about is tried again, then told; the station goes on."""

from __future__ import annotations

import pytest

from agent.vocabulary import effects as fx
from agent.vocabulary.commands import Reset, ResultStatus
from agent.vocabulary.events import StopReason
from agent.vocabulary.records import Snapshot
from hal.api import Fault
from tests.agent.station.driver import PRIMARY, Driver


def after(failed: int, retries: int = 1) -> Driver:
    snapshot = Snapshot(1, True, restart_reason=StopReason.HARD_RESET, failed_resets=failed)
    return Driver(snapshot=snapshot, reset_retries=retries)


@pytest.mark.rule("ocpp16.X72")
def test_it_is_tried_again_after_the_system_had_its_time() -> None:
    driver = after(1)
    driver.plug()
    driver.card()
    assert driver.state() == "waiting_card"  # nothing starts meanwhile
    driver.pass_time(29)
    assert not driver.all(fx.Restart)
    driver.pass_time(2)
    assert driver.one(fx.Restart, driver.log) == fx.Restart(True, "HardReset")


@pytest.mark.rule("ocpp16.X72")
@pytest.mark.parametrize(("failed", "retries"), [(2, 1), (1, 0), (5, 1)])
def test_after_its_tries_the_station_goes_on_and_tells(failed: int, retries: int) -> None:
    driver = after(failed, retries)
    driver.pass_time(120)
    assert not driver.all(fx.Restart)
    assert driver.told(number=0)[-1].warning is Fault.RESET
    driver.charge()
    assert driver.state() == "running"
    result = driver.command(PRIMARY, Reset(True))
    assert result is not None
    assert result.status is ResultStatus.ACCEPTED
    driver.finish()
    driver.pass_time(1)
    assert len(driver.all(fx.Restart)) == 1  # at once: this one is new


@pytest.mark.rule("ocpp16.X72")
def test_a_soft_reset_ends_in_the_same_boot_and_that_is_no_failure() -> None:
    driver = Driver(snapshot=Snapshot(1, True, restart_reason=StopReason.SOFT_RESET))
    driver.pass_time(60)
    assert not driver.all(fx.Restart)
    assert driver.told(number=0)[-1].warning is None
