"""Connectors that need no card: free ones, and those with a key switch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.vocabulary import effects as fx
from agent.vocabulary.commands import RemoteStart, RemoteStop, ResultStatus
from agent.vocabulary.events import StopReason, Trigger
from agent.vocabulary.ids import MANAGEMENT, ConnectorId, EvseAddress, EvseId, IdToken, TransactionId
from agent.vocabulary.inputs import Registration
from agent.vocabulary.moments import Moment
from agent.vocabulary.options import AfterPowerLoss, AuthorisePolicy
from agent.vocabulary.records import LadderStep, NoteAccepted, Snapshot, TransactionRecord
from hal.api import KeySeen
from tests.agent.station.driver import CARD, INVALID, PRIMARY, SOCKET, WALL, Driver, connector

WITH_KEY = replace(SOCKET, key_input=True)
HOUSE = IdToken("HOUSE-7")


def free(**more: Any) -> Driver:
    return Driver([connector(authorise=AuthorisePolicy.FREE, free_token=HOUSE)], **more)


def key(**more: Any) -> Driver:
    return Driver([connector(capabilities=WITH_KEY, authorise=AuthorisePolicy.KEY_INPUT, free_token=HOUSE)], **more)


def turn(driver: Driver, on: bool) -> list[fx.Effect]:
    return driver.give(KeySeen(1, on))


def run(driver: Driver) -> None:
    """From a plugged and authorised car until energy flows."""
    driver.locked()
    driver.answer_meter()
    driver.pilot("C", True)
    driver.current[1] = 10.0
    driver.contactor(True)
    driver.meter()


@pytest.mark.rule("product.N1")
def test_a_cable_starts_while_the_key_is_on_and_the_tag_is_the_configured_one() -> None:
    driver = key()
    turn(driver, False)
    driver.plug()
    assert driver.state() == "waiting_card"
    turn(driver, True)
    assert driver.state() == "locking"
    run(driver)
    row = driver.rows(PRIMARY)[0].event
    assert (row.token, row.trigger) == (HOUSE, Trigger.AUTHORIZED)
    assert driver.entries(LadderStep)[-1].rule == "key_on"
    assert not driver.all(fx.Ask)


@pytest.mark.rule("product.N1")
def test_turning_the_key_off_ends_the_session_with_local() -> None:
    driver = key()
    turn(driver, True)
    driver.plug()
    run(driver)
    assert driver.all(fx.Withdraw, turn(driver, False))
    driver.finish()
    stop = driver.rows(PRIMARY)[-1].event
    assert (stop.reason, stop.token) == (StopReason.LOCAL, HOUSE)
    assert driver.state() == "finished"


@pytest.mark.rule("product.N1")
def test_turning_the_key_off_before_the_start_gives_up() -> None:
    driver = key()
    turn(driver, True)
    driver.plug()
    turn(driver, False)
    driver.locked()
    assert driver.state() == "finished"
    assert driver.rows(PRIMARY) == []


@pytest.mark.rule("product.N1")
def test_after_a_remote_stop_the_key_has_to_be_turned_anew() -> None:
    driver = key()
    turn(driver, True)
    driver.plug()
    run(driver)
    driver.acknowledge_start(PRIMARY, "7")
    driver.command(PRIMARY, RemoteStop("7"))
    driver.finish()
    driver.locked(False)
    driver.pass_time(5)
    turn(driver, True)
    assert driver.state() == "finished"
    turn(driver, False)
    turn(driver, True)
    assert driver.state() == "locking"


@pytest.mark.rule("product.N1")
def test_a_remote_start_needs_no_key() -> None:
    driver = key()
    turn(driver, False)
    driver.plug()
    result = driver.command(PRIMARY, RemoteStart(IdToken(CARD)))
    assert result is not None
    assert result.status is ResultStatus.ACCEPTED
    driver.verdict()
    run(driver)
    turn(driver, False)
    assert driver.state() == "running"
    turn(driver, True)
    turn(driver, False)
    assert driver.state() == "stopping"


@pytest.mark.rule("product.N1")
@pytest.mark.parametrize("make", [free, key])
def test_a_card_means_nothing_there(make: Any) -> None:
    driver = make()
    driver.card()
    assert driver.entries(LadderStep)[-1].rule == "no card is needed here"
    assert driver.state() == "free"


@pytest.mark.rule("product.N1")
def test_a_key_on_a_connector_with_cards_does_nothing() -> None:
    driver = Driver()
    driver.plug()
    turn(driver, True)
    assert driver.state() == "waiting_card"
    driver.card()
    driver.verdict()
    driver.locked()
    driver.answer_meter()
    turn(driver, False)
    assert driver.state() == "running"


@pytest.mark.rule("product.N1")
@pytest.mark.rule("ocpp16.X06")
def test_a_tag_that_is_not_accepted_ends_the_session_and_the_cable_is_let_go() -> None:
    driver = free()
    driver.plug()
    run(driver)
    driver.acknowledge_start(PRIMARY, "1", INVALID)
    driver.finish()
    assert driver.rows(PRIMARY)[-1].event.reason is StopReason.DE_AUTHORIZED
    assert driver.all(fx.DriveLock)[-1] == fx.DriveLock(ConnectorId(1), False)  # no card could ever come back for it


@pytest.mark.rule("ocpp16.B12")
@pytest.mark.rule("ocpp16.B13")
@pytest.mark.parametrize("make", [free, key])
@pytest.mark.parametrize("allowed", [True, False])
def test_before_the_first_acceptance_they_charge_only_if_the_factory_lets_them(make: Any, allowed: bool) -> None:
    driver = make(online=False, free_before_accepted=allowed)
    turn(driver, True)
    driver.plug()
    assert (driver.state() == "locking") is allowed
    driver.connect(PRIMARY, Registration.PENDING)
    assert (driver.state() == "locking") is allowed
    driver.connect(PRIMARY)
    assert driver.state() == "locking"


@pytest.mark.rule("ocpp16.B12")
def test_acceptance_is_remembered_once_and_for_the_next_life() -> None:
    driver = free()
    driver.disconnect(PRIMARY)
    driver.connect(PRIMARY)
    assert driver.entries(NoteAccepted) == [NoteAccepted(MANAGEMENT), NoteAccepted(PRIMARY)]
    driver = free(online=False, free_before_accepted=False, snapshot=Snapshot(1, False, accepted=(PRIMARY,)))
    driver.plug()
    assert driver.state() == "locking"
    driver.connect(PRIMARY)
    assert driver.entries(NoteAccepted) == []


def interrupted() -> Snapshot:
    record = TransactionRecord(
        TransactionId("t"),
        EvseAddress(EvseId(1), ConnectorId(1)),
        HOUSE,
        PRIMARY,
        Moment(1, 0, WALL),
        990,
        Trigger.AUTHORIZED,
        last_at=Moment(1, 5000, WALL + 5000),
        last_energy_wh=1000,
        told=(PRIMARY,),
    )
    return Snapshot(1, True, open_transactions=(record,))


@pytest.mark.rule("product.N2")
@pytest.mark.parametrize("position", [True, False, None])
def test_a_session_of_the_key_is_resumed_only_while_the_key_is_on(position: bool | None) -> None:
    driver = key(snapshot=interrupted(), ready=False, after_power_loss=AfterPowerLoss.RESUME)
    driver.hardware_ready()
    driver.locked()
    driver.pilot("B")
    if position is not None:
        turn(driver, position)
    driver.answer_meter()
    driver.pass_time(6)
    assert (driver.state() == "running") is (position is True)
    if not position:
        assert driver.rows(PRIMARY)[-1].event.reason is StopReason.REBOOT


@pytest.mark.rule("product.N1")
@pytest.mark.rule("product.N2")
@pytest.mark.parametrize(("make", "position", "anew"), [(free, None, True), (key, True, True), (key, False, False)])
def test_what_a_power_cut_ended_begins_anew_where_nobody_has_to_be_asked(
    make: Any, position: bool | None, anew: bool
) -> None:
    driver = make(snapshot=interrupted(), ready=False)
    driver.hardware_ready()
    driver.pilot("B")
    if position is not None:
        turn(driver, position)
    driver.answer_meter()
    assert driver.rows(PRIMARY)[-1].event.reason is StopReason.REBOOT
    assert (driver.state() == "locking") is anew
