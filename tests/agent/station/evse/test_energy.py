"""Offer, stop order, faults, weld, over-current: what power does and when the cable is let go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.vocabulary import effects as fx
from agent.vocabulary.commands import Unlock
from agent.vocabulary.events import ChargingState, StopReason, TransactionStopped
from agent.vocabulary.ids import MANAGEMENT, ConnectorId
from agent.vocabulary.inputs import LatchCleared
from agent.vocabulary.records import SaveLatch, SaveTransaction, Snapshot
from hal.api import (
    CableSeen,
    Capabilities,
    ContactorFeedback,
    ContactorKind,
    ContactorSeen,
    Fault,
    FaultSeen,
    OutputsOff,
)
from tests.agent.station.driver import PRIMARY, SOCKET, Driver, connector, two_upstreams

CONCLUDING = replace(SOCKET, contactor_feedback=ContactorFeedback.STATE)
COMMANDED = replace(SOCKET, contactor=ContactorKind.COMMANDED, lock=None, cable_rating=False)


def stops(driver: Driver) -> list[TransactionStopped]:
    return [row.event for row in driver.rows(PRIMARY) if isinstance(row.event, TransactionStopped)]


# ------------------------------------------------------------------------------------------------------- start


def test_no_lock_no_start_and_a_fault() -> None:
    driver = Driver()
    driver.plug()
    driver.card()
    driver.verdict()
    driver.pass_time(11)
    assert not driver.all(fx.Offer)
    assert driver.told()[-1].fault is Fault.LOCK
    assert driver.state() == "finished"
    driver.unplug()
    assert driver.told()[-1].fault is None


def test_no_reading_no_start_and_the_reason_is_noted() -> None:
    driver = Driver()
    driver.plug()
    driver.card()
    driver.verdict()
    driver.locked()
    driver.pass_time(6, meter=False)
    assert driver.state() == "finished"
    assert not driver.entries(SaveTransaction)
    assert "the meter did not answer in time" in [note.text for note in driver.all(fx.Note)]
    assert driver.all(fx.DriveLock)[-1] == fx.DriveLock(1, False)


def test_a_contactor_that_is_not_seen_open_stops_the_start() -> None:
    driver = Driver()
    driver.plug()
    driver.give(ContactorSeen(1, True))
    driver.card()
    driver.verdict()
    driver.locked()
    assert not driver.all(fx.ReadMeter)
    assert not driver.all(fx.Offer)


def test_nothing_starts_while_the_outputs_are_not_confirmed_off() -> None:
    driver = Driver(ready=False)
    driver.give(ContactorSeen(1, False))
    driver.plug()
    driver.card()
    assert not driver.all(fx.Ask)
    assert isinstance(driver.log[0], fx.SwitchAllOff)
    driver.give(OutputsOff(1))
    driver.card()
    assert driver.all(fx.Ask)


def test_b_is_enough_and_a_waiting_car_has_its_transaction() -> None:
    driver = Driver()
    driver.start_session()
    driver.pilot("B", True)
    assert driver.state() == "running"
    assert driver.told()[-1].charging is ChargingState.SUSPENDED_EV
    assert not driver.told()[-1].has_charged
    driver.pilot("C", True)
    driver.contactor(True)
    assert driver.told()[-1].has_charged


def test_an_unknown_cable_offers_nothing_until_it_is_known() -> None:
    driver = Driver()
    driver.plug(rating=None)
    driver.card()
    driver.verdict()
    driver.locked()
    driver.answer_meter()
    assert driver.state() == "running"
    assert not driver.all(fx.Offer)
    driver.give(CableSeen(1, 13))
    assert driver.one(fx.Offer).current_a == 13


def test_a_commanded_contactor_closes_only_in_c_with_pwm_and_seen_open() -> None:
    driver = Driver([connector(1, COMMANDED, captive_cable=True)])
    driver.plug()
    driver.card()
    driver.verdict()
    driver.answer_meter()
    assert driver.one(fx.Offer)
    driver.pilot("C", False)
    assert not driver.all(fx.CloseContactor)
    driver.pilot("C", True)
    assert driver.one(fx.CloseContactor).grant == driver.all(fx.Offer)[-1].grant


def test_a_commanded_contactor_opens_when_the_car_leaves_c_and_closes_again_later() -> None:
    driver = Driver([connector(1, COMMANDED, captive_cable=True)])
    driver.charge()
    driver.current[1] = 0
    driver.pilot("B", True)
    assert driver.one(fx.OpenContactor)
    driver.contactor(False)
    driver.pass_time(5.1)
    assert len(driver.all(fx.Offer)) == 2
    driver.pilot("C", True)
    assert len(driver.all(fx.CloseContactor)) == 2
    assert driver.all(fx.CloseContactor)[1].grant > driver.all(fx.CloseContactor)[0].grant


# -------------------------------------------------------------------------------------------------------- stop


def test_the_contactor_opens_under_load_after_the_grace() -> None:
    driver = Driver()
    driver.charge()
    driver.card()
    assert driver.one(fx.Withdraw)
    driver.pass_time(5.9)
    assert not driver.all(fx.OpenContactor)
    driver.pass_time(0.2)
    assert len(driver.all(fx.OpenContactor)) == 1


def test_the_contactor_is_opened_at_once_when_nothing_flows_any_more() -> None:
    driver = Driver()
    driver.charge()
    driver.card()
    driver.current[1] = 0.4
    driver.meter()
    assert driver.one(fx.OpenContactor)


def test_the_cable_is_let_go_only_after_the_contactor_was_seen_open_and_no_current() -> None:
    driver = Driver()
    driver.charge()
    driver.card()
    driver.contactor(False)
    driver.pilot("B")
    assert fx.DriveLock(1, False) not in driver.log, "16 A were measured last"
    driver.current[1] = 0
    driver.meter()
    assert fx.DriveLock(1, False) not in driver.log, "the final reading comes first"
    driver.answer_meter()
    assert fx.DriveLock(1, False) in driver.last


def test_a_board_that_only_concludes_lets_the_cable_go_when_its_car_has_left_c() -> None:
    driver = Driver([connector(1, CONCLUDING)])
    driver.charge()
    driver.card()
    driver.contactor(False)  # PWM is off: that is all this board can say
    driver.current[1] = 0.0
    driver.meter()
    assert fx.DriveLock(1, False) not in driver.log
    driver.pilot("B")
    driver.answer_meter()
    assert driver.log.count(fx.DriveLock(1, False)) == 1


@pytest.mark.parametrize(("leaves_s", "opened_s"), [(0.8, 1.8), (None, 7.0)])
def test_with_no_meter_either_the_cable_waits_for_the_board(leaves_s: float | None, opened_s: float) -> None:
    driver = Driver([connector(1, CONCLUDING)])
    driver.charge()
    driver.give(FaultSeen(1, Fault.METER_OFFLINE, True))
    driver.pass_time(20, meter=False)
    driver.card()
    driver.contactor(False)
    if leaves_s is not None:
        driver.pass_time(leaves_s, meter=False)
        driver.pilot("B")
    driver.pass_time(opened_s - (leaves_s or 0) - 0.1, meter=False)
    assert fx.DriveLock(1, False) not in driver.log
    driver.pass_time(0.2, meter=False)
    assert fx.DriveLock(1, False) in driver.log


def test_a_silent_meter_closes_with_the_last_sample_marked() -> None:
    driver = Driver()
    driver.charge()
    driver.energy[1] = 1700
    driver.meter()
    driver.card()
    driver.current[1] = 0
    driver.pilot("B")
    driver.contactor(False)
    driver.meter()
    driver.pass_time(5.1, meter=False)
    (stop,) = stops(driver)
    assert stop.last_reading_estimated
    assert stop.meter_stop_wh == 1700


@pytest.mark.rule("product.E11")
def test_unplugging_ends_the_transaction_and_frees_the_connector() -> None:
    driver = Driver([connector(1, replace(SOCKET, lock=None), captive_cable=True)])
    driver.plug()
    driver.card()
    driver.verdict()
    driver.answer_meter()
    driver.unplug()
    assert driver.one(fx.Withdraw)
    driver.answer_meter()
    assert stops(driver)[0].reason is StopReason.EV_DISCONNECTED
    assert driver.state() == "free"
    assert driver.told()[-1].finishing is False


@pytest.mark.rule("ocpp16.X51")
def test_unplugging_may_suspend_instead() -> None:
    driver = Driver(upstreams=two_upstreams(stop_on_ev_disconnect=False))
    driver.charge()
    driver.unplug()
    driver.contactor(False)
    driver.current[1] = 0
    driver.meter()
    assert driver.state() == "running"
    assert driver.one(fx.Withdraw, driver.log)
    assert driver.told()[-1].charging is ChargingState.SUSPENDED_EV
    driver.plug()
    driver.pass_time(6)
    assert len(driver.all(fx.Offer)) == 2


@pytest.mark.rule("ocpp16.X50")
def test_the_cable_may_stay_locked_after_the_car_left() -> None:
    driver = Driver(upstreams=two_upstreams(unlock_on_ev_disconnect=False))
    driver.charge()
    driver.current[1] = 0
    driver.unplug()
    driver.contactor(False)
    driver.meter()
    driver.answer_meter()
    assert driver.state() == "free"
    assert driver.told()[-1].finishing
    driver.pass_time(20)
    assert fx.DriveLock(1, False) not in driver.log
    driver.card()
    assert fx.DriveLock(1, False) in driver.last


# ------------------------------------------------------------------------------------------------------ faults


def test_a_fault_opens_at_once_and_ends_the_transaction() -> None:
    driver = Driver()
    driver.charge()
    effects = driver.give(FaultSeen(1, Fault.RESIDUAL_CURRENT, True))
    assert isinstance(effects[0], fx.OpenContactor | fx.Note)
    assert driver.one(fx.OpenContactor)
    driver.finish()
    assert stops(driver)[0].reason is StopReason.OTHER


def test_an_emergency_stop_ends_every_transaction_with_its_reason() -> None:
    driver = Driver([connector(1), connector(2)])
    driver.charge(1)
    driver.charge(2, "04000002")
    driver.give(FaultSeen(None, Fault.EMERGENCY_STOP, True))
    assert {e.connector for e in driver.all(fx.OpenContactor, driver.last)} == {1, 2}
    driver.finish(1)
    assert stops(driver)[0].reason is StopReason.EMERGENCY_STOP


def test_a_passing_fault_pauses_and_the_transaction_goes_on() -> None:
    driver = Driver()
    driver.charge()
    driver.give(FaultSeen(1, Fault.OVER_TEMPERATURE, True))
    assert driver.one(fx.OpenContactor)
    assert driver.told()[-1].fault is Fault.OVER_TEMPERATURE
    driver.current[1] = 0
    driver.contactor(False)
    driver.pilot("B")
    driver.pass_time(10)
    driver.give(FaultSeen(1, Fault.OVER_TEMPERATURE, False))
    assert driver.told()[-1].fault is None
    assert len(driver.all(fx.Offer)) == 2
    assert driver.state() == "running"


def test_a_pilot_out_of_order_is_held_for_two_seconds_after_it_is_well_again() -> None:
    driver = Driver()
    driver.plug()
    driver.pilot("E")
    driver.pilot("B")
    driver.pass_time(1.9)
    assert driver.told()[-1].fault is Fault.PILOT
    driver.pass_time(0.2)
    assert driver.told()[-1].fault is None


def test_a_welded_contactor_is_latched_and_keeps_the_cable() -> None:
    driver = Driver()
    driver.charge()
    driver.card()
    driver.pass_time(7.1)
    assert driver.told()[-1].fault is Fault.CONTACTOR_WELDED
    assert SaveLatch(1, Fault.CONTACTOR_WELDED, True) in driver.entries(SaveLatch)
    driver.answer_meter()
    assert len(stops(driver)) == 1
    driver.pass_time(30)
    assert fx.DriveLock(1, False) not in driver.log
    assert driver.station.overview(driver.now).connectors[0].why_locked == "contactor welded"


def test_an_autonomous_board_that_waits_for_its_car_is_not_welded() -> None:
    driver = Driver()
    driver.charge()
    driver.current[1] = 0.0
    driver.meter()
    driver.card()
    assert driver.all(fx.OpenContactor), "nothing flows: opened at once, but this board opens by itself"
    driver.pass_time(2.9)
    driver.pilot("B")
    driver.pass_time(0.9)
    assert driver.told()[-1].fault is None
    driver.pass_time(0.2)
    assert driver.told()[-1].fault is Fault.CONTACTOR_WELDED


def test_current_within_the_grace_of_an_autonomous_board_is_no_weld() -> None:
    driver = Driver()
    driver.charge()
    driver.give(FaultSeen(1, Fault.DIODE, True))
    driver.pass_time(6.9)
    assert not driver.entries(SaveLatch)
    driver.pass_time(0.2)
    assert driver.entries(SaveLatch) == [SaveLatch(1, Fault.CONTACTOR_WELDED, True)]


def test_a_latch_survives_a_restart_until_service_clears_it() -> None:
    driver = Driver(snapshot=Snapshot(2, False, latches=(SaveLatch(1, Fault.CONTACTOR_WELDED, True),)))
    assert driver.told()[-1].fault is Fault.CONTACTOR_WELDED
    driver.plug()
    driver.card()
    assert not driver.all(fx.Ask)
    driver.give(LatchCleared(1))
    assert SaveLatch(1, Fault.CONTACTOR_WELDED, False) in driver.entries(SaveLatch)
    assert driver.told()[-1].fault is None


def test_current_with_everything_off_is_a_weld_after_three_seconds() -> None:
    driver = Driver()
    driver.current[1] = 5
    driver.pass_time(3.5)
    assert driver.told()[-1].fault is None
    driver.pass_time(1)
    assert driver.told()[-1].fault is Fault.CONTACTOR_WELDED


def test_a_commanded_contactor_that_does_not_close_is_stuck() -> None:
    driver = Driver([connector(1, COMMANDED, captive_cable=True)])
    driver.plug()
    driver.card()
    driver.verdict()
    driver.answer_meter()
    driver.pilot("C", True)
    driver.pass_time(0.9)
    assert driver.told()[-1].fault is None
    driver.pass_time(0.2)
    assert driver.told()[-1].fault is Fault.CONTACTOR_STUCK


def test_a_disk_that_holds_the_close_command_back_makes_no_stuck_contactor() -> None:
    driver = Driver([connector(1, COMMANDED, captive_cable=True)])
    driver.plug()
    driver.card()
    driver.verdict()
    driver.disk_works = False
    driver.answer_meter()
    driver.pilot("C", True)
    driver.pass_time(5)
    assert driver.told()[-1].fault is None
    driver.sync()
    driver.pass_time(1.1)
    assert driver.told()[-1].fault is Fault.CONTACTOR_STUCK


def test_a_contactor_that_closes_before_the_offer_is_out_is_opened() -> None:
    driver = Driver()
    driver.plug()
    driver.card()
    driver.verdict()
    driver.locked()
    driver.disk_works = False
    driver.answer_meter()
    driver.contactor(True)
    assert driver.one(fx.OpenContactor).grant > driver.all(fx.Offer)[-1].grant


def test_over_current_is_found_after_seven_seconds_and_ends_the_transaction() -> None:
    driver = Driver()
    driver.charge()
    driver.current[1] = 22.4
    driver.pass_time(20)
    assert driver.state() == "running"
    driver.current[1] = 22.6
    driver.pass_time(8)
    assert driver.state() == "running"
    driver.pass_time(1)
    assert driver.told()[-1].fault is Fault.OVER_CURRENT
    assert driver.state() == "stopping"


# ------------------------------------------------------------------------------------------------------ limits


def test_a_lower_limit_goes_at_once_and_a_higher_one_waits() -> None:
    driver = Driver()
    driver.charge()
    driver.give(CableSeen(1, 13))
    assert driver.one(fx.Lower) == fx.Lower(1, 13.0, driver.all(fx.Offer)[-1].grant)
    driver.give(CableSeen(1, 32))
    assert not driver.all(fx.Offer, driver.last)
    driver.pass_time(4.9)
    assert len(driver.all(fx.Offer)) == 1
    driver.pass_time(0.2)
    assert driver.all(fx.Offer)[-1].current_a == 32


def test_a_higher_offer_that_the_disk_holds_back_never_comes_out_after_a_reduction() -> None:
    driver = Driver()
    driver.plug(rating=32)
    driver.card()
    driver.verdict()
    driver.locked()
    driver.disk_works = False
    held = driver.one(fx.Offer, driver.answer_meter())
    driver.give(CableSeen(1, 13))
    assert driver.one(fx.Withdraw).grant > held.grant
    assert driver.one(fx.Offer).current_a == 13


def test_a_reduction_is_given_time_before_over_current_counts() -> None:
    driver = Driver()
    driver.charge()
    driver.current[1] = 20
    driver.give(CableSeen(1, 13))
    driver.pass_time(6 + 7)
    assert driver.state() == "running"
    driver.pass_time(3)
    assert driver.state() == "stopping"


# ---------------------------------------------------------------------------------------- controller and meter


def test_a_silent_controller_withdraws_but_does_not_close_the_transaction() -> None:
    driver = Driver()
    driver.charge()
    driver.give(FaultSeen(1, Fault.CONTROLLER_OFFLINE, True))
    assert driver.one(fx.Withdraw)
    driver.pass_time(59)
    assert driver.state() == "running"
    driver.give(FaultSeen(1, Fault.CONTROLLER_OFFLINE, False))
    assert driver.one(fx.OpenContactor)
    driver.current[1] = 0
    driver.contactor(False)
    driver.pass_time(6)
    assert len(driver.all(fx.Offer)) == 2


def test_a_controller_that_stays_silent_ends_it_after_a_minute() -> None:
    driver = Driver()
    driver.charge()
    driver.give(FaultSeen(1, Fault.CONTROLLER_OFFLINE, True))
    driver.pass_time(61)
    assert driver.state() == "stopping"
    driver.pass_time(25)
    assert len(stops(driver)) == 1


def test_a_silent_meter_warns_then_ends_the_running_transaction() -> None:
    driver = Driver()
    driver.charge()
    driver.give(FaultSeen(1, Fault.METER_OFFLINE, True))
    assert (driver.told()[-1].fault, driver.told()[-1].warning) == (None, Fault.METER_OFFLINE)
    driver.pass_time(59, meter=False)
    assert driver.state() == "running"
    driver.pass_time(2, meter=False)
    assert driver.state() == "stopping"
    driver.contactor(False)
    driver.pass_time(8, meter=False)
    driver.locked(False)
    assert stops(driver)[0].last_reading_estimated
    assert driver.told()[-1].fault is Fault.METER_OFFLINE


def test_a_silent_meter_may_end_it_at_once() -> None:
    driver = Driver(stop_on_meter_fault=True)
    driver.charge()
    driver.give(FaultSeen(1, Fault.METER_OFFLINE, True))
    assert driver.state() == "stopping"


def test_no_new_transaction_while_the_meter_is_silent() -> None:
    driver = Driver()
    driver.give(FaultSeen(1, Fault.METER_OFFLINE, True))
    driver.plug()
    driver.card()
    assert not driver.all(fx.Ask)
    driver.give(FaultSeen(1, Fault.METER_OFFLINE, False))
    driver.card()
    assert driver.all(fx.Ask)


# -------------------------------------------------------------------------------- what hardware does by itself


@pytest.mark.rule("INV-4")
@pytest.mark.parametrize("capabilities", [SOCKET, CONCLUDING, COMMANDED])
def test_a_contactor_that_closes_by_itself_after_a_session_is_opened_again(capabilities: Capabilities) -> None:
    driver = Driver([connector(1, capabilities)])
    driver.charge()
    driver.give(FaultSeen(1, Fault.RESIDUAL_CURRENT, True))
    driver.finish()
    driver.give(FaultSeen(1, Fault.RESIDUAL_CURRENT, False))
    driver.pass_time(20)
    before = len(driver.all(fx.OpenContactor))
    driver.pilot("C", True)
    driver.contactor(True)
    assert len(driver.all(fx.OpenContactor)) == before + 1
    driver.pass_time(35)
    assert 3 <= len(driver.all(fx.OpenContactor)) - before <= 5, "a board that does not follow is told again"


def test_a_board_that_offers_by_itself_is_told_to_stop() -> None:
    driver = Driver()
    driver.charge()
    driver.card()
    driver.finish()
    driver.pass_time(20)
    before = len(driver.all(fx.OpenContactor))
    driver.pilot("B", True)
    driver.pass_time(11)
    assert len(driver.all(fx.OpenContactor)) > before


@pytest.mark.rule("INV-6")
def test_the_cable_is_kept_while_nobody_can_see_the_board() -> None:
    driver = Driver()
    driver.start_session()
    driver.pilot("B", True)
    driver.give(FaultSeen(1, Fault.CONTROLLER_OFFLINE, True))
    driver.pass_time(90, meter=False)
    assert len(stops(driver)) == 1
    assert driver.command(PRIMARY, Unlock(ConnectorId(1))) is None
    assert fx.DriveLock(1, False) not in driver.log, "the contactor may have closed meanwhile"
    driver.give(FaultSeen(1, Fault.CONTROLLER_OFFLINE, False))
    driver.pass_time(2, meter=False)
    assert fx.DriveLock(1, False) in driver.log


def test_a_board_that_comes_back_has_not_confirmed_its_outputs_by_that() -> None:
    driver = Driver(ready=False)
    driver.give(ContactorSeen(1, False))
    driver.locked(False)
    driver.pilot("A")
    driver.give(FaultSeen(1, Fault.CONTROLLER_OFFLINE, True))
    driver.give(FaultSeen(1, Fault.CONTROLLER_OFFLINE, False))
    driver.pass_time(10)
    driver.plug()
    driver.card()
    assert not driver.all(fx.Ask)
    driver.give(OutputsOff(1))
    driver.card()
    assert driver.all(fx.Ask)


def test_service_cannot_clear_what_the_board_still_sees() -> None:
    driver = Driver()
    driver.give(FaultSeen(1, Fault.CONTACTOR_WELDED, True, "bit 12"))
    driver.give(LatchCleared(1))
    assert driver.told()[-1].fault is Fault.CONTACTOR_WELDED
    assert SaveLatch(1, Fault.CONTACTOR_WELDED, False) not in driver.entries(SaveLatch)
    driver.give(FaultSeen(1, Fault.CONTACTOR_WELDED, False))
    assert driver.told()[-1].fault is Fault.CONTACTOR_WELDED
    driver.give(LatchCleared(1))
    assert driver.told()[-1].fault is None
    assert SaveLatch(1, Fault.CONTACTOR_WELDED, False) in driver.entries(SaveLatch)


def test_a_lock_fault_of_the_board_stays_until_the_board_clears_it() -> None:
    driver = Driver()
    driver.give(FaultSeen(1, Fault.LOCK, True, "bit 7"))
    driver.plug()
    driver.locked(False)
    driver.unplug()
    driver.pass_time(5)
    assert driver.told()[-1].fault is Fault.LOCK
    driver.give(FaultSeen(1, Fault.LOCK, False))
    assert driver.told()[-1].fault is None


def test_a_reduction_while_the_disk_holds_the_close_command_back_closes_anew() -> None:
    driver = Driver([connector(1, replace(SOCKET, contactor=ContactorKind.COMMANDED))])
    driver.start_session()
    driver.pilot("B", True)
    driver.pass_time(6)
    driver.disk_works = False
    driver.acknowledge_start(MANAGEMENT, "7")
    driver.pilot("C", True)
    driver.give(CableSeen(1, 13))
    driver.sync()
    assert driver.all(fx.CloseContactor)[-1].grant == driver.all(fx.Offer)[-1].grant
    driver.contactor(True)
    driver.pass_time(5)
    assert driver.state() == "running"


@pytest.mark.parametrize("kind", [ContactorFeedback.METER, ContactorFeedback.NONE])
def test_an_old_reading_says_nothing_about_a_contactor_that_was_just_opened(kind: ContactorFeedback) -> None:
    capabilities = replace(SOCKET, contactor=ContactorKind.COMMANDED, contactor_feedback=kind)
    driver = Driver([connector(1, capabilities)])
    driver.start_session()
    driver.pilot("B", True)
    driver.pilot("C", True)
    driver.meter()
    driver.ms += 500
    driver.give(FaultSeen(1, Fault.METER_OFFLINE, True))
    driver.card()
    assert fx.OpenContactor in {type(effect) for effect in driver.last}
    assert fx.DriveLock(1, False) not in driver.log
    driver.pass_time(1.1, meter=False)
    assert fx.DriveLock(1, False) in driver.log


def test_a_current_that_flows_backwards_is_a_current() -> None:
    driver = Driver()
    driver.charge()
    driver.current[1] = -16.0
    driver.meter()
    driver.card()
    driver.contactor(False)
    driver.pass_time(16)
    driver.answer_meter()
    assert fx.DriveLock(1, False) not in driver.log
