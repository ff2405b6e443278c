"""Cards, remote starts, questions and answers: what grants, and what does nothing any more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.vocabulary import effects as fx
from agent.vocabulary.commands import RemoteStart, ResultStatus
from agent.vocabulary.events import StopReason, TransactionStarted, TransactionStopped, Trigger
from agent.vocabulary.ids import MANAGEMENT, ConnectorId, IdToken
from agent.vocabulary.inputs import Registration
from agent.vocabulary.options import AuthorisePolicy
from agent.vocabulary.records import (
    AuthorizationStatus,
    CacheVerdict,
    LadderStep,
    Snapshot,
    Verdict,
)
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

FAMILY = Verdict(AuthorizationStatus.ACCEPTED, parent=IdToken("FAMILY"))
CAPTIVE = replace(SOCKET, lock=None, cable_rating=False)


def cached(verdict: Verdict = ACCEPTED) -> Snapshot:
    moment = Driver().now
    return Snapshot(1, False, cache=(CacheVerdict(PRIMARY, IdToken(CARD), verdict, moment),))


# ------------------------------------------------------------------------------------------- late and cancelled


@pytest.mark.rule("product.H5")
def test_an_answer_after_unplugging_does_nothing() -> None:
    driver = Driver()
    driver.plug()
    driver.card()
    driver.unplug()
    driver.verdict()
    assert driver.last == []
    driver.plug()
    assert driver.state() == "waiting_card"


@pytest.mark.rule("product.H5")
def test_an_answer_after_the_deadline_does_nothing_even_if_the_tick_is_late() -> None:
    driver = Driver()
    driver.plug()
    driver.card()
    driver.ms += 10_000
    driver.verdict()
    assert driver.state() == "waiting_card"
    assert not driver.all(fx.DriveLock)


def test_an_answer_after_the_same_card_cancelled_does_nothing() -> None:
    driver = Driver()
    driver.plug()
    driver.card()
    driver.card()
    driver.verdict()
    assert driver.state() == "waiting_card"


def test_an_answer_counts_once_and_only_from_whom_was_asked() -> None:
    driver = Driver()
    driver.plug()
    driver.card()
    driver.verdict(ACCEPTED, MANAGEMENT)
    assert driver.state() == "waiting_card"
    driver.verdict(INVALID)
    driver.verdict(ACCEPTED)
    assert driver.state() == "waiting_card"


@pytest.mark.rule("ocpp16.U08")
def test_the_same_card_again_cancels_before_a_cable_came() -> None:
    driver = Driver()
    driver.card()
    driver.verdict()
    assert driver.state() == "waiting_car"
    driver.card()
    assert driver.state() == "free"
    assert driver.told()[-1].authorised is False


@pytest.mark.rule("ocpp16.U09")
def test_an_authorisation_expires_with_the_connection_timeout() -> None:
    driver = Driver()
    driver.card()
    driver.verdict()
    driver.pass_time(119)
    assert driver.state() == "waiting_car"
    driver.pass_time(2)
    assert driver.state() == "free"
    driver.plug()
    assert driver.state() == "waiting_card"


def test_a_cable_without_a_card_is_finishing_after_the_timeout_and_a_card_still_starts() -> None:
    driver = Driver()
    driver.plug()
    driver.pass_time(121)
    assert driver.told()[-1].finishing
    driver.card()
    driver.verdict()
    assert driver.state() == "locking"


# --------------------------------------------------------------------------------------------- outage and cache


@pytest.mark.rule("product.P5")
@pytest.mark.rule("product.H12")
def test_a_refused_card_does_not_start_and_says_so() -> None:
    driver = Driver()
    driver.plug()
    driver.card()
    driver.verdict(INVALID)
    assert driver.state() == "waiting_card"
    assert driver.one(fx.Show).pattern.value == "refused"
    (step,) = driver.entries(LadderStep, driver.last)
    assert (step.stage, step.answer, step.upstream) == ("online", "Invalid", PRIMARY)


@pytest.mark.rule("product.H1")
def test_silence_falls_back_to_the_offline_rules_and_asks_nobody_else() -> None:
    driver = Driver(snapshot=cached())
    driver.plug()
    driver.card()
    driver.pass_time(10)
    driver.locked()
    driver.answer_meter()
    (row,) = driver.rows(PRIMARY)
    assert isinstance(row.event, TransactionStarted)
    assert row.event.offline
    assert {ask.upstream for ask in driver.all(fx.Ask)} == {PRIMARY}


@pytest.mark.parametrize(
    ("options", "known", "starts"),
    [
        ({}, ACCEPTED, True),
        ({"local_authorize_offline": False}, ACCEPTED, False),
        ({"authorization_cache_enabled": False}, ACCEPTED, False),
        ({}, None, False),
        ({"allow_offline_unknown": True}, None, True),
        ({"allow_offline_unknown": True}, INVALID, False),
        ({"allow_offline_unknown": True}, replace(ACCEPTED, expires_wall_ms=WALL), False),
        ({}, replace(ACCEPTED, expires_wall_ms=WALL * 2), True),
    ],
)
@pytest.mark.rule("ocpp16.X60")
def test_the_offline_ladder(options: dict[str, bool], known: Verdict | None, starts: bool) -> None:
    driver = Driver(upstreams=two_upstreams(**options), snapshot=cached(known) if known else None)
    driver.disconnect(PRIMARY)
    driver.plug()
    driver.card()
    assert not driver.all(fx.Ask)
    assert (driver.state() == "locking") is starts


@pytest.mark.rule("ocpp16.B12")
@pytest.mark.parametrize("registration", [Registration.UNKNOWN, Registration.PENDING, Registration.REJECTED])
@pytest.mark.parametrize("options", [{}, {"allow_offline_unknown": True}])
def test_never_accepted_refuses_the_card_and_stays_free(registration: Registration, options: dict[str, bool]) -> None:
    driver = Driver(online=False, upstreams=two_upstreams(**options))
    driver.connect(PRIMARY, registration)
    driver.card()
    assert driver.state() == "free"
    assert not any(condition.authorised for condition in driver.told())
    assert driver.entries(LadderStep)[-1].rule == "never_accepted"


@pytest.mark.rule("ocpp16.B12")
def test_accepted_in_a_former_life_lets_the_offline_keys_decide() -> None:
    snapshot = Snapshot(1, False, accepted=(PRIMARY,))
    driver = Driver(online=False, upstreams=two_upstreams(allow_offline_unknown=True), snapshot=snapshot)
    driver.plug()
    driver.card()
    assert driver.state() == "locking"


@pytest.mark.rule("product.H2")
@pytest.mark.rule("ocpp16.U02")
def test_pre_authorisation_answers_with_no_network() -> None:
    driver = Driver(upstreams=two_upstreams(local_pre_authorize=True), snapshot=cached())
    driver.plug()
    driver.card()
    assert driver.state() == "locking"
    assert not driver.all(fx.Ask)


def test_an_invalid_entry_of_the_cache_is_asked_anew() -> None:
    driver = Driver(upstreams=two_upstreams(local_pre_authorize=True), snapshot=cached(INVALID))
    driver.plug()
    driver.card()
    assert driver.one(fx.Ask)


def test_only_the_authority_teaches_the_cache() -> None:
    driver = Driver()
    driver.charge()
    driver.acknowledge_start(MANAGEMENT, "1", INVALID)
    assert not driver.entries(CacheVerdict, driver.last)
    assert driver.state() == "running"
    driver.acknowledge_start(PRIMARY, "2", ACCEPTED)
    assert driver.entries(CacheVerdict, driver.last)


# ---------------------------------------------------------------------------------------------- whose card it is


@pytest.mark.rule("ocpp16.X10")
def test_the_same_card_stops_at_once_also_offline() -> None:
    driver = Driver()
    driver.charge()
    driver.disconnect(PRIMARY)
    asked = len(driver.all(fx.Ask))
    driver.card()
    assert driver.one(fx.Withdraw)
    assert len(driver.all(fx.Ask)) == asked


@pytest.mark.rule("ocpp16.X11")
@pytest.mark.parametrize(("verdict", "stops"), [(FAMILY, True), (ACCEPTED, False), (INVALID, False)])
def test_another_card_stops_only_with_the_same_parent(verdict: Verdict, stops: bool) -> None:
    driver = Driver()
    driver.charge()
    driver.acknowledge_start(PRIMARY, "1", FAMILY)
    driver.card(OTHER_CARD)
    assert driver.one(fx.Ask).token.value == OTHER_CARD
    driver.verdict(verdict)
    assert (driver.state() == "stopping") is stops


@pytest.mark.rule("ocpp16.X12")
def test_a_card_whose_own_id_is_the_parent_is_no_member() -> None:
    driver = Driver()
    driver.charge()
    driver.acknowledge_start(PRIMARY, "1", FAMILY)
    driver.card("FAMILY")
    driver.verdict(ACCEPTED)
    assert driver.state() == "running"


@pytest.mark.rule("product.N6")
def test_a_random_card_id_is_refused() -> None:
    driver = Driver()
    driver.plug()
    driver.card("08123456")
    assert not driver.all(fx.Ask)
    assert driver.one(fx.Note).event == "station.card_refused"


@pytest.mark.rule("product.N6")
def test_of_two_waiting_cars_the_last_plugged_is_meant() -> None:
    driver = Driver([connector(1), connector(2)])
    driver.plug(2)
    driver.ms += 1000
    driver.plug(1)
    driver.card()
    driver.verdict()
    assert (driver.state(1), driver.state(2)) == ("locking", "waiting_card")


@pytest.mark.rule("product.N6")
def test_a_charging_card_starts_the_other_car_and_then_stops_its_own() -> None:
    driver = Driver([connector(1), connector(2)])
    driver.charge(1)
    driver.plug(2)
    driver.card()
    driver.verdict()
    assert (driver.state(1), driver.state(2)) == ("running", "locking")
    driver.locked(number=2)
    driver.answer_meter(2)
    driver.card()
    assert sorted((driver.state(1), driver.state(2))) == ["running", "stopping"]


@pytest.mark.rule("product.N6")
def test_with_several_free_connectors_the_card_waits_for_the_next_cable() -> None:
    driver = Driver([connector(1), connector(2)])
    driver.card()
    driver.verdict()
    assert (driver.state(1), driver.state(2)) == ("free", "free")
    driver.plug(2)
    assert (driver.state(1), driver.state(2)) == ("free", "locking")


def test_a_waiting_card_expires_and_can_be_cancelled() -> None:
    driver = Driver([connector(1), connector(2)])
    driver.card()
    driver.verdict()
    driver.card()
    driver.plug(1)
    assert driver.state(1) == "waiting_card"
    driver.unplug(1)
    driver.card()
    driver.verdict()
    driver.pass_time(121)
    driver.plug(1)
    assert driver.state(1) == "waiting_card"


@pytest.mark.rule("product.N1")
def test_a_free_connector_starts_by_the_cable_with_its_configured_token() -> None:
    token = IdToken("HOME")
    driver = Driver([connector(1, CAPTIVE, authorise=AuthorisePolicy.FREE, free_token=token)], online=False)
    driver.plug()
    driver.answer_meter()
    (row,) = driver.rows(PRIMARY)
    assert isinstance(row.event, TransactionStarted)
    assert row.event.token == token
    driver.card()
    assert driver.state() == "running"


# ------------------------------------------------------------------------------------------------- remote start


@pytest.mark.rule("product.H11")
@pytest.mark.rule("product.E8")
def test_a_remote_start_is_accepted_then_asked_then_started() -> None:
    driver = Driver()
    driver.plug()
    result = driver.command(PRIMARY, RemoteStart(IdToken(CARD), ConnectorId(1), 5))
    assert result is not None
    assert result.status is ResultStatus.ACCEPTED
    driver.verdict()
    driver.locked()
    driver.answer_meter()
    (row,) = driver.rows(PRIMARY)
    assert isinstance(row.event, TransactionStarted)
    assert (row.event.trigger, row.event.remote_start_id) == (Trigger.REMOTE_START, 5)


def test_a_remote_start_without_authorisation_is_not_asked() -> None:
    driver = Driver(upstreams=two_upstreams(authorize_remote_starts=False))
    driver.command(PRIMARY, RemoteStart(IdToken(CARD)))
    assert not driver.all(fx.Ask)
    assert driver.state() == "waiting_car"


def test_a_remote_start_from_management_is_refused_while_a_primary_bills() -> None:
    driver = Driver()
    driver.plug()
    result = driver.command(MANAGEMENT, RemoteStart(IdToken(CARD), ConnectorId(1)))
    assert result is not None
    assert result.status is ResultStatus.REJECTED
    assert driver.state() == "waiting_card"


def test_a_remote_start_before_acceptance_or_on_a_busy_connector_is_refused() -> None:
    driver = Driver()
    driver.charge()
    busy = driver.command(PRIMARY, RemoteStart(IdToken(OTHER_CARD), ConnectorId(1)))
    anywhere = driver.command(PRIMARY, RemoteStart(IdToken(OTHER_CARD)))
    nowhere = driver.command(PRIMARY, RemoteStart(IdToken(OTHER_CARD), ConnectorId(9)))
    assert [r.status for r in (busy, anywhere, nowhere) if r] == [ResultStatus.REJECTED] * 3
    early = Driver(online=False)
    early.connect(PRIMARY, Registration.PENDING)
    result = early.command(PRIMARY, RemoteStart(IdToken(CARD)))
    assert result is not None
    assert result.status is ResultStatus.REJECTED


# -------------------------------------------------------------------------------------------- verdict on a start


@pytest.mark.rule("ocpp16.X06")
def test_a_start_that_is_not_accepted_stops_and_keeps_the_cable_for_the_same_card() -> None:
    driver = Driver()
    driver.charge()
    driver.acknowledge_start(PRIMARY, "1", INVALID)
    driver.finish()
    stop = driver.rows(PRIMARY)[-1].event
    assert isinstance(stop, TransactionStopped)
    assert stop.reason is StopReason.DE_AUTHORIZED
    assert fx.DriveLock(1, False) not in driver.log
    assert driver.station.overview(driver.now).connectors[0].why_locked == "DeAuthorized"
    driver.card(OTHER_CARD)
    driver.verdict(ACCEPTED)
    assert fx.DriveLock(1, False) not in driver.log
    driver.card(CARD)
    assert fx.DriveLock(1, False) in driver.last


@pytest.mark.rule("ocpp16.X06")
def test_a_card_of_the_same_parent_lets_the_cable_go() -> None:
    driver = Driver()
    driver.charge()
    driver.acknowledge_start(PRIMARY, "1", replace(INVALID, parent=IdToken("FAMILY")))
    driver.finish()
    driver.card(OTHER_CARD)
    driver.verdict(FAMILY)
    assert fx.DriveLock(1, False) in driver.last


@pytest.mark.rule("ocpp16.X06")
def test_without_stop_on_invalid_only_the_energy_stops() -> None:
    driver = Driver(upstreams=two_upstreams(stop_on_invalid=False))
    driver.charge()
    driver.acknowledge_start(PRIMARY, "1", INVALID)
    assert driver.one(fx.Withdraw)
    assert driver.state() == "running"
    assert driver.told()[-1].charging.value == "SuspendedEVSE"
    driver.card()
    driver.finish()
    assert driver.state() == "finished"


@pytest.mark.rule("ocpp16.X06")
def test_the_allowed_energy_flows_first() -> None:
    driver = Driver(upstreams=two_upstreams(maximum_energy_on_invalid_wh=500))
    driver.charge()
    driver.acknowledge_start(PRIMARY, "1", INVALID)
    assert driver.state() == "running"
    driver.energy[1] += 499
    driver.meter()
    assert driver.state() == "running"
    driver.energy[1] += 1
    driver.meter()
    assert driver.state() == "stopping"


def test_a_verdict_of_another_upstream_is_stored_and_not_obeyed() -> None:
    driver = Driver()
    driver.charge()
    driver.acknowledge_start(MANAGEMENT, "1", INVALID)
    assert driver.state() == "running"
    assert driver.one(fx.Record).barrier
