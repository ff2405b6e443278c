"""The router and what concerns the station as a whole: storage, deadlines, conditions, lights, overview."""

from __future__ import annotations

import copy

import pytest

from agent.vocabulary import effects as fx
from agent.vocabulary.events import ChargingState
from agent.vocabulary.ids import MANAGEMENT, TransactionId, UpstreamId
from agent.vocabulary.inputs import (
    AuthorizeAnswered,
    LatchCleared,
    MessageAcknowledged,
    MessageFailed,
    RecordFailed,
    Registration,
    ReofferRequested,
    Synced,
    Tick,
    UpstreamChanged,
    WallTimeFixed,
)
from agent.vocabulary.records import Acknowledge, CountAttempt, FixWallTime, Park
from agent.vocabulary.upstreams import Role, UpstreamSetup
from hal.api import ActuationFailed, CardSeen, Fault, FaultSeen, PilotSeen, PilotState
from tests.agent.station.driver import ACCEPTED, CARD, INVALID, PRIMARY, Driver, connector, two_upstreams


@pytest.mark.rule("product.P1")
def test_exactly_one_upstream_must_be_billing() -> None:
    both = [UpstreamSetup(u.id, Role.DATA_AND_CONTROL, u.options) for u in two_upstreams()]
    with pytest.raises(ValueError, match="exactly one must be Billing"):
        Driver(upstreams=both)


@pytest.mark.parametrize(
    "given",
    [
        Tick(),
        PilotSeen(9, PilotState.C, True),
        FaultSeen(9, Fault.LOCK, True),
        FaultSeen(None, Fault.READER_OFFLINE, False),
        ActuationFailed(1, "offer", "timeout"),
        CardSeen("unknown reader", CARD),
        CardSeen("reader", ""),
        AuthorizeAnswered(99, PRIMARY, ACCEPTED),
        AuthorizeAnswered(99, UpstreamId("nobody"), None),
        UpstreamChanged(UpstreamId("nobody"), True, Registration.ACCEPTED),
        MessageAcknowledged(UpstreamId("nobody"), "m", TransactionId("t"), "1", INVALID),
        MessageFailed(PRIMARY, "m", None, 1, False, "CALLERROR"),
        Synced(99),
        RecordFailed(99, "disk"),
        WallTimeFixed(1, 5),
        ReofferRequested(UpstreamId("nobody"), ("m",)),
        ReofferRequested(PRIMARY, ()),
        LatchCleared(1),
        LatchCleared(9),
    ],
    ids=lambda given: type(given).__name__,
)
def test_every_input_is_taken_in_every_phase(given: object) -> None:
    fresh, charging, unready = Driver(), Driver(), Driver(ready=False, online=False)
    charging.charge()
    for driver in (fresh, charging, unready):
        driver.give(given)  # type: ignore[arg-type]
        assert not driver.all(fx.Offer, driver.last)


def test_the_same_inputs_give_the_same_effects() -> None:
    one, two = Driver(), Driver()
    for driver in (one, two):
        driver.charge()
        driver.pass_time(200)
        driver.card()
        driver.finish()
    assert one.log == two.log


def test_a_deadline_is_never_in_the_past_and_a_tick_moves_it() -> None:
    driver = Driver()
    driver.card()
    driver.verdict()
    for _ in range(50):
        deadline = driver.station.next_deadline()
        if deadline is None:
            break
        assert deadline > driver.ms
        driver.ms = deadline
        driver.give(Tick())
    assert driver.state() == "free"


# ----------------------------------------------------------------------------------------------------- storage


def test_a_dead_disk_starts_nothing_new_and_lets_what_runs_go_on() -> None:
    driver = Driver([connector(1), connector(2)])
    driver.charge()
    driver.disk_works = False
    driver.give(RecordFailed(50, "no space left"))
    assert driver.one(fx.Note).event == "station.storage_fault"
    driver.give(RecordFailed(51, "no space left"))
    assert not driver.all(fx.Note, driver.last)
    driver.plug(2)
    driver.card("04999999")
    assert not driver.all(fx.DriveLock, driver.last)
    assert (driver.state(1), driver.state(2)) == ("running", "waiting_card")
    assert not driver.station.overview(driver.now).storage_healthy
    driver.give(Synced(60))
    assert driver.one(fx.Note).event == "station.storage_recovered"
    driver.card("04999999")
    assert driver.one(fx.Ask)


def test_a_dead_disk_may_end_what_runs() -> None:
    driver = Driver(continue_on_storage_fault=False)
    driver.charge()
    driver.give(RecordFailed(50, "no space left"))
    assert driver.state() == "stopping"


