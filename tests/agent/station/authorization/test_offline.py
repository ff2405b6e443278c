"""While the Billing upstream is away: who starts, who stops, and what its verdict does when it is back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.vocabulary import effects as fx
from agent.vocabulary.events import StopReason, TransactionStarted, TransactionStopped
from agent.vocabulary.ids import IdToken
from agent.vocabulary.moments import Moment
from agent.vocabulary.records import AuthorizationStatus, CacheVerdict, LadderStep, Snapshot, Verdict
from tests.agent.station.driver import (
    ACCEPTED,
    CARD,
    INVALID,
    OTHER_CARD,
    PRIMARY,
    Driver,
    two_upstreams,
)

FAMILY = replace(ACCEPTED, parent=IdToken("FAMILY"))


def known(*rows: tuple[str, Verdict]) -> Snapshot:
    cache = tuple(CacheVerdict(PRIMARY, IdToken(card), verdict, Moment(1, 0)) for card, verdict in rows)
    return Snapshot(1, False, accepted=(PRIMARY,), cache=cache)


def offline(snapshot: Snapshot | None = None, **options: object) -> Driver:
    return Driver(online=False, upstreams=two_upstreams(**options), snapshot=snapshot or known())


def charge(driver: Driver) -> None:
    """As `Driver.charge`, with nobody to ask."""
    driver.plug()
    driver.card()
    driver.locked()
    driver.answer_meter()
    driver.pilot("C", True)
    driver.current[1] = 16.0
    driver.contactor(True)
    driver.meter()


@pytest.mark.rule("ocpp16.X60")
@pytest.mark.parametrize("status", [s for s in AuthorizationStatus if s is not AuthorizationStatus.ACCEPTED])
def test_a_card_that_is_known_to_be_bad_is_refused_though_unknown_ones_may_charge(status: AuthorizationStatus) -> None:
    driver = offline(known((CARD, Verdict(status))), allow_offline_unknown=True)
    driver.plug()
    driver.card()
    assert driver.state() == "waiting_card"
    assert driver.entries(LadderStep)[-1].rule == "known_bad"
    driver.card(OTHER_CARD)
    assert driver.state() == "locking"


@pytest.mark.rule("ocpp16.X61")
def test_an_offline_start_that_is_accepted_afterwards_goes_on() -> None:
    driver = offline(allow_offline_unknown=True)
    charge(driver)
    driver.connect(PRIMARY)
    driver.acknowledge_start(PRIMARY, "1", ACCEPTED)
    assert driver.state() == "running"
    start = driver.rows(PRIMARY)[0].event
    assert isinstance(start, TransactionStarted)
    assert start.offline


@pytest.mark.rule("ocpp16.X61")
@pytest.mark.rule("ocpp16.X06")
def test_an_offline_start_that_is_not_accepted_afterwards_is_suspended() -> None:
    driver = offline(allow_offline_unknown=True, stop_on_invalid=False)
    charge(driver)
    driver.connect(PRIMARY)
    driver.acknowledge_start(PRIMARY, "1", INVALID)
    assert driver.told()[-1].charging.value == "SuspendedEVSE"
    driver.current[1] = 0.0
    driver.contactor(False)
    driver.pass_time(60)
    assert driver.state() == "running"
    assert not [row for row in driver.rows(PRIMARY) if isinstance(row.event, TransactionStopped)]


@pytest.mark.rule("ocpp16.X61")
@pytest.mark.rule("ocpp16.X06")
def test_an_offline_start_that_is_not_accepted_afterwards_ends() -> None:
    driver = offline(allow_offline_unknown=True)
    charge(driver)
    driver.connect(PRIMARY)
    driver.acknowledge_start(PRIMARY, "1", INVALID)
    driver.finish()
    stop = driver.rows(PRIMARY)[-1].event
    assert isinstance(stop, TransactionStopped)
    assert stop.reason is StopReason.DE_AUTHORIZED
    assert driver.told()[-1].finishing
    driver.plug()
    driver.disconnect(PRIMARY)
    driver.card(CARD)  # lets the cable go
    driver.locked(False)
    driver.unplug()
    driver.plug()
    driver.card(CARD)
    assert driver.state() == "waiting_card"  # known to be bad by now


@pytest.mark.rule("ocpp16.X62")
@pytest.mark.rule("ocpp16.X63")
def test_a_whole_session_offline_keeps_its_own_times_and_its_own_card_ends_it() -> None:
    driver = offline(known((CARD, ACCEPTED)))
    began_ms = driver.ms
    charge(driver)
    driver.pass_time(130)
    driver.card()
    assert not driver.all(fx.Ask)
    driver.finish()
    ended_ms = driver.ms
    driver.pass_time(600)
    driver.connect(PRIMARY)
    rows = [row.event for row in driver.rows(PRIMARY)]
    kinds = [type(row).__name__ for row in rows]
    assert kinds == ["TransactionStarted", "TransactionSampled", "TransactionSampled", "TransactionStopped"]
    assert isinstance(rows[0], TransactionStarted)
    assert isinstance(rows[-1], TransactionStopped)
    assert (rows[0].at.monotonic_ms, rows[-1].at.monotonic_ms) == (began_ms, ended_ms)


@pytest.mark.rule("ocpp16.X07")
@pytest.mark.rule("ocpp16.X11")
def test_offline_a_relative_stops_if_both_parents_are_known() -> None:
    driver = offline(known((CARD, FAMILY), (OTHER_CARD, FAMILY)))
    charge(driver)
    driver.card(OTHER_CARD)
    assert driver.state() == "stopping"
    driver.finish()
    stop = driver.rows(PRIMARY)[-1].event
    assert isinstance(stop, TransactionStopped)
    assert stop.token == IdToken(OTHER_CARD)


@pytest.mark.rule("ocpp16.X11")
@pytest.mark.parametrize(
    "other",
    [None, ACCEPTED, replace(ACCEPTED, parent=IdToken("STRANGERS")), replace(INVALID, parent=IdToken("FAMILY"))],
)
def test_offline_nobody_else_stops(other: Verdict | None) -> None:
    rows = ((CARD, FAMILY), (OTHER_CARD, other)) if other is not None else ((CARD, FAMILY),)
    driver = offline(known(*rows), allow_offline_unknown=True)
    charge(driver)
    driver.card(OTHER_CARD)
    assert driver.state() == "running"


@pytest.mark.rule("ocpp16.X07")
@pytest.mark.rule("ocpp16.X05")
def test_a_parent_that_the_start_brought_gives_the_right_to_stop() -> None:
    driver = Driver()
    driver.charge()
    driver.acknowledge_start(PRIMARY, "1", FAMILY)
    assert driver.one(fx.Record).entries[-1].transaction.parent == IdToken("FAMILY")  # type: ignore[union-attr]
    driver.card(OTHER_CARD)
    driver.verdict(FAMILY)
    assert driver.state() == "stopping"


@pytest.mark.rule("ocpp16.X07")
@pytest.mark.rule("ocpp16.X12")
def test_a_card_does_not_stop_by_being_named_like_the_parent() -> None:
    driver = Driver()
    driver.charge()
    driver.acknowledge_start(PRIMARY, "1", replace(ACCEPTED, parent=IdToken(OTHER_CARD)))
    driver.card(OTHER_CARD)
    driver.verdict(ACCEPTED)
    assert driver.state() == "running"


@pytest.mark.rule("ocpp16.X64")
def test_a_question_that_nobody_answers_is_an_outage_after_a_bounded_time() -> None:
    driver = Driver(snapshot=known((CARD, ACCEPTED)))
    driver.plug()
    driver.card()
    driver.pass_time(9)
    assert driver.state() == "waiting_card"
    driver.pass_time(2)
    assert driver.state() == "locking"
    driver.locked()
    driver.answer_meter()
    step = driver.entries(LadderStep)
    assert (step[-1].stage, step[-1].latency_ms) == ("cache", 10_000)


@pytest.mark.rule("ocpp16.U01")
@pytest.mark.rule("ocpp16.U05")
def test_a_verdict_without_a_date_never_ends() -> None:
    driver = offline(known((CARD, ACCEPTED)))
    driver.ms += 20 * 365 * 24 * 3_600_000
    driver.plug()
    driver.card()
    assert driver.state() == "locking"


@pytest.mark.rule("ocpp16.U03")
@pytest.mark.parametrize("bad", [INVALID, replace(ACCEPTED, expires_wall_ms=1)])
def test_online_a_card_that_is_not_good_in_the_cache_is_asked_about_anew(bad: Verdict) -> None:
    driver = Driver(upstreams=two_upstreams(local_pre_authorize=True), snapshot=known((CARD, bad)))
    driver.plug()
    driver.card()
    driver.verdict(ACCEPTED)
    assert driver.state() == "locking"


@pytest.mark.rule("ocpp16.X06")
def test_the_allowed_energy_flows_before_a_transaction_is_suspended_too() -> None:
    driver = Driver(upstreams=two_upstreams(maximum_energy_on_invalid_wh=500, stop_on_invalid=False))
    driver.charge()
    driver.acknowledge_start(PRIMARY, "1", INVALID)
    driver.energy[1] += 499
    driver.meter()
    assert driver.told()[-1].charging.value == "Charging"
    driver.energy[1] += 1
    driver.meter()
    assert driver.told()[-1].charging.value == "SuspendedEVSE"
    assert driver.state() == "running"


@pytest.mark.rule("ocpp16.X06")
def test_a_transaction_that_was_suspended_ends_by_its_card_and_lets_the_cable_go() -> None:
    driver = Driver(upstreams=two_upstreams(stop_on_invalid=False))
    driver.charge()
    driver.acknowledge_start(PRIMARY, "1", INVALID)
    driver.card()
    driver.finish()
    stop = driver.rows(PRIMARY)[-1].event
    assert isinstance(stop, TransactionStopped)
    assert stop.reason is StopReason.LOCAL
    assert driver.all(fx.DriveLock)[-1].locked is False


@pytest.mark.rule("ocpp16.X03")
def test_the_next_session_begins_where_the_last_one_ended() -> None:
    driver = Driver()
    driver.charge()
    driver.pass_time(60, meter=False)
    driver.energy[1] += 1234
    driver.meter()
    driver.card()
    driver.finish()
    driver.locked(False)
    driver.unplug()
    driver.start_session()
    events = [row.event for row in driver.rows(PRIMARY)]
    stops = [event.meter_stop_wh for event in events if isinstance(event, TransactionStopped)]
    starts = [event.meter_start_wh for event in events if isinstance(event, TransactionStarted)]
    assert starts[1] == stops[0] == 2234
