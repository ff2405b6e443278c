"""The flows of a session, readable from top to bottom: what happens, and what the station wants."""

from __future__ import annotations

import pytest

from agent.vocabulary import effects as fx
from agent.vocabulary.commands import RemoteStop, ResultStatus
from agent.vocabulary.events import (
    ChargingState,
    StopReason,
    TransactionSampled,
    TransactionStarted,
    TransactionStopped,
)
from agent.vocabulary.ids import MANAGEMENT
from agent.vocabulary.records import LadderStep, SaveTransaction
from tests.agent.station.driver import CARD, PRIMARY, Driver


def test_a_card_starts_a_transaction_for_both_upstreams_and_only_then_offers() -> None:
    driver = Driver()
    driver.plug()
    driver.card()
    ask = driver.one(fx.Ask)
    assert (ask.upstream, ask.token.value, ask.deadline_s) == (PRIMARY, CARD, 10.0)

    driver.verdict()
    assert driver.one(fx.DriveLock) == fx.DriveLock(1, True)
    assert not driver.all(fx.Offer)

    driver.locked()
    assert driver.one(fx.ReadMeter).connector == 1
    assert not driver.all(fx.Offer)

    effects = driver.answer_meter()
    record = driver.one(fx.Record)
    assert record.barrier
    assert len(driver.entries(SaveTransaction, effects)) == 1
    assert len(driver.entries(LadderStep, effects)) == 1
    for upstream in (MANAGEMENT, PRIMARY):
        (row,) = driver.rows(upstream)
        assert isinstance(row.event, TransactionStarted)
        assert (row.event.meter_start_wh, row.event.token.value) == (1000, CARD)
    offer = driver.one(fx.Offer)
    assert offer.current_a == 20.0, "the cable is rated lower than the hardware"
    assert effects.index(record) < effects.index(offer)


def test_the_whole_session_has_one_start_one_stop_and_the_same_energy_everywhere() -> None:
    driver = Driver()
    driver.charge()
    assert driver.told()[-1].charging is ChargingState.CHARGING
    driver.energy[1] = 1500
    driver.pass_time(61)
    driver.energy[1] = 2200
    driver.card()
    assert driver.one(fx.Withdraw)
    assert not driver.all(fx.DriveLock, driver.last), "the cable is held while current may flow"
    driver.finish()
    assert driver.one(fx.DriveLock) == fx.DriveLock(1, False)
    for upstream in (MANAGEMENT, PRIMARY):
        start, sample, stop = (row.event for row in driver.rows(upstream))
        assert isinstance(start, TransactionStarted)
        assert isinstance(sample, TransactionSampled)
        assert isinstance(stop, TransactionStopped)
        assert sample.sample.at.monotonic_ms - start.at.monotonic_ms == 60_000
        assert (stop.meter_stop_wh - start.meter_start_wh, stop.reason) == (1200, StopReason.LOCAL)
    driver.locked(False)
    driver.unplug()
    assert driver.state() == "free"


@pytest.mark.rule("product.A10")
def test_remote_stop_counts_only_from_the_upstream_that_owns_the_transaction() -> None:
    driver = Driver()
    driver.charge()
    driver.acknowledge_start(PRIMARY, "77")
    driver.acknowledge_start(MANAGEMENT, "77")
    refused = driver.command(MANAGEMENT, RemoteStop("77"))
    assert refused is not None
    assert refused.status is ResultStatus.REJECTED
    assert driver.one(fx.Note).upstream == MANAGEMENT
    assert driver.state() == "running"

    obeyed = driver.command(PRIMARY, RemoteStop("77"))
    assert obeyed is not None
    assert obeyed.status is ResultStatus.ACCEPTED
    order = [type(e) for e in driver.last if isinstance(e, fx.Withdraw | fx.Record | fx.Answer)]
    assert order == [fx.Withdraw, fx.Record, fx.Answer]
    driver.finish()
    stop = driver.rows(PRIMARY)[-1].event
    assert isinstance(stop, TransactionStopped)
    assert stop.reason is StopReason.REMOTE