def test_a_start_that_waits_for_its_reading_is_given_up_when_the_disk_dies() -> None:
    driver = Driver()
    driver.plug()
    driver.card()
    driver.verdict()
    driver.locked()
    driver.give(RecordFailed(50, "no space left"))
    driver.answer_meter()
    assert not driver.all(fx.Offer)
    assert driver.state() == "finished"


# ---------------------------------------------------------------------------------------------------- receipts


def test_the_answer_to_a_start_is_a_barrier_and_others_are_not() -> None:
    driver = Driver()
    driver.charge()
    driver.acknowledge_start(PRIMARY, "7")
    assert driver.one(fx.Record).barrier
    driver.give(MessageAcknowledged(PRIMARY, "m", TransactionId("t")))
    assert driver.one(fx.Record) == fx.Record((Acknowledge(PRIMARY, "m", TransactionId("t")),), False)


def test_a_failed_message_is_counted_and_at_last_parked() -> None:
    driver = Driver()
    driver.give(MessageFailed(PRIMARY, "m", None, 1, False, "CALLERROR"))
    assert driver.one(fx.Record) == fx.Record((CountAttempt(PRIMARY, "m", 1),), False)
    driver.give(MessageFailed(PRIMARY, "m", None, 3, True, "CALLERROR"))
    assert driver.entries(Park, driver.last) == [Park(PRIMARY, "m", "CALLERROR")]


def test_the_wall_time_of_a_boot_is_recorded() -> None:
    driver = Driver()
    driver.give(WallTimeFixed(1, 1234))
    assert driver.one(fx.Record) == fx.Record((FixWallTime(1, 1234),), True)


# ---------------------------------------------------------------------------------------------------- telling


def test_conditions_are_told_to_each_upstream_once_per_change() -> None:
    driver = Driver()
    driver.plug()
    told = [e for e in driver.last if isinstance(e, fx.Publish)]
    assert [(e.upstream, e.event.condition.plugged) for e in told] == [(MANAGEMENT, True), (PRIMARY, True)]
    driver.pilot("B")
    assert not driver.all(fx.Publish, driver.last)


def test_a_normal_session_as_the_primary_sees_it() -> None:
    driver = Driver()
    driver.charge()
    driver.card()
    driver.finish()
    driver.locked(False)
    driver.unplug()
    seen = [(c.plugged, c.authorised, c.transaction is not None, c.charging, c.finishing) for c in driver.told()]
    idle, connected = ChargingState.IDLE, ChargingState.EV_CONNECTED
    assert seen == [
        (False, False, False, idle, False),
        (True, False, False, connected, False),
        (True, True, False, connected, False),
        (True, False, True, ChargingState.SUSPENDED_EV, False),
        (True, False, True, connected, False),
        (True, False, True, ChargingState.CHARGING, False),
        (True, False, False, connected, True),
        (False, False, False, idle, False),
    ]


def test_nothing_is_said_about_a_connector_before_anything_is_known() -> None:
    driver = Driver(ready=False)
    assert not driver.told()
    driver.pass_time(3.1)
    assert len(driver.told()) == 1


def test_a_reader_that_is_silent_warns_and_charging_goes_on() -> None:
    driver = Driver()
    driver.charge()
    driver.give(FaultSeen(None, Fault.READER_OFFLINE, True))
    assert driver.told(number=0)[-1].warning is Fault.READER_OFFLINE
    assert driver.state() == "running"


def test_the_light_follows_the_session() -> None:
    driver = Driver()
    driver.charge()
    driver.card()
    driver.finish()
    driver.locked(False)
    driver.unplug()
    shown = [e.pattern.value for e in driver.all(fx.Show)]
    assert shown == ["offline", "free", "preparing", "card_read", "preparing", "paused", "charging", "finished", "free"]


def test_the_overview_has_both_transaction_ids_and_no_card() -> None:
    driver = Driver()
    driver.charge()
    driver.acknowledge_start(PRIMARY, "7")
    driver.acknowledge_start(MANAGEMENT, "9")
    driver.energy[1] = 1300
    driver.meter()
    (one,) = driver.station.overview(driver.now).connectors
    assert {f.upstream: f.id for f in one.foreign_ids} == {PRIMARY: "7", MANAGEMENT: "9"}
    assert (one.energy_wh, one.power_w, one.limit_a, one.limit_reason) == (300, 16 * 230, 20, "cable rating")
    assert CARD not in repr(one)
    assert copy.copy(one) == one
