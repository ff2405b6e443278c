"""Every reason for which a session can end, and what leads to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from agent.vocabulary.commands import RemoteStop, Reset, Unlock
from agent.vocabulary.events import StopReason, Trigger
from agent.vocabulary.ids import MANAGEMENT, ConnectorId, EvseAddress, EvseId, IdToken, TransactionId
from agent.vocabulary.inputs import RestartRequested
from agent.vocabulary.moments import Moment
from agent.vocabulary.records import Snapshot, TransactionRecord
from hal.api import Fault, FaultSeen, OutputsOff
from tests.agent.station.driver import CARD, INVALID, PRIMARY, WALL, Driver


def charging(end: Callable[[Driver], object]) -> Callable[[], Driver]:
    """A session that is charging until `end`."""

    def told() -> Driver:
        driver = Driver()
        driver.charge()
        driver.acknowledge_start(PRIMARY, "7")
        end(driver)
        driver.finish()
        return driver

    return told


def died(same_boot: bool) -> Callable[[], Driver]:
    """A session that nobody ended: the power, or the agent, was gone."""

    def told() -> Driver:
        record = TransactionRecord(
            TransactionId("t"),
            EvseAddress(EvseId(1), ConnectorId(1)),
            IdToken(CARD),
            PRIMARY,
            Moment(1, 0, WALL),
            990,
            Trigger.AUTHORIZED,
            last_at=Moment(1, 5000, WALL + 5000),
            last_energy_wh=1000,
            told=(MANAGEMENT, PRIMARY),
        )
        driver = Driver(snapshot=Snapshot(1 if same_boot else 2, same_boot, open_transactions=(record,)), ready=False)
        driver.pilot("B")
        driver.give(OutputsOff(1))
        driver.answer_meter()
        return driver

    return told


CASES: Mapping[StopReason, Callable[[], Driver]] = {
    StopReason.DE_AUTHORIZED: charging(lambda driver: driver.acknowledge_start(PRIMARY, "7", INVALID)),
    StopReason.EMERGENCY_STOP: charging(lambda driver: driver.give(FaultSeen(None, Fault.EMERGENCY_STOP, True))),
    StopReason.EV_DISCONNECTED: charging(lambda driver: driver.unplug()),
    StopReason.HARD_RESET: charging(lambda driver: driver.command(PRIMARY, Reset(True))),
    StopReason.LOCAL: charging(lambda driver: driver.card()),
    StopReason.OTHER: charging(lambda driver: driver.give(FaultSeen(1, Fault.RESIDUAL_CURRENT, True))),
    StopReason.POWER_LOSS: died(same_boot=False),
    StopReason.REBOOT: died(same_boot=True),
    StopReason.REMOTE: charging(lambda driver: driver.command(PRIMARY, RemoteStop("7"))),
    StopReason.SOFT_RESET: charging(lambda driver: driver.command(PRIMARY, Reset(False))),
    StopReason.UNLOCK_COMMAND: charging(lambda driver: driver.command(PRIMARY, Unlock(ConnectorId(1)))),
}


def test_every_reason_has_its_case() -> None:
    assert set(CASES) == set(StopReason)


@pytest.mark.rule("ocpp16.X13")
@pytest.mark.rule("ocpp16.X70")
@pytest.mark.rule("ocpp16.X71")
@pytest.mark.rule("ocpp16.X75")
@pytest.mark.rule("ocpp16.X77")
@pytest.mark.parametrize("reason", CASES)
def test_each_upstream_is_told_the_reason_once(reason: StopReason) -> None:
    driver = CASES[reason]()
    for upstream in (MANAGEMENT, PRIMARY):
        stops = [row.event for row in driver.rows(upstream) if type(row.event).__name__ == "TransactionStopped"]
        assert [stop.reason for stop in stops] == [reason]


def test_our_own_restart_is_a_reboot() -> None:
    driver = charging(lambda one: one.give(RestartRequested(reboot_system=False)))()
    assert driver.rows(PRIMARY)[-1].event.reason is StopReason.REBOOT


def test_the_first_reason_counts() -> None:
    driver = Driver()
    driver.charge()
    driver.acknowledge_start(PRIMARY, "7")
    driver.card()
    driver.command(PRIMARY, Reset(False))
    driver.give(FaultSeen(None, Fault.EMERGENCY_STOP, True))
    driver.finish()
    assert driver.rows(PRIMARY)[-1].event.reason is StopReason.LOCAL
