"""Statuses: what a condition is called, when it is told, and what is never told."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from agent.ocpp.exchange import Status
from agent.ocpp.v16.status import (
    COMMUNICATION_STATUSES,
    ERROR_CODES,
    START_GRACE_MS,
    WAITING_STATUSES,
    StatusBoard,
    status_of,
)
from agent.vocabulary.events import ChargingState, Condition
from agent.vocabulary.ids import ConnectorId, TransactionId
from agent.vocabulary.moments import Moment
from hal.api import Fault

ONE, STATION = ConnectorId(1), ConnectorId(0)
TX = TransactionId("t")


def condition(at_ms: int = 0, **changes: object) -> Condition:
    return replace(Condition(ONE, Moment(1, at_ms)), **changes)  # type: ignore[arg-type]


def running(charging: ChargingState, has_charged: bool = True, at_ms: int = 20_000, started_ms: int = 0) -> Condition:
    return condition(
        at_ms,
        plugged=True,
        transaction=TX,
        transaction_at=Moment(1, started_ms),
        charging=charging,
        has_charged=has_charged,
    )


@pytest.mark.rule("ocpp16.S10")
@pytest.mark.rule("ocpp16.S11")
@pytest.mark.parametrize(
    ("given", "word"),
    [
        (condition(), "Available"),
        (condition(plugged=True), "Preparing"),
        (condition(authorised=True), "Preparing"),
        (condition(reserved=True), "Reserved"),
        (condition(reserved=True, authorised=True), "Preparing"),
        (condition(finishing=True, plugged=True), "Finishing"),
        (condition(finishing=True, plugged=True, authorised=True), "Preparing"),
        (condition(operative=False), "Unavailable"),
        (condition(operative=False, finishing=True, plugged=True), "Unavailable"),
        (running(ChargingState.CHARGING), "Charging"),
        (running(ChargingState.SUSPENDED_EV), "SuspendedEV"),
        (running(ChargingState.EV_CONNECTED), "SuspendedEV"),
        (running(ChargingState.SUSPENDED_EVSE), "SuspendedEVSE"),
        (replace(running(ChargingState.CHARGING), operative=False), "Charging"),
        (replace(running(ChargingState.CHARGING), fault=Fault.GROUND), "Faulted"),
        (condition(fault=Fault.GROUND, operative=False), "Faulted"),
        (condition(connector=STATION), "Available"),
        (condition(connector=STATION, operative=False), "Unavailable"),
        (condition(connector=STATION, fault=Fault.TAMPER), "Faulted"),
        (condition(connector=STATION, plugged=True, authorised=True), "Available"),
    ],
)
def test_a_condition_has_a_word(given: Condition, word: str) -> None:
    assert status_of(given, 30_000).status == word


@pytest.mark.rule("ocpp16.S10")
def test_at_the_start_preparing_stays_until_the_car_charges_or_ten_seconds_are_over() -> None:
    waiting = running(ChargingState.SUSPENDED_EV, has_charged=False, at_ms=100)
    assert status_of(waiting, START_GRACE_MS - 1).status == "Preparing"
    after = status_of(waiting, START_GRACE_MS)
    assert (after.status, after.at) == ("SuspendedEV", Moment(1, START_GRACE_MS))
    assert status_of(running(ChargingState.CHARGING, at_ms=2_000), 2_000).status == "Charging"
    assert status_of(running(ChargingState.SUSPENDED_EV, at_ms=3_000), 3_000).status == "SuspendedEV"


def test_a_transaction_of_an_earlier_boot_has_no_grace() -> None:
    resumed = replace(running(ChargingState.SUSPENDED_EV, has_charged=False), transaction_at=Moment(0, 10**9))
    assert status_of(resumed, 0).status == "SuspendedEV"


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_has_a_code_as_fault_and_as_warning(fault: Fault) -> None:
    faulted = status_of(condition(fault=fault, detail="bit 7"), 0)
    assert faulted.error_code == ERROR_CODES[fault]
    assert faulted.error_code not in ("NoError", "EVCommunicationError")
    assert faulted.vendor_error_code == "bit 7"
    warned = status_of(condition(warning=fault, plugged=True), 0)
    assert warned.status == "Preparing"
    assert warned.error_code != "NoError"
    if warned.error_code == "EVCommunicationError":
        assert warned.status in COMMUNICATION_STATUSES


def test_the_error_goes_when_the_fault_goes() -> None:
    assert status_of(condition(), 0).error_code == "NoError"
    assert status_of(condition(detail="old"), 0).vendor_error_code == ""


def test_a_hold_of_somebody_else_is_told() -> None:
    assert status_of(condition(operative=False, held_by_other=True), 0).info == "held by another party"


def told(board: StatusBoard) -> list[tuple[int, str]]:
    """Take everything that is to be told now."""
    found = []
    while (status := board.peek()) is not None:
        board.taken(status)
        board.confirmed(status)
        found.append((int(status.connector), status.status))
    return found


def board_of(*conditions: Condition) -> StatusBoard:
    board = StatusBoard()
    for given in conditions:
        board.seen(given)
    return board


@pytest.mark.rule("ocpp16.B02")
def test_after_a_boot_everything_is_told_the_station_first() -> None:
    board = board_of(condition(plugged=True), condition(connector=ConnectorId(2)), condition(connector=STATION))
    assert told(board) == []
    board.listen(0, all_of_them=True)
    assert told(board) == [(0, "Available"), (1, "Preparing"), (2, "Available")]
    board.listen(0, all_of_them=True)
    assert len(told(board)) == 3


@pytest.mark.rule("ocpp16.S20")
def test_the_same_status_is_told_once() -> None:
    board = board_of(condition())
    board.listen(0, all_of_them=True)
    told(board)
    board.seen(condition(5))
    board.advance(5, 0)
    assert told(board) == []


@pytest.mark.rule("ocpp16.S21")
def test_changes_are_told_in_their_order() -> None:
    board = board_of(condition())
    board.listen(0, all_of_them=True)
    told(board)
    for at_ms, plugged in ((1, True), (2, False), (3, True)):
        board.seen(condition(at_ms, plugged=plugged))
        board.advance(at_ms, 0)
    assert told(board) == [(1, "Preparing"), (1, "Available"), (1, "Preparing")]


@pytest.mark.rule("ocpp16.S21")
def test_what_becomes_due_at_once_is_told_in_the_order_of_its_events() -> None:
    two = ConnectorId(2)
    board = board_of(condition(), condition(connector=two))
    board.listen(0, all_of_them=True)
    told(board)
    board.seen(condition(1_000, connector=two, plugged=True))
    board.advance(1_000, 5)
    board.seen(condition(2_000, plugged=True))
    board.advance(2_000, 5)
    board.advance(60_000, 5)
    assert told(board) == [(2, "Preparing"), (1, "Preparing")]


@pytest.mark.rule("ocpp16.S30")
@pytest.mark.parametrize("fault", list(Fault))
def test_a_warning_may_be_told_with_every_status_and_communication_errors_only_with_four(fault: Fault) -> None:
    for given in (condition(), condition(plugged=True), running(ChargingState.CHARGING), condition(finishing=True)):
        status = status_of(replace(given, warning=fault), 30_000)
        assert status.status == status_of(given, 30_000).status
        assert status.error_code != "NoError"
        if status.error_code == "EVCommunicationError":
            assert status.status in COMMUNICATION_STATUSES
            assert fault in (Fault.DIODE, Fault.PILOT)


def test_what_passed_while_nobody_listened_is_not_replayed() -> None:
    board = board_of(condition())
    board.listen(0, all_of_them=True)
    told(board)
    board.stop_listening()
    for at_ms, plugged in ((1, True), (2, False), (3, True)):
        board.seen(condition(at_ms, plugged=plugged))
        board.advance(at_ms, 0)
    board.listen(10, all_of_them=False)
    assert told(board) == [(1, "Preparing")]
    board.stop_listening()
    board.listen(20, all_of_them=False)
    assert told(board) == []


def test_what_was_not_confirmed_is_told_again_after_a_reconnect() -> None:
    board = board_of(condition())
    board.listen(0, all_of_them=True)
    status = board.peek()
    assert status is not None
    board.taken(status)
    board.stop_listening()
    board.listen(1, all_of_them=False)
    assert told(board) == [(1, "Available")]


@pytest.mark.rule("ocpp16.S20")
def test_a_status_that_does_not_last_is_never_told() -> None:
    board = board_of(condition())
    board.listen(0, all_of_them=True)
    told(board)
    board.seen(condition(1_000, plugged=True))
    board.advance(1_000, 5)
    assert board.next_deadline(5) == 6_000
    board.seen(condition(3_000))
    board.advance(3_000, 5)
    board.advance(60_000, 5)
    assert told(board) == []
    assert board.next_deadline(5) is None


@pytest.mark.rule("ocpp16.S20")
def test_a_status_that_lasts_is_told_once_with_the_time_of_its_event() -> None:
    board = board_of(condition())
    board.listen(0, all_of_them=True)
    told(board)
    board.seen(condition(1_000, plugged=True))
    board.advance(1_000, 5)
    board.advance(5_999, 5)
    assert told(board) == []
    board.advance(6_000, 5)
    status = board.peek()
    assert status is not None
    assert status.at == Moment(1, 1_000)
    assert told(board) == [(1, "Preparing")]


def test_a_normal_start_reads_preparing_charging_and_a_waiting_car_preparing_suspended() -> None:
    for charging, words in (
        (ChargingState.CHARGING, ["Preparing", "Charging"]),
        (ChargingState.SUSPENDED_EV, ["Preparing", "SuspendedEV"]),
    ):
        board = board_of(condition())
        board.listen(0, all_of_them=True)
        told(board)
        found = []
        for given in (
            condition(10, plugged=True),
            running(ChargingState.EV_CONNECTED, has_charged=False, at_ms=500, started_ms=500),
            running(charging, has_charged=charging is ChargingState.CHARGING, at_ms=2_000, started_ms=500),
        ):
            board.seen(given)
            board.advance(given.at.monotonic_ms, 0)
            found += told(board)
        deadline = board.next_deadline(0)
        if deadline is not None:
            board.advance(deadline, 0)
            found += told(board)
        assert [word for _, word in found] == words
        assert board.next_deadline(0) is None


def test_what_waits_is_bounded_and_the_newest_stays() -> None:
    board = board_of(condition())
    board.listen(0, all_of_them=True)
    told(board)
    for step in range(10 * WAITING_STATUSES):
        board.seen(condition(step, plugged=step % 2 == 0))
        board.advance(step, 0)
    board.seen(condition(10**6, fault=Fault.GROUND))
    board.advance(10**6, 0)
    found = told(board)
    assert len(found) <= WAITING_STATUSES
    assert found[-1] == (1, "Faulted")


@pytest.mark.parametrize("minimum_s", [0, 3])
def test_a_random_life_ends_with_the_truth_told_and_no_deadline_in_the_past(minimum_s: int) -> None:
    chance = random.Random(minimum_s)
    board, last = board_of(condition()), None
    board.listen(0, all_of_them=True)
    now_ms = 0
    for _ in range(3_000):
        now_ms += chance.randrange(4_000)
        charging = chance.choice(list(ChargingState))
        given = chance.choice(
            [
                condition(now_ms, plugged=chance.random() < 0.5, finishing=chance.random() < 0.2),
                condition(now_ms, operative=False),
                condition(now_ms, fault=Fault.GROUND),
                running(charging, charging is ChargingState.CHARGING, now_ms, now_ms - chance.randrange(12_000)),
            ]
        )
        board.seen(given)
        board.advance(now_ms, minimum_s)
        deadline = board.next_deadline(minimum_s)
        assert deadline is None or deadline > now_ms
        for _, word in told(board):
            assert word != last
            last = word
    for _ in range(5):
        now_ms = max(now_ms, board.next_deadline(minimum_s) or now_ms)
        board.advance(now_ms, minimum_s)
        for _, word in told(board):
            last = word
    assert last == status_of(given, now_ms).status


def test_statuses_differ_by_what_the_peer_would_read() -> None:
    one = Status(ONE, "Available", "NoError", Moment(1, 0))
    assert one.same(replace(one, at=Moment(1, 9)))
    assert not one.same(replace(one, info="x"))
    assert not one.same(None)
