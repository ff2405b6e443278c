"""The signed session of a meter, step by step: what is written before what, and what happens when nothing comes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.station.evse.signing import PATIENCE_MS, TIME_MS
from agent.vocabulary import effects as fx
from agent.vocabulary.effects import EFFECT_CLASSES, EffectClass, Record
from agent.vocabulary.events import StopReason, TransactionStopped, Trigger
from agent.vocabulary.ids import MANAGEMENT, ConnectorId, EvseAddress, EvseId, IdToken, TransactionId
from agent.vocabulary.moments import Moment
from agent.vocabulary.notes import StationNote
from agent.vocabulary.records import SaveTransaction, Snapshot, TransactionRecord
from agent.vocabulary.signing import SignedMetering, SignedValue, SigningState
from hal.api import SigningAnswered, SigningStep
from tests.agent.station.driver import CARD, PRIMARY, SOCKET, WALL, Driver, connector

BEGIN, END = SigningStep.BEGIN, SigningStep.END
SIGNS = replace(SOCKET, signs=True)
BLOB = 'OCMF|{"ID":"04A1B2C3","x":"ä \\" | \\\\"}|{"SD":"3044"}'
KEY = "3059"
pytestmark = pytest.mark.rule("ocpp16.X41")


def driver(
    signed: SignedMetering = SignedMetering.IF_POSSIBLE, snapshot: Snapshot | None = None, **more: Any
) -> Driver:
    return Driver([connector(capabilities=SIGNS, signed=signed)], snapshot=snapshot, **more)


def orders(d: Driver) -> list[fx.Sign]:
    return d.all(fx.Sign)


def answer(d: Driver, done: bool = True, at: int = -1, **more: Any) -> list[fx.Effect]:
    order = orders(d)[at].order
    data = BLOB if done and order.step is END else ""
    return d.give(SigningAnswered(1, order.request, order.step, done, data, "OCMF", KEY, **more))


def states(d: Driver) -> list[SigningState]:
    return [row.transaction.signing for row in d.entries(SaveTransaction)]


def stops(d: Driver) -> list[TransactionStopped]:
    events = [row.event for upstream in (MANAGEMENT, PRIMARY) for row in d.rows(upstream)]
    return [event for event in events if isinstance(event, TransactionStopped)]


def why_not(d: Driver) -> list[str]:
    return [note.text for note in d.all(fx.Note) if note.event == StationNote.NOT_SIGNED]


def charging(d: Driver) -> None:
    d.start_session()
    answer(d)
    d.pilot("B", True)
    d.pilot("C", True)
    d.current[1] = 16.0
    d.contactor(True)
    d.meter()


def stopped(d: Driver) -> None:
    """The car has left C, the contactor is open, the register was read."""
    d.pass_time(5)
    d.card()
    d.finish()


def test_it_is_like_power_behind_every_record() -> None:
    assert EFFECT_CLASSES[fx.Sign] is EffectClass.POWER


def test_the_start_is_written_then_the_meter_begins_then_that_is_written_then_power() -> None:
    d = driver()
    effects = d.start_session()
    (order,) = d.all(fx.Sign, effects)
    assert effects.index(d.one(Record, effects)) < effects.index(order)
    assert (order.order.step, order.order.identification, order.order.wall_ms) == (BEGIN, CARD, WALL + d.ms)
    assert states(d) == [SigningState.ORDERED]
    d.pass_time(5)
    assert not d.all(fx.Offer)
    effects = answer(d)
    record = d.one(Record, effects)
    assert record.barrier
    assert states(d)[-1] is SigningState.BEGUN
    assert effects.index(record) < effects.index(d.one(fx.Offer, effects))


@pytest.mark.parametrize("signed", [SignedMetering.IF_POSSIBLE, SignedMetering.REQUIRED])
def test_a_meter_that_refuses(signed: SignedMetering) -> None:
    d = driver(signed)
    d.start_session()
    answer(d, False, status=131, detail="status 131: bad state")
    assert why_not(d) == ["status 131: bad state"]
    if signed is SignedMetering.IF_POSSIBLE:
        assert d.one(fx.Offer)
        return
    d.pass_time(10)
    assert not d.all(fx.Offer)
    d.answer_meter()
    assert {(stop.reason, stop.signed) for stop in stops(d)} == {(StopReason.OTHER, None)}
    assert len(orders(d)) == 1


def test_a_meter_that_does_not_answer_is_waited_for_bounded_and_what_it_begins_late_is_ended() -> None:
    d = driver()
    d.start_session()
    d.pass_time(PATIENCE_MS / 1000 - 0.1)
    assert not d.all(fx.Offer)
    d.pass_time(0.2)
    assert len(d.all(fx.Offer)) == 1
    assert why_not(d) == ["the meter did not answer in time"]
    answer(d)
    assert [one.order.step for one in orders(d)] == [BEGIN, END]
    answer(d)
    assert states(d)[-1] is SigningState.UNSIGNED


def test_a_begin_waits_for_the_time_bounded() -> None:
    d = driver()
    d.wall_known = False
    d.start_session()
    d.pass_time(TIME_MS / 1000 - 1)
    assert not orders(d)
    d.wall_known = True
    d.pass_time(0.5)
    (order,) = orders(d)
    assert order.order.wall_ms is not None
    never = driver()
    never.wall_known = False
    never.start_session()
    never.pass_time(TIME_MS / 1000 + 1)
    answer(never, False, detail="the time is not known")
    assert len(never.all(fx.Offer)) == 1
    assert why_not(never) == ["the time is not known"]


def test_the_end_comes_behind_the_open_contactor_and_the_register_and_goes_into_every_stop() -> None:
    d = driver()
    charging(d)
    d.pass_time(5)
    d.card()
    d.pass_time(3)
    assert len(orders(d)) == 1
    d.current[1] = 0.0
    d.pilot("B", False)
    d.contactor(False)
    d.meter()
    d.energy[1] += 700
    effects = d.answer_meter()
    (order,) = d.all(fx.Sign, effects)
    record = d.one(Record, effects)
    assert record.barrier
    assert effects.index(record) < effects.index(order)
    saved = d.entries(SaveTransaction, effects)[-1].transaction
    assert (saved.signing, saved.last_energy_wh, saved.stopped_at) == (SigningState.ENDING, d.energy[1], None)
    assert (order.order.step, order.order.again) == (END, False)
    assert not stops(d)
    answer(d)
    assert [stop.signed for stop in stops(d)] == [SignedValue(BLOB, "OCMF", KEY)] * 2
    closed = d.entries(SaveTransaction)[-1].transaction
    assert (closed.signing, closed.signed) == (SigningState.SIGNED, stops(d)[0].signed)
    assert len(orders(d)) == 2


def test_an_end_without_answer_is_waited_for_bounded_and_what_comes_late_is_kept() -> None:
    d = driver()
    charging(d)
    stopped(d)
    d.pass_time(PATIENCE_MS / 1000 - 0.1)
    assert not stops(d)
    d.pass_time(0.2)
    assert [stop.signed for stop in stops(d)] == [None, None]
    effects = answer(d)
    (row,) = d.entries(SaveTransaction, effects)
    assert row.transaction.signed == SignedValue(BLOB, "OCMF", KEY)
    assert row.transaction.stopped_at is not None
    assert len(stops(d)) == 2


def test_what_ends_before_the_meter_has_begun_is_not_waited_for() -> None:
    d = driver()
    d.start_session()
    d.pass_time(5)
    d.card()
    d.answer_meter()
    assert [stop.signed for stop in stops(d)] == [None, None]
    answer(d, at=0)
    assert [one.order.step for one in orders(d)] == [BEGIN, END]


def test_one_that_does_not_want_it_asks_for_nothing() -> None:
    d = driver(SignedMetering.OFF)
    assert d.all(fx.Offer, d.start_session())
    assert not orders(d)
    assert states(d) == [SigningState.NONE]


FORMER = TransactionRecord(
    TransactionId("tx"),
    EvseAddress(EvseId(1), ConnectorId(1)),
    IdToken(CARD),
    PRIMARY,
    Moment(1, 5000, WALL),
    900,
    Trigger.AUTHORIZED,
    last_at=Moment(1, 6000, WALL + 1000),
    last_energy_wh=990,
)


def restarted(state: SigningState, wall_known: bool = True) -> Driver:
    d = driver(snapshot=Snapshot(2, False, open_transactions=(replace(FORMER, signing=state),)), ready=False)
    d.wall_known = wall_known
    d.hardware_ready()
    d.answer_meter()
    return d


@pytest.mark.parametrize(("state", "again"), [(SigningState.BEGUN, False), (SigningState.ENDING, True)])
def test_after_a_restart_the_meter_is_asked_for_what_it_owes(state: SigningState, again: bool) -> None:
    d = restarted(state)
    (order,) = orders(d)
    assert (order.order.step, order.order.again, order.order.identification) == (END, again, CARD)
    assert not stops(d)
    answer(d)
    assert [stop.signed for stop in stops(d)] == [SignedValue(BLOB, "OCMF", KEY)] * 2
    assert {stop.meter_stop_wh for stop in stops(d)} == {1000}
    assert {stop.reason for stop in stops(d)} == {StopReason.POWER_LOSS}
    assert len(orders(d)) == 1


def test_after_a_restart_the_end_waits_for_the_time_bounded() -> None:
    d = restarted(SigningState.BEGUN, wall_known=False)
    d.pass_time(TIME_MS / 1000 - 1)
    assert not orders(d)
    assert not stops(d)
    d.wall_known = True
    d.pass_time(0.1)
    assert orders(d)[0].order.wall_ms is not None
    never = restarted(SigningState.BEGUN, wall_known=False)
    never.pass_time(TIME_MS / 1000 + 1)
    answer(never, False, detail="the time is not known")
    assert [stop.signed for stop in stops(never)] == [None, None]


def test_a_begin_that_nobody_confirmed_is_ended_and_not_waited_for() -> None:
    d = restarted(SigningState.ORDERED)
    assert [one.order.step for one in orders(d)] == [END]
    assert [stop.signed for stop in stops(d)] == [None, None]
    answer(d)
    assert len(stops(d)) == 2
    assert d.entries(SaveTransaction)[-1].transaction.signed is None


def test_what_an_abandoned_session_begins_late_does_not_end_that_of_the_next() -> None:
    """The driver answers in order, and ends by itself what runs when it is told to begin."""
    d = driver()
    d.start_session()
    d.pass_time(5)
    d.card()
    d.answer_meter()
    assert states(d)[-1] is SigningState.UNSIGNED
    d.unplug()
    d.locked(False)
    d.pass_time(10)
    d.start_session()
    assert [one.order.step for one in orders(d)] == [BEGIN, BEGIN]
    answer(d, at=0)
    answer(d, at=1)
    assert [one.order.step for one in orders(d)] == [BEGIN, BEGIN]
    assert states(d)[-1] is SigningState.BEGUN
