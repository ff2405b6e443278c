"""A cable that is held after its session: for whom, and over deaths of the agent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.vocabulary import effects as fx
from agent.vocabulary.commands import RemoteStart, ResultStatus, Unlock
from agent.vocabulary.events import StopReason, Trigger
from agent.vocabulary.ids import ConnectorId, EvseAddress, EvseId, IdToken, TransactionId
from agent.vocabulary.moments import Moment
from agent.vocabulary.records import SaveKeptCable, Snapshot, TransactionRecord
from hal.api import CableSeen, LockConfirmation, OutputsOff
from tests.agent.station.driver import (
    ACCEPTED,
    CARD,
    INVALID,
    OTHER_CARD,
    PRIMARY,
    SOCKET,
    WALL,
    Driver,
    connector,
    two_upstreams,
)

ONE = ConnectorId(1)
FAMILY = IdToken("FAMILY")
KEPT = SaveKeptCable(ONE, IdToken(CARD), FAMILY, "DeAuthorized", PRIMARY)
UNLOCKED = fx.DriveLock(ONE, False)


def next_life(*kept: SaveKeptCable, **more: object) -> Driver:
    driver = Driver(snapshot=Snapshot(2, False, kept_cables=kept), ready=False, **more)  # type: ignore[arg-type]
    driver.pilot("B")
    driver.contactor(False)
    driver.locked()
    driver.give(OutputsOff(1))
    return driver


@pytest.mark.rule("ocpp16.X06")
def test_it_is_stored_with_the_stop_and_forgotten_when_its_card_comes() -> None:
    driver = Driver()
    driver.charge()
    driver.acknowledge_start(PRIMARY, "1", replace(INVALID, parent=FAMILY))
    driver.finish()
    record = driver.one(fx.Record)
    assert KEPT in record.entries
    assert record.barrier
    driver.card()
    assert driver.entries(SaveKeptCable)[-1] == SaveKeptCable(ONE, None)


@pytest.mark.rule("ocpp16.X06")
@pytest.mark.parametrize("lock", [LockConfirmation.POSITION, LockConfirmation.READBACK])
def test_the_next_life_holds_it_until_its_card_comes(lock: LockConfirmation) -> None:
    driver = next_life(KEPT, connectors=[connector(capabilities=replace(SOCKET, lock=lock))])
    driver.pass_time(200)
    assert UNLOCKED not in driver.log
    assert driver.told()[-1].finishing
    assert driver.station.overview(driver.now).connectors[0].why_locked == "DeAuthorized"
    result = driver.command(PRIMARY, RemoteStart(IdToken(OTHER_CARD)))
    assert result is not None
    assert result.status is ResultStatus.REJECTED
    driver.card(OTHER_CARD)
    driver.verdict(ACCEPTED)
    assert UNLOCKED not in driver.log
    driver.card()
    assert UNLOCKED in driver.last


@pytest.mark.rule("ocpp16.X06")
def test_a_lock_that_may_have_let_go_is_driven_home_while_its_cable_is_there() -> None:
    unsensed = connector(capabilities=replace(SOCKET, lock=LockConfirmation.NO_FAULT_AFTER_MS))
    driver = next_life(KEPT, connectors=[unsensed])
    assert driver.all(fx.DriveLock) == [fx.DriveLock(ONE, True)]
    driver.locked(False)  # what it was before it moved
    assert driver.told()[-1].finishing
    assert next_life(KEPT).all(fx.DriveLock) == []  # with a sensor there is no doubt


@pytest.mark.rule("ocpp16.X06")
@pytest.mark.parametrize("cable", [None, 20])
def test_a_cable_that_has_gone_meanwhile_is_held_for_nobody(cable: int | None) -> None:
    unsensed = connector(capabilities=replace(SOCKET, lock=LockConfirmation.NO_FAULT_AFTER_MS))
    driver = Driver([unsensed], snapshot=Snapshot(2, False, kept_cables=(KEPT,)), ready=False)
    driver.pilot("A")
    driver.contactor(False)
    driver.locked(False)
    driver.pass_time(2)
    driver.give(CableSeen(1, cable))
    driver.pass_time(10)
    assert driver.all(fx.DriveLock) == [fx.DriveLock(ONE, cable is not None)]
    assert driver.told()[-1].finishing is (cable is not None)


@pytest.mark.rule("ocpp16.X06")
def test_the_next_life_lets_a_relative_have_it() -> None:
    driver = next_life(KEPT)
    driver.card(OTHER_CARD)
    driver.verdict(replace(ACCEPTED, parent=FAMILY))
    assert UNLOCKED in driver.last


@pytest.mark.rule("ocpp16.X06")
@pytest.mark.rule("ocpp16.X50")
def test_an_unlock_by_command_lets_it_go_for_good() -> None:
    driver = next_life(KEPT)
    driver.command(PRIMARY, Unlock(ONE))
    assert UNLOCKED in driver.log
    assert driver.entries(SaveKeptCable)[-1].token is None


@pytest.mark.rule("ocpp16.X06")
def test_a_lock_that_is_open_holds_nothing() -> None:
    driver = Driver(snapshot=Snapshot(2, False, kept_cables=(KEPT,)), ready=False)
    driver.hardware_ready()
    assert driver.entries(SaveKeptCable) == [SaveKeptCable(ONE, None)]
    driver.plug()
    assert not driver.told()[-1].finishing


@pytest.mark.rule("ocpp16.X06")
def test_a_captive_cable_is_never_held() -> None:
    captive = connector(capabilities=replace(SOCKET, lock=None), captive_cable=True)
    driver = next_life(KEPT, connectors=[captive])
    assert driver.station.overview(driver.now).connectors[0].why_locked == ""


def interrupted(reason: StopReason) -> Snapshot:
    record = TransactionRecord(
        TransactionId("t"),
        EvseAddress(EvseId(1), ONE),
        IdToken(CARD),
        PRIMARY,
        Moment(1, 0, WALL),
        990,
        Trigger.AUTHORIZED,
        parent=FAMILY,
        last_at=Moment(1, 5000, WALL + 5000),
        last_energy_wh=1000,
        stop_reason=reason,
        told=(PRIMARY,),
    )
    return Snapshot(2, False, open_transactions=(record,))


@pytest.mark.rule("ocpp16.X06")
@pytest.mark.rule("ocpp16.X50")
@pytest.mark.parametrize(
    ("reason", "unlock", "held"),
    [
        (StopReason.DE_AUTHORIZED, True, True),
        (StopReason.EV_DISCONNECTED, False, True),
        (StopReason.EV_DISCONNECTED, True, False),
        (StopReason.LOCAL, False, False),
    ],
)
def test_an_end_that_the_power_cut_interrupted_holds_it_all_the_same(
    reason: StopReason, unlock: bool, held: bool
) -> None:
    options = two_upstreams(unlock_on_ev_disconnect=unlock)
    driver = Driver(snapshot=interrupted(reason), ready=False, upstreams=options)
    driver.pilot("B")
    driver.contactor(False)
    driver.locked()
    driver.give(OutputsOff(1))
    driver.answer_meter()
    assert driver.rows(PRIMARY)[-1].event.reason is reason
    driver.pass_time(5)
    assert (UNLOCKED not in driver.log) is held
    assert bool(driver.entries(SaveKeptCable)) is held
