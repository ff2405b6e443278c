"""A transaction of a former life: resumed where nothing contradicts it, else closed with what is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.station.evse.recovery import Found, decide
from agent.vocabulary import effects as fx
from agent.vocabulary.commands import RemoteStop, ResultStatus
from agent.vocabulary.events import StopReason, TransactionSampled, TransactionStopped, Trigger
from agent.vocabulary.ids import MANAGEMENT, ConnectorId, EvseAddress, EvseId, IdToken, TransactionId, UpstreamId
from agent.vocabulary.inputs import MessageAcknowledged
from agent.vocabulary.moments import Moment
from agent.vocabulary.options import AfterPowerLoss
from agent.vocabulary.records import SaveTransaction, Snapshot, TransactionRecord
from hal.api import CableSeen, ContactorSeen, Fault, LockConfirmation, LockSeen, OutputsOff
from tests.agent.station.driver import ACCEPTED, CARD, PRIMARY, SOCKET, WALL, Driver, connector

THEN = Moment(1, 500_000, WALL - 60_000)
RECORD = TransactionRecord(
    TransactionId("former"),
    EvseAddress(EvseId(1), ConnectorId(1)),
    IdToken(CARD),
    PRIMARY,
    Moment(1, 400_000, WALL - 160_000),
    1000,
    Trigger.AUTHORIZED,
    last_at=THEN,
    last_energy_wh=1500,
)
FOUND = Found(
    now=Moment(2, 10_000, WALL),
    same_boot=False,
    restart_reason=None,
    register_wh=1510,
    plugged=True,
    lock_holds=True,
    authorities=frozenset({PRIMARY}),
    policy=AfterPowerLoss.RESUME,
    resume_gap_s=600,
    maximum_current_a=32,
    phases=3,
)


def snapshot(record: TransactionRecord = RECORD, **more: Any) -> Snapshot:
    return Snapshot(2, more.pop("same_boot", False), open_transactions=(record,), **more)


def stops(driver: Driver, upstream: UpstreamId = PRIMARY) -> list[TransactionStopped]:
    return [row.event for row in driver.rows(upstream) if isinstance(row.event, TransactionStopped)]


def boot(driver: Driver, letter: str = "B", locked: bool = True) -> None:
    driver.give(OutputsOff(1))
    driver.give(ContactorSeen(1, False))
    driver.give(LockSeen(1, locked))
    driver.pilot(letter)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"policy": AfterPowerLoss.STOP}, "set to stop"),
        ({"restart_reason": StopReason.SOFT_RESET}, "reset"),
        ({"authorities": frozenset({MANAGEMENT})}, "another upstream"),
        ({"register_wh": 1499}, "register"),
        ({"register_wh": 9000}, "register"),
        ({"register_wh": None}, "register"),
        ({"plugged": False}, "cable"),
        ({"lock_holds": False}, "lock"),
        ({"now": Moment(2, 10_000, None)}, "gap is not known"),
        ({"now": Moment(2, 10_000, WALL + 541_000)}, "too long"),
        ({"startable": False}, "cannot start"),
    ],
)
@pytest.mark.rule("product.N2")
def test_each_thing_that_speaks_against_resuming(change: dict[str, Any], why: str) -> None:
    assert decide(RECORD, FOUND).resume
    outcome = decide(RECORD, replace(FOUND, **change))
    assert not outcome.resume
    assert why in outcome.why


@pytest.mark.parametrize("change", [{"stop_reason": StopReason.LOCAL}, {"invalidated": True}])
def test_what_was_ending_or_invalid_is_not_resumed(change: dict[str, Any]) -> None:
    assert not decide(replace(RECORD, **change), FOUND).resume


@pytest.mark.parametrize(
    ("record", "found", "reason"),
    [
        ({}, {}, StopReason.POWER_LOSS),
        ({}, {"same_boot": True}, StopReason.REBOOT),
        ({}, {"restart_reason": StopReason.HARD_RESET}, StopReason.HARD_RESET),
        ({"stop_reason": StopReason.REMOTE}, {}, StopReason.REMOTE),
    ],
)
@pytest.mark.rule("ocpp16.X75")
@pytest.mark.rule("ocpp16.X77")
def test_the_reason(record: dict[str, Any], found: dict[str, Any], reason: StopReason) -> None:
    stopped = replace(FOUND, policy=AfterPowerLoss.STOP, **found)
    assert decide(replace(RECORD, **record), stopped).reason is reason


@pytest.mark.rule("ocpp16.X76")
def test_stop_is_the_default_with_the_present_register_behind_the_unsent_start() -> None:
    driver = Driver(snapshot=snapshot(), ready=False)
    assert isinstance(driver.log[0], fx.SwitchAllOff)
    boot(driver)
    driver.energy[1] = 1504
    driver.answer_meter()
    for upstream in (MANAGEMENT, PRIMARY):
        (stop,) = stops(driver, upstream)
        assert (stop.meter_stop_wh, stop.reason, stop.last_reading_estimated) == (1504, StopReason.POWER_LOSS, False)
    assert not driver.all(fx.Offer)


@pytest.mark.rule("ocpp16.X76")
def test_an_implausible_register_or_none_closes_with_the_last_stored() -> None:
    for energy in (1400, 99_000, None):
        driver = Driver(snapshot=snapshot(), ready=False)
        boot(driver)
        if energy is None:
            driver.pass_time(5.1, meter=False)
        else:
            driver.energy[1] = energy
            driver.answer_meter()
        (stop,) = stops(driver)
        assert (stop.meter_stop_wh, stop.last_reading_estimated, stop.at) == (1500, True, THEN)


@pytest.mark.rule("ocpp16.X74")
@pytest.mark.parametrize(("letter", "state"), [("B", "finished"), ("A", "free")])
def test_with_the_cable_in_the_connector_is_finishing(letter: str, state: str) -> None:
    driver = Driver(snapshot=snapshot(), ready=False)
    boot(driver, letter)
    driver.answer_meter()
    assert driver.state() == state
    assert driver.told()[-1].finishing is (letter == "B")


@pytest.mark.rule("product.N2")
def test_resume_locks_again_offers_again_and_starts_nothing_new() -> None:
    driver = Driver(snapshot=snapshot(), ready=False, after_power_loss=AfterPowerLoss.RESUME)
    boot(driver)
    driver.give(CableSeen(1, 20))
    driver.energy[1] = 1505
    driver.answer_meter()
    assert driver.state() == "running"
    assert driver.one(fx.Record).barrier
    assert driver.one(fx.Offer).current_a == 20
    assert [type(row.event) for row in driver.rows(PRIMARY)] == [TransactionSampled] * 2  # around the interruption
    driver.pilot("C", True)
    driver.contactor(True)
    driver.card()
    driver.energy[1] = 1700
    driver.finish()
    (stop,) = stops(driver)
    assert (stop.transaction, stop.meter_stop_wh) == ("former", 1700)


@pytest.mark.rule("ocpp16.X75")
@pytest.mark.parametrize(("same_boot", "resumes"), [(False, False), (True, True)])
def test_a_captive_cable_is_resumed_only_if_the_system_did_not_go_down(same_boot: bool, resumes: bool) -> None:
    known = replace(snapshot(), same_boot=same_boot)
    captive = connector(captive_cable=True)
    driver = Driver([captive], snapshot=known, ready=False, after_power_loss=AfterPowerLoss.RESUME)
    boot(driver)
    driver.give(CableSeen(1, 20))
    driver.energy[1] = 1505
    driver.answer_meter()
    assert (driver.state() == "running") is resumes
    assert bool(driver.all(fx.Offer)) is resumes


def test_a_yes_before_the_decision_lifts_the_energy_cap() -> None:
    known = snapshot(replace(RECORD, energy_cap_wh=1))
    driver = Driver(snapshot=known, ready=False, after_power_loss=AfterPowerLoss.RESUME)
    driver.give(MessageAcknowledged(PRIMARY, "m1", TransactionId("former"), "9", ACCEPTED))
    boot(driver)
    driver.give(CableSeen(1, 20))
    driver.energy[1] = 1505
    driver.answer_meter()
    assert driver.state() == "running"
    assert driver.entries(SaveTransaction)[-1].transaction.energy_cap_wh is None
    assert driver.one(fx.Offer).current_a == 20


def test_resume_with_the_lock_open_stops_instead() -> None:
    driver = Driver(snapshot=snapshot(), ready=False, after_power_loss=AfterPowerLoss.RESUME)
    boot(driver, locked=False)
    driver.answer_meter()
    assert stops(driver)[0].reason is StopReason.POWER_LOSS


def test_a_remote_stop_before_the_decision_is_obeyed() -> None:
    known = snapshot(foreign_ids=((PRIMARY, TransactionId("former"), "9"),))
    driver = Driver(snapshot=known, ready=False, after_power_loss=AfterPowerLoss.RESUME)
    result = driver.command(PRIMARY, RemoteStop("9"))
    assert result is not None
    assert result.status is ResultStatus.ACCEPTED
    assert driver.entries(SaveTransaction, driver.last)[0].transaction.stop_reason is StopReason.REMOTE
    boot(driver)
    driver.answer_meter()
    assert stops(driver)[0].reason is StopReason.REMOTE


def test_a_transaction_whose_connector_is_gone_is_closed_at_once() -> None:
    record = replace(RECORD, where=EvseAddress(EvseId(7), ConnectorId(7)))
    driver = Driver(snapshot=snapshot(record), ready=False)
    assert stops(driver)[0].meter_stop_wh == 1500


@pytest.mark.rule("two-upstreams.TU03")
@pytest.mark.rule("product.A11")
def test_the_stop_goes_to_a_pinned_authority_that_is_not_configured_any_more() -> None:
    record = replace(RECORD, authority=UpstreamId("former-operator"))
    driver = Driver(snapshot=snapshot(record), ready=False)
    boot(driver)
    driver.answer_meter()
    assert len(stops(driver, UpstreamId("former-operator"))) == 1


def test_an_upstream_that_came_later_sees_nothing_of_it() -> None:
    record = replace(RECORD, authority=MANAGEMENT, told=(MANAGEMENT,))
    driver = Driver(snapshot=snapshot(record), ready=False)
    boot(driver)
    driver.answer_meter()
    assert len(stops(driver, MANAGEMENT)) == 1
    assert driver.rows(PRIMARY) == []


@pytest.mark.parametrize("letter", ["A", "B"])
def test_a_lock_that_a_former_life_left_engaged_lets_go(letter: str) -> None:
    driver = Driver(ready=False)
    driver.give(OutputsOff(1))
    driver.give(LockSeen(1, True))
    driver.pilot(letter)
    assert not driver.all(fx.DriveLock), "the contactor was not seen open yet"
    driver.give(ContactorSeen(1, False))
    assert driver.one(fx.DriveLock) == fx.DriveLock(1, False)


def test_a_lock_that_does_not_let_go_is_a_fault_and_is_left_alone() -> None:
    driver = Driver(ready=False)
    boot(driver, "A", locked=True)
    driver.pass_time(60)
    assert driver.all(fx.DriveLock) == [fx.DriveLock(1, False)]
    assert driver.told()[-1].fault is Fault.LOCK


@pytest.mark.rule("INV-6")
def test_a_cable_is_let_go_though_its_board_has_forgotten_that_it_locked_it() -> None:
    forgetful = connector(capabilities=replace(SOCKET, lock=LockConfirmation.NO_FAULT_AFTER_MS))
    driver = Driver([forgetful], snapshot=snapshot(), ready=False)
    boot(driver, locked=False)
    driver.answer_meter()
    assert len(stops(driver)) == 1
    assert driver.log.count(fx.DriveLock(1, False)) == 1
