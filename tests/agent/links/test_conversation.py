"""The talk with one upstream: order, states, time-outs. Pure: no socket, no loop, a clock moved by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from agent.ocpp.rpc import OPEN_CALLS
from agent.vocabulary.commands import GetOptions, RemoteStop, Reset, Result, ResultStatus, SetOption
from agent.vocabulary.effects import Answer, Ask, OptionsChanged, Publish, Reconnect, RequestCertificate
from agent.vocabulary.events import Condition, ConditionChanged
from agent.vocabulary.ids import ConnectorId, IdToken, TransactionId, UpstreamId
from agent.vocabulary.inputs import (
    AuthorizeAnswered,
    CommandReceived,
    MessageAcknowledged,
    MessageFailed,
    NoticeAnswered,
    Registration,
    SecurityEventSeen,
    UpstreamChanged,
    UpstreamHeard,
)
from agent.vocabulary.moments import Moment
from agent.vocabulary.options import UpstreamOptions
from agent.vocabulary.outbox import NoticeRow, RowKind
from agent.vocabulary.records import AuthorizationStatus, Verdict
from agent.vocabulary.security import SecurityEventKind
from tests.agent.links.conftest import UPSTREAM, WALL, Talk, row

TX = TransactionId("t")
ACCEPTED = Result(ResultStatus.ACCEPTED)


def publish(connector: int = 1, plugged: bool = False) -> Publish:
    return Publish(UPSTREAM, ConditionChanged(Condition(ConnectorId(connector), Moment(1, 0), plugged=plugged)))


def ask(number: int = 1, deadline_s: float = 10) -> Ask:
    return Ask(number, UPSTREAM, IdToken("04A1"), deadline_s)


# ------------------------------------------------------------------------------------------------ registration


@pytest.mark.rule("ocpp16.B01")
def test_the_boot_is_the_first_and_only_call_until_it_is_answered(talk: Talk) -> None:
    talk.talk.tell(publish(), 0)
    talk.talk.head(row(), 0)
    talk.talk.connected(0)
    talk.talk.tell(publish(plugged=True), 0)
    assert talk.actions() == ["BootNotification"]
    talk.wait(29)
    assert talk.actions() == []


@pytest.mark.rule("ocpp16.B02")
@pytest.mark.rule("ocpp16.Y08")
def test_accepted_is_followed_by_all_statuses_the_station_first_and_then_the_queue(talk: Talk) -> None:
    for connector in (2, 1, 0):
        talk.talk.tell(publish(connector), 0)
    talk.talk.head(row(), 0)
    talk.boot()
    connectors = []
    for _ in range(3):
        call = talk.answer()
        assert call[2] == "StatusNotification"
        connectors.append(call[3]["connectorId"])
    assert connectors == [0, 1, 2]
    assert talk.actions() == ["StartTransaction"]


@pytest.mark.rule("ocpp16.B02")
def test_the_time_of_the_boot_and_of_heartbeats_is_offered(talk: Talk) -> None:
    talk.boot(interval=60)
    talk.wait(60)
    talk.answer({"currentTime": "2026-05-28T20:27:40Z"})
    assert list(talk.talk.output.times) == [1_780_000_000_000, 1_780_000_060_000]


def test_the_station_learns_each_state(talk: Talk) -> None:
    talk.boot("Pending", 5)
    talk.wait(5)
    talk.answer({"status": "Accepted", "interval": 60})
    talk.talk.disconnected(talk.now_ms)
    assert talk.inputs() == [
        UpstreamChanged(UPSTREAM, True, Registration.UNKNOWN),
        UpstreamChanged(UPSTREAM, True, Registration.PENDING),
        UpstreamChanged(UPSTREAM, True, Registration.ACCEPTED),
        UpstreamChanged(UPSTREAM, False, Registration.ACCEPTED),
    ]


@pytest.mark.rule("ocpp16.B03")
def test_pending_serves_calls_but_for_transactions_and_says_nothing_itself(talk: Talk) -> None:
    talk.boot("Pending", 100)
    talk.sent()
    talk.talk.tell(publish(), 0)
    talk.talk.head(row(), 0)
    talk.comes(2, "p1", "GetConfiguration", {})
    assert isinstance(talk.news()[0], CommandReceived)
    talk.talk.tell(Answer(UPSTREAM, 1, ACCEPTED), 0)
    talk.comes(2, "p2", "RemoteStartTransaction", {"idTag": "A"})
    talk.comes(2, "p3", "RemoteStopTransaction", {"transactionId": 1})
    answers = talk.sent()
    assert [frame[:2] for frame in answers] == [[3, "p1"], [3, "p2"], [3, "p3"]]
    assert answers[1][2] == answers[2][2] == {"status": "Rejected"}
    talk.wait(99)
    assert talk.sent() == []
    talk.wait(1)
    assert talk.actions() == ["BootNotification"]


@pytest.mark.rule("ocpp16.B04")
def test_calls_that_were_not_answered_while_rejected_leave_nothing_open(talk: Talk) -> None:
    talk.boot("Rejected", 100)
    for number in range(2 * OPEN_CALLS):
        talk.comes(2, f"p{number}", "GetConfiguration", {})
    talk.wait(100)
    talk.answer({"status": "Accepted", "currentTime": WALL, "interval": 300})
    talk.inputs()
    talk.sent()
    talk.comes(2, "p", "GetConfiguration", {})
    assert talk.news() == [CommandReceived(UPSTREAM, 1, GetOptions())]


@pytest.mark.rule("ocpp16.B04")
def test_rejected_answers_nothing_until_the_interval_is_over(talk: Talk) -> None:
    talk.boot("Rejected", 100)
    talk.sent()
    talk.comes(2, "p1", "GetConfiguration", {})
    talk.comes(2, "p2", "MakeCoffee", {})
    talk.wait(99)
    talk.comes(2, "p3", [], {})
    assert talk.sent() == []
    assert [type(given) for given in talk.news()] == [SecurityEventSeen]
    talk.wait(1)
    assert talk.actions() == ["BootNotification"]
    talk.comes(2, "p4", "MakeCoffee", {})
    assert talk.sent()[0][:3] == [4, "p4", "NotImplemented"]


@pytest.mark.rule("ocpp16.B06")
@pytest.mark.parametrize("answer", [[4, "own-1", "InternalError", "", {}], [3, "own-1", {}], [3, "own-1", []]])
def test_a_useless_boot_answer_is_tried_again_later(talk: Talk, answer: list[Any]) -> None:
    talk.talk.connected(0)
    talk.comes(*answer)
    talk.sent()
    talk.wait(9)
    assert talk.sent() == []
    talk.wait(1)
    assert talk.actions() == ["BootNotification"]


@pytest.mark.rule("ocpp16.B06")
def test_a_late_acceptance_of_a_boot_counts(talk: Talk) -> None:
    talk.talk.connected(0)
    talk.wait(31)
    talk.comes(3, "own-1", {"status": "Accepted", "interval": 60})
    assert talk.inputs()[-1] == UpstreamChanged(UPSTREAM, True, Registration.ACCEPTED)


@pytest.mark.rule("ocpp16.J19")
@pytest.mark.rule("ocpp16.B07")
def test_a_reconnect_tells_what_changed_and_boots_nothing(booted: Talk) -> None:
    booted.talk.tell(publish(0), 0)
    booted.answer()
    booted.talk.tell(publish(1), 0)
    booted.answer()
    booted.talk.disconnected(booted.now_ms)
    booted.talk.tell(publish(1, plugged=True), 0)
    booted.talk.tell(publish(1), 0)
    booted.talk.tell(publish(1, plugged=True), 0)
    booted.talk.connected(5)
    call = booted.answer()
    assert (call[2], call[3]["status"]) == ("StatusNotification", "Preparing")
    assert booted.sent() == []


def test_a_reconnect_boots_where_the_option_asks(booted: Talk) -> None:
    booted.options = replace(booted.options, boot_on_reconnect=True)
    booted.talk.disconnected(booted.now_ms)
    booted.talk.connected(5)
    assert booted.actions() == ["BootNotification"]


@pytest.mark.rule("ocpp16.B10")
def test_a_heartbeat_follows_silence_only(talk: Talk) -> None:
    talk.boot(interval=60)
    talk.wait(50)
    talk.comes(2, "p1", "MakeCoffee", {})
    talk.sent()
    talk.wait(59)
    assert talk.actions() == []
    talk.wait(1)
    assert talk.actions() == ["Heartbeat"]


@pytest.mark.rule("ocpp16.K09")
def test_a_written_heartbeat_interval_counts_at_once_and_is_read_back(booted: Talk) -> None:
    booted.comes(2, "p1", "ChangeConfiguration", {"key": "HeartbeatInterval", "value": "20"})
    assert booted.news() == [CommandReceived(UPSTREAM, 1, SetOption("heartbeat_interval_s", 20))]
    booted.talk.tell(Answer(UPSTREAM, 1, ACCEPTED), 0)
    booted.sent()
    booted.wait(19)
    assert booted.actions() == []
    booted.wait(1)
    assert booted.actions() == ["Heartbeat"]


# ----------------------------------------------------------------------------------------------------- calls


@pytest.mark.rule("ocpp16.J05")
def test_calls_of_the_peer_are_answered_while_an_own_call_is_in_flight(booted: Talk) -> None:
    booted.talk.tell(ask(), 0)
    assert booted.actions() == ["Authorize"]
    booted.comes(2, "p1", "DataTransfer", {"vendorId": "x"})
    assert booted.sent() == [[3, "p1", {"status": "UnknownVendorId"}]]


@pytest.mark.rule("ocpp16.J10")
def test_a_repeated_call_is_not_executed_twice_even_on_the_next_link(booted: Talk) -> None:
    booted.comes(2, "p1", "Reset", {"type": "Soft"})
    booted.talk.tell(Answer(UPSTREAM, 1, ACCEPTED), 0)
    first = booted.sent()
    booted.talk.disconnected(booted.now_ms)
    booted.talk.connected(1)
    booted.inputs()
    booted.comes(2, "p1", "Reset", {"type": "Soft"})
    assert booted.sent() == first == [[3, "p1", {"status": "Accepted"}]]
    assert booted.news() == []


def test_a_question_while_the_link_is_down_is_answered_with_nothing_at_once(booted: Talk) -> None:
    booted.talk.disconnected(booted.now_ms)
    booted.inputs()
    booted.talk.tell(ask(), 0)
    assert booted.news() == [AuthorizeAnswered(1, UPSTREAM, None)]


@pytest.mark.rule("ocpp16.B10")
def test_a_backend_that_asks_all_day_gets_one_heartbeat_a_day(booted: Talk) -> None:
    beats = []
    for number in range(26 * 60):
        booted.wait(60)
        booted.comes(2, f"p{number}", "DataTransfer", {"vendorId": "x"})
        for frame in booted.sent():
            if frame[0] == 2:
                beats.append(booted.now_ms)
                booted.comes(3, frame[1], {"currentTime": WALL})
    assert beats == [86_400_000]


@pytest.mark.rule("product.P8")
def test_a_remote_stop_with_an_id_of_yesterday_is_executed(booted: Talk) -> None:
    booted.comes(2, "1", "RemoteStopTransaction", {"transactionId": 5})
    booted.talk.tell(Answer(UPSTREAM, 1, ACCEPTED), 0)
    booted.inputs()
    booted.now_ms += 24 * 3_600_000
    booted.comes(2, "1", "RemoteStopTransaction", {"transactionId": 5})
    assert booted.news() == [CommandReceived(UPSTREAM, 2, RemoteStop("5"))]


def test_a_command_that_the_station_does_not_decide_gets_an_error(booted: Talk) -> None:
    booted.comes(2, "p1", "RemoteStopTransaction", {"transactionId": 5})
    assert booted.news() == [CommandReceived(UPSTREAM, 1, RemoteStop("5"))]
    booted.wait(19.9)
    assert booted.sent() == []
    booted.wait(0.1)
    assert booted.sent()[0][:3] == [4, "p1", "InternalError"]
    booted.talk.tell(Answer(UPSTREAM, 1, ACCEPTED), booted.now_ms)
    assert booted.sent() == []


def test_a_command_dies_with_its_link(booted: Talk) -> None:
    booted.comes(2, "p1", "Reset", {"type": "Hard"})
    assert booted.news() == [CommandReceived(UPSTREAM, 1, Reset(hard=True))]
    booted.talk.disconnected(booted.now_ms)
    assert booted.talk.next_deadline() is None
    booted.talk.connected(1)
    booted.talk.tell(Answer(UPSTREAM, 1, ACCEPTED), 1)
    assert booted.sent() == []
    booted.comes(2, "p2", "GetConfiguration", {})
    assert booted.news()[-1] == CommandReceived(UPSTREAM, 2, GetOptions())


def test_a_mistake_in_a_parser_costs_one_call(booted: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    from agent.ocpp.v16 import parse

    monkeypatch.setitem(parse._VALIDATORS, "Reset", lambda payload: 1 / 0)
    booted.comes(2, "p1", "Reset", {"type": "Soft"})
    assert booted.sent()[0][:3] == [4, "p1", "InternalError"]


@pytest.mark.rule("ocpp16.J08")
def test_noise_is_counted_and_noted_rarely(booted: Talk) -> None:
    booted.talk.output.notes.clear()
    for _ in range(1_000):
        booted.talk.receive("noise", 0)
        booted.comes(3, "nobody", {})
    assert booted.sent() == []
    assert len(booted.talk.output.notes) == 4


# -------------------------------------------------------------------------------------------------- questions


def test_a_card_is_asked_about_before_anything_that_waits(booted: Talk) -> None:
    booted.talk.head(row(), 0)
    booted.talk.tell(publish(), 0)
    booted.talk.tell(ask(), 0)
    booted.answer({"transactionId": 1})
    call = booted.answer({"idTagInfo": {"status": "Accepted", "parentIdTag": "P", "expiryDate": None}})
    assert (call[2], call[3]) == ("Authorize", {"idTag": "04A1"})
    verdict = Verdict(AuthorizationStatus.ACCEPTED, parent=IdToken("P"))
    assert booted.news()[-1] == AuthorizeAnswered(1, UPSTREAM, verdict)
    assert booted.actions() == ["StatusNotification"]


def test_without_a_registered_link_the_answer_is_none_at_once(talk: Talk) -> None:
    talk.talk.tell(ask(1), 0)
    talk.talk.connected(0)
    talk.talk.tell(ask(2), 0)
    assert talk.news() == [AuthorizeAnswered(1, UPSTREAM, None), AuthorizeAnswered(2, UPSTREAM, None)]
    assert talk.actions() == ["BootNotification"]


@pytest.mark.rule("product.H5")
def test_a_late_answer_is_nothing(booted: Talk) -> None:
    booted.talk.tell(ask(), 0)
    call = booted.sent()[0]
    booted.wait(10)
    assert booted.news() == [AuthorizeAnswered(1, UPSTREAM, None)]
    booted.comes(3, call[1], {"idTagInfo": {"status": "Accepted"}})
    booted.wait(60)
    assert booted.news() == []


@pytest.mark.parametrize("answer", [[4, "GenericError", "", {}], [3, {}], [3, {"idTagInfo": 1}], [3, []]])
def test_a_useless_answer_is_none(booted: Talk, answer: list[Any]) -> None:
    booted.talk.tell(ask(), 0)
    call = booted.sent()[0]
    booted.comes(answer[0], call[1], *answer[1:])
    assert booted.news() == [AuthorizeAnswered(1, UPSTREAM, None)]


def test_open_questions_end_with_the_link_once(booted: Talk) -> None:
    booted.talk.tell(ask(1), 0)
    booted.talk.tell(ask(2), 0)
    booted.talk.disconnected(booted.now_ms)
    assert booted.news() == [AuthorizeAnswered(1, UPSTREAM, None), AuthorizeAnswered(2, UPSTREAM, None)]
    booted.talk.connected(1)
    booted.wait(60)
    assert booted.news() == []


def test_a_question_that_waits_behind_a_slow_one_still_meets_its_deadline(booted: Talk) -> None:
    booted.talk.tell(ask(1), 0)
    booted.wait(5)
    booted.talk.tell(ask(2), booted.now_ms)
    booted.wait(9.9)
    assert booted.news() == [AuthorizeAnswered(1, UPSTREAM, None)]
    booted.wait(0.1)
    assert booted.news() == [AuthorizeAnswered(2, UPSTREAM, None)]
    assert booted.actions() == ["Authorize"]


# ------------------------------------------------------------------------------------------------ transactions


@pytest.mark.rule("ocpp16.X20")
def test_rows_go_one_after_another_and_only_after_the_store_has_moved(booted: Talk) -> None:
    booted.talk.head(row("m1"), 0)
    call = booted.answer({"transactionId": 7, "idTagInfo": {"status": "Accepted"}})
    assert call[1] == "m1"
    assert booted.news() == [
        MessageAcknowledged(UPSTREAM, "m1", TX, "7", Verdict(AuthorizationStatus.ACCEPTED)),
    ]
    booted.talk.head(row("m1"), 0)
    booted.wait(200)
    assert booted.actions() == []
    booted.talk.head(row("m2", RowKind.SAMPLE), booted.now_ms)
    booted.answer()
    assert booted.news() == [MessageAcknowledged(UPSTREAM, "m2", TX)]
    booted.talk.head(row("m3", RowKind.STOP), booted.now_ms)
    booted.answer({"idTagInfo": {"status": "Expired"}})
    assert booted.news() == [
        MessageAcknowledged(UPSTREAM, "m3", TX, None, Verdict(AuthorizationStatus.EXPIRED)),
    ]


def test_a_row_that_is_fresh_goes_before_the_status_that_follows_from_it(booted: Talk) -> None:
    booted.talk.head(None, 0)  # everything was delivered
    booted.rows_to_come = True
    booted.talk.tell(publish(), 0)
    assert booted.actions() == []
    booted.rows_to_come = False
    booted.talk.head(row("m1", RowKind.STOP), 0)
    assert booted.answer()[2] == "StartTransaction"
    assert booted.actions() == ["StatusNotification"]


def test_a_status_does_not_wait_for_a_queue_that_is_behind(booted: Talk) -> None:
    booted.talk.head(row("m1", RowKind.STOP), 0)
    booted.comes(4, "m1", "InternalError", "", {})
    booted.actions()
    booted.rows_to_come = True
    booted.talk.tell(publish(), 0)
    assert booted.answer()[2] == "StatusNotification"
    booted.wait(60)
    booted.answer()
    booted.talk.head(row("m2", RowKind.STOP), booted.now_ms)
    booted.answer()
    booted.talk.tell(publish(plugged=True), booted.now_ms)
    assert booted.actions() == ["StatusNotification"]


@pytest.mark.rule("ocpp16.X22")
def test_failures_wait_n_intervals_and_end_after_the_attempts(booted: Talk) -> None:
    booted.talk.head(row(), 0)
    tries = []
    for _ in range(3):
        call = next(frame for frame in booted.sent() if frame[2] == "StartTransaction")
        tries.append(booted.now_ms)
        booted.comes(4, call[1], "InternalError", "", {})
        booted.wait(0 if len(tries) == 3 else 60 * len(tries))
    assert tries == [0, 60_000, 180_000]
    failed = booted.news()
    assert [(f.attempts, f.given_up) for f in failed if isinstance(f, MessageFailed)] == [
        (1, False),
        (2, False),
        (3, True),
    ]
    booted.talk.head(row(attempts=3), booted.now_ms)
    booted.wait(250)
    assert booted.actions() == []


@pytest.mark.rule("ocpp16.X22")
def test_attempts_go_on_where_an_earlier_run_left_them(booted: Talk) -> None:
    booted.talk.head(row(attempts=2), 0)
    call = booted.sent()[0]
    booted.comes(4, call[1], "InternalError", "", {})
    failed = booted.news()[0]
    assert isinstance(failed, MessageFailed)
    assert (failed.attempts, failed.given_up) == (3, True)


@pytest.mark.rule("ocpp16.X26")
def test_a_row_that_waits_for_its_retry_holds_nothing_else_up(booted: Talk) -> None:
    booted.talk.head(row(), 0)
    booted.comes(4, booted.sent()[0][1], "InternalError", "", {})
    booted.talk.tell(publish(), 0)
    assert booted.actions() == ["StatusNotification"]


@pytest.mark.rule("ocpp16.X24")
def test_what_is_sent_again_is_byte_identical(booted: Talk) -> None:
    booted.talk.head(row(), 0)
    first = list(booted.talk.output.texts)
    booted.talk.disconnected(booted.now_ms)
    booted.talk.connected(1)
    assert list(booted.talk.output.texts) == first == [row().frame]
    assert booted.news() == []


@pytest.mark.rule("product.settled.time-out")
@pytest.mark.rule("ocpp16.X22")
def test_a_time_out_on_a_silent_link_closes_it_and_does_not_count(booted: Talk) -> None:
    booted.talk.head(row(), 0)
    booted.wait(30)
    assert booted.talk.fault is not None
    assert booted.news() == []
    booted.talk.disconnected(booted.now_ms)
    booted.talk.connected(booted.now_ms)
    assert booted.talk.fault is None
    booted.answer()
    assert booted.actions() == ["StartTransaction"]


def hang_once(booted: Talk) -> None:
    """The head is not answered, nothing else comes, the link is closed and dialled anew."""
    booted.talk.head(row(), 0)
    booted.wait(30)
    assert booted.talk.fault is not None
    booted.sent()
    booted.talk.disconnected(booted.now_ms)
    booted.talk.connected(booted.now_ms)


@pytest.mark.rule("product.settled.time-out")
@pytest.mark.rule("ocpp16.X22")
def test_a_head_that_found_a_silent_link_waits_until_the_next_link_has_proved_itself(booted: Talk) -> None:
    hang_once(booted)
    assert booted.actions() == ["Heartbeat"]
    booted.wait(29)
    assert booted.actions() == []
    booted.wait(31)
    assert booted.talk.fault is not None, "a link on which nothing is answered is dead"
    assert booted.news() == []


@pytest.mark.rule("product.settled.time-out")
@pytest.mark.rule("ocpp16.X22")
def test_a_head_that_is_never_answered_by_a_backend_that_answers_everything_else_is_given_up(booted: Talk) -> None:
    hang_once(booted)
    tries = []
    for seconds in (60, 120, 0):
        assert booted.answer()[2] == "Heartbeat"
        assert booted.actions() == ["StartTransaction"]
        booted.wait(30)
        assert booted.talk.fault is None
        tries += [given for given in booted.news() if isinstance(given, MessageFailed)]
        booted.wait(seconds)
    assert [(failed.attempts, failed.given_up) for failed in tries] == [(1, False), (2, False), (3, True)]


@pytest.mark.rule("product.settled.time-out")
def test_the_first_silence_is_the_links_fault_even_right_behind_an_answered_call(booted: Talk) -> None:
    booted.talk.tell(publish(), 0)
    booted.talk.head(row(), 0)
    assert booted.answer()[2] == "StatusNotification"
    assert booted.actions() == ["StartTransaction"]
    booted.wait(30)
    assert booted.talk.fault is not None
    assert booted.news() == []


def test_a_proof_counts_for_its_own_link_only(booted: Talk) -> None:
    hang_once(booted)
    booted.answer()
    assert booted.actions() == ["StartTransaction"]
    booted.talk.disconnected(booted.now_ms)
    booted.talk.connected(booted.now_ms)
    assert booted.actions() == ["Heartbeat"]


def test_the_row_behind_a_head_that_hung_needs_no_proof(booted: Talk) -> None:
    hang_once(booted)
    booted.answer()
    booted.answer({"transactionId": 7})
    booted.talk.head(row("m2", RowKind.SAMPLE), booted.now_ms)
    assert booted.actions() == ["StartTransaction"]


@pytest.mark.rule("product.settled.time-out")
@pytest.mark.rule("ocpp16.X22")
@pytest.mark.parametrize("frame", [(2, "p1", "MakeCoffee", {}), (3, "x", {}), (4, "x", "GenericError", "", {})])
def test_a_time_out_on_a_link_that_talks_counts(booted: Talk, frame: tuple[Any, ...]) -> None:
    booted.talk.head(row(), 0)
    booted.wait(10)
    booted.comes(*frame)
    booted.wait(20)
    assert booted.talk.fault is None
    failed = booted.news()[0]
    assert isinstance(failed, MessageFailed)
    assert (failed.attempts, failed.given_up) == (1, False)


@pytest.mark.rule("ocpp16.X25")
def test_a_late_answer_to_the_head_is_taken_instead_of_sending_it_again(booted: Talk) -> None:
    booted.talk.head(row(), 0)
    booted.wait(10)
    booted.comes(2, "p1", "MakeCoffee", {})
    booted.wait(25)
    booted.news()
    booted.comes(3, "m1", {"transactionId": 9})
    assert booted.news() == [MessageAcknowledged(UPSTREAM, "m1", TX, "9", None)]
    booted.sent()
    booted.wait(100)
    assert booted.actions() == []


def test_a_late_refusal_of_the_head_does_not_count_twice(booted: Talk) -> None:
    booted.talk.head(row(), 0)
    booted.wait(10)
    booted.comes(2, "p1", "MakeCoffee", {})
    booted.wait(25)
    assert len(booted.news()) == 1
    booted.comes(4, "m1", "InternalError", "", {})
    assert booted.news() == []


def test_a_start_without_an_id_counts_as_failed(booted: Talk) -> None:
    booted.talk.head(row(), 0)
    booted.answer({"idTagInfo": {"status": "Accepted"}})
    failed = booted.news()[0]
    assert isinstance(failed, MessageFailed)
    assert "transactionId" in failed.why


@pytest.mark.rule("ocpp16.X23")
def test_a_row_that_is_not_written_yet_waits_and_is_sent_when_it_is(booted: Talk) -> None:
    booted.talk.head(row(written=False), 0)
    assert booted.actions() == []
    booted.talk.head(row(), 0)
    assert booted.actions() == ["StartTransaction"]


def test_an_empty_outbox_says_nothing_and_a_parked_row_can_come_back(booted: Talk) -> None:
    booted.options = replace(booted.options, transaction_attempts=1)
    booted.talk.head(row(), 0)
    booted.comes(4, booted.sent()[0][1], "InternalError", "", {})
    booted.talk.head(None, 0)
    assert booted.actions() == []
    booted.talk.head(row(), 0)
    assert booted.actions() == ["StartTransaction"]


# ------------------------------------------------------------------------------------------------------- links


@pytest.mark.rule("ocpp16.J11")
def test_two_time_outs_with_nothing_heard_close_the_link(talk: Talk) -> None:
    talk.talk.connected(0)
    talk.wait(39)
    assert talk.talk.fault is None
    talk.wait(31)
    assert talk.talk.fault is not None


@pytest.mark.rule("product.E4")
def test_an_error_for_a_status_or_heartbeat_is_the_end_of_it(booted: Talk) -> None:
    booted.talk.tell(publish(), 0)
    call = booted.sent()[0]
    booted.comes(4, call[1], "NotImplemented", "", {})
    booted.wait(250)
    assert booted.sent() == []
    assert booted.talk.fault is None


@pytest.mark.rule("ocpp16.J13")
@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_a_connection_is_proven_by_an_accepted_boot_and_not_by_a_connect_or_a_refusal(talk: Talk, status: str) -> None:
    talk.talk.connected(0)
    talk.comes(2, "p1", "MakeCoffee", {})
    assert not talk.talk.proven
    talk.comes(3, "own-1", {"status": status, "interval": 10})
    assert not talk.talk.proven
    talk.wait(10)
    talk.answer({"status": "Accepted", "interval": 300})
    assert talk.talk.proven


@pytest.mark.rule("ocpp16.J13")
def test_a_registered_station_finds_its_connection_proven_by_the_first_answered_call(booted: Talk) -> None:
    booted.talk.disconnected(0)
    booted.talk.connected(1)
    booted.comes(2, "p1", "MakeCoffee", {})
    assert not booted.talk.proven
    booted.talk.tell(publish(), 1)
    booted.answer()
    assert booted.talk.proven


# ------------------------------------------------------------------------------------------------ security events


def notice(message_id: str = "n1") -> NoticeRow:
    return NoticeRow(message_id, json.dumps([2, message_id, "SecurityEventNotification", {}]))


@pytest.mark.rule("ocpp16.Z23")
@pytest.mark.parametrize("answer", [(3, "n1", {}), (4, "n1", "NotImplemented", "", {})])
def test_a_notice_goes_out_behind_the_statuses_and_before_the_queue_and_any_answer_is_one(
    booted: Talk, answer: tuple[Any, ...]
) -> None:
    booted.talk.tell(ask(), 0)
    booted.talk.head(row(), 0)
    booted.talk.notice(notice(), 0)
    booted.talk.tell(publish(), 0)
    assert [booted.answer()[2], booted.answer()[2]] == ["Authorize", "StatusNotification"]
    assert booted.actions() == ["SecurityEventNotification"]
    booted.inputs()
    booted.comes(*answer)
    assert booted.news() == [NoticeAnswered(UPSTREAM, "n1")]
    assert booted.actions() == ["StartTransaction"]


@pytest.mark.rule("ocpp16.B15")
def test_no_notice_before_the_registration(talk: Talk) -> None:
    talk.talk.notice(notice(), 0)
    talk.boot("Pending", 10)
    assert talk.actions() == []
    talk.wait(10)
    talk.answer({"status": "Accepted", "interval": 300})
    assert talk.actions() == ["SecurityEventNotification"]


def test_a_notice_that_meets_silence_lets_the_queue_pass_and_comes_again(booted: Talk) -> None:
    booted.talk.notice(notice(), 0)
    booted.talk.head(row(), 0)
    booted.sent()
    booted.comes(2, "p1", "MakeCoffee", {})
    booted.wait(30)
    assert booted.answer({"transactionId": 1})[2] == "StartTransaction"
    booted.sent()
    booted.wait(59)
    assert booted.actions() == []
    booted.wait(1)
    assert booted.actions() == ["SecurityEventNotification"]
    booted.inputs()
    booted.talk.disconnected(booted.now_ms)
    booted.talk.connected(booted.now_ms)
    assert booted.actions() == []
    booted.comes(3, "n1", {})
    assert booted.news() == [NoticeAnswered(UPSTREAM, "n1")], "late, but an answer"


@pytest.mark.rule("ocpp16.J08")
def test_nonsense_is_told_to_the_security_log_once_a_minute_and_link(booted: Talk) -> None:
    for _ in range(100):
        booted.talk.receive("noise", booted.now_ms)
        booted.comes(7, "p", {})
        booted.comes(3, "nobody", {})
        booted.wait(1.5)
    seen = [given for given in booted.news() if isinstance(given, SecurityEventSeen)]
    assert seen == 3 * [SecurityEventSeen(SecurityEventKind.INVALID_MESSAGES, "not JSON", UPSTREAM)]
    booted.talk.disconnected(booted.now_ms)
    booted.talk.connected(booted.now_ms)
    booted.talk.receive("noise", booted.now_ms)
    assert len(booted.news()) == 1


# --------------------------------------------------------------------------------------------------- credentials


@pytest.mark.rule("ocpp16.Z11")
@pytest.mark.parametrize("answer", [{"status": "Accepted"}, {"status": "Rejected"}, {}])
def test_a_certificate_is_asked_for_once_before_what_can_wait(booted: Talk, answer: dict[str, Any]) -> None:
    booted.talk.tell(ask(), 0)
    booted.talk.head(row(), 0)
    booted.talk.tell(publish(), 0)
    booted.talk.tell(RequestCertificate(UPSTREAM, "PEM"), 0)
    booted.answer()
    call = booted.answer(answer)
    assert call[2:] == ["SignCertificate", {"csr": "PEM"}]
    booted.answer()
    booted.answer({"transactionId": 1})
    booted.wait(100)
    assert booted.actions() == []


def test_a_certificate_request_that_nobody_answers_is_not_repeated(booted: Talk) -> None:
    booted.talk.tell(RequestCertificate(UPSTREAM, "PEM"), 0)
    assert booted.actions() == ["SignCertificate"]
    booted.wait(30)
    assert booted.actions() == []
    booted.talk.disconnected(booted.now_ms)
    booted.talk.tell(RequestCertificate(UPSTREAM, "PEM"), booted.now_ms)
    booted.talk.connected(booted.now_ms)
    assert booted.actions() == []


@pytest.mark.rule("ocpp16.B03")
def test_while_pending_a_certificate_request_goes_out_only_if_the_backend_asked_for_it(talk: Talk) -> None:
    talk.boot("Pending", 100)
    talk.talk.tell(RequestCertificate(UPSTREAM, "one"), 0)
    assert talk.actions() == []
    talk.comes(2, "p1", "ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
    talk.talk.tell(Answer(UPSTREAM, 1, ACCEPTED), 0)
    talk.talk.tell(RequestCertificate(UPSTREAM, "two"), 0)
    assert [frame[2] for frame in talk.sent() if frame[0] == 2] == ["SignCertificate"]


def test_new_credentials_end_the_link_once_nothing_is_under_way(booted: Talk) -> None:
    booted.talk.head(row(), 0)
    assert booted.actions() == ["StartTransaction"]
    booted.comes(2, "p1", "Reset", {"type": "Soft"})
    booted.talk.tell(Reconnect(UPSTREAM, "new password"), 0)
    booted.talk.tell(publish(), 0)
    assert booted.talk.fault is None
    booted.talk.tell(Answer(UPSTREAM, 1, ACCEPTED), 0)
    assert booted.talk.fault is None
    assert booted.sent() == [[3, "p1", {"status": "Accepted"}]]
    booted.comes(3, "m1", {"transactionId": 1})
    assert booted.talk.fault == "new password"
    assert booted.sent() == [], "what is new waits for the next link"
    booted.talk.disconnected(0)
    booted.talk.connected(1)
    assert booted.actions() == ["StatusNotification"]


def test_while_the_last_call_of_the_peer_is_being_answered_nothing_new_is_begun(booted: Talk) -> None:
    booted.comes(2, "p1", "Reset", {"type": "Soft"})
    booted.talk.tell(Reconnect(UPSTREAM, "new password"), 0)
    booted.talk.tell(publish(), 0)
    booted.talk.head(row(), 0)
    assert (booted.talk.fault, booted.sent()) == (None, [])
    booted.talk.tell(Answer(UPSTREAM, 1, ACCEPTED), 0)
    assert booted.talk.fault == "new password"
    assert booted.sent() == [[3, "p1", {"status": "Accepted"}]]


def test_new_credentials_do_not_wait_long_for_what_is_under_way(booted: Talk) -> None:
    booted.talk.head(row(), 0)
    booted.talk.tell(Reconnect(UPSTREAM, "new password"), 0)
    booted.wait(4.9)
    assert booted.talk.fault is None
    booted.wait(0.1)
    assert booted.talk.fault == "new password"
    assert booted.talk.next_deadline() is None or booted.talk.next_deadline() > booted.now_ms
    booted.inputs()
    booted.talk.disconnected(booted.now_ms, 1001)
    assert booted.news() == [], "no failed attempt"
    booted.talk.connected(booted.now_ms)
    assert booted.talk.fault is None
    assert booted.actions()[-1:] == ["StartTransaction"]


# --------------------------------------------------------------------------------------------------------- times


@pytest.mark.rule("ocpp16.B10")
@pytest.mark.parametrize(("delay_s", "believed"), [(10, True), (10.1, False)])
def test_a_time_that_took_long_to_come_is_not_believed(talk: Talk, delay_s: float, believed: bool) -> None:
    talk.talk.connected(0)
    talk.wait(delay_s)
    talk.comes(3, "own-1", {"status": "Accepted", "currentTime": WALL, "interval": 60})
    assert len(talk.talk.output.times) == believed
    talk.wait(60)
    call = talk.sent()[-1]
    assert call[2] == "Heartbeat"
    talk.wait(delay_s)
    talk.comes(3, call[1], {"currentTime": WALL})
    assert len(talk.talk.output.times) == 2 * believed


def test_the_time_of_a_late_boot_is_not_believed(talk: Talk) -> None:
    talk.talk.connected(0)
    talk.wait(31)
    talk.comes(3, "own-1", {"status": "Accepted", "currentTime": WALL, "interval": 60})
    assert not talk.talk.output.times


@pytest.mark.rule("ocpp16.K09")
def test_another_message_time_out_counts_for_the_call_in_flight(booted: Talk) -> None:
    booted.talk.head(row(), 0)
    booted.wait(4)
    booted.options = UpstreamOptions(message_timeout_s=5)
    booted.talk.tell(OptionsChanged(UPSTREAM), booted.now_ms)
    booted.wait(1)
    assert booted.talk.fault is not None


@pytest.mark.rule("ocpp16.K09")
def test_another_retry_interval_counts_for_the_row_that_waits(booted: Talk) -> None:
    booted.talk.head(row(), 0)
    booted.comes(4, "m1", "InternalError", "", {})
    booted.sent()
    booted.wait(10)
    booted.options = UpstreamOptions(transaction_retry_interval_s=20)
    booted.talk.tell(OptionsChanged(UPSTREAM), booted.now_ms)
    booted.wait(9.9)
    assert booted.actions() == []
    booted.wait(0.1)
    assert booted.actions() == ["StartTransaction"]


@pytest.mark.rule("ocpp16.K09")
def test_fewer_attempts_do_not_give_up_the_row_that_is_in_flight(booted: Talk) -> None:
    booted.talk.head(row(), 0)
    booted.comes(4, "m1", "InternalError", "", {})
    booted.wait(60)
    booted.news()
    booted.options = UpstreamOptions(transaction_attempts=1)
    booted.talk.tell(OptionsChanged(UPSTREAM), booted.now_ms)
    assert booted.news() == []
    booted.comes(3, "m1", {"transactionId": 1})
    assert [type(given) for given in booted.news()] == [MessageAcknowledged]


@pytest.mark.rule("ocpp16.K09")
def test_another_minimum_status_duration_counts_from_now_on(booted: Talk) -> None:
    booted.talk.tell(publish(), 0)
    booted.answer()
    booted.options = UpstreamOptions(minimum_status_duration_s=30)
    booted.talk.tell(OptionsChanged(UPSTREAM), 0)
    booted.talk.tell(publish(plugged=True), 0)
    booted.wait(29)
    assert booted.actions() == []
    booted.options = UpstreamOptions(minimum_status_duration_s=40)
    booted.talk.tell(OptionsChanged(UPSTREAM), booted.now_ms)
    booted.wait(10)
    assert booted.actions() == []
    booted.wait(1)
    assert booted.actions() == ["StatusNotification"]


# --------------------------------------------------------------------------------------------------------- poison


@pytest.mark.rule("ocpp16.X22")
@pytest.mark.parametrize("code", [1003, 1007, 1009])
def test_a_row_at_which_the_backend_closes_the_link_each_time_is_given_up_after_its_attempts(
    booted: Talk, code: int
) -> None:
    booted.talk.head(row(), 0)
    booted.inputs()
    tries = []
    for seconds in (60, 120, 0):
        assert booted.actions() == ["StartTransaction"]
        booted.talk.disconnected(booted.now_ms, code)
        booted.talk.connected(booted.now_ms)
        booted.talk.tell(publish(plugged=seconds == 120), booted.now_ms)
        assert booted.answer()[2] == "StatusNotification", "nothing else waits with it"
        tries += [given for given in booted.news() if isinstance(given, MessageFailed)]
        booted.wait(seconds)
    assert [(failed.attempts, failed.given_up) for failed in tries] == [(1, False), (2, False), (3, True)]
    booted.talk.head(row("m2"), booted.now_ms)
    assert booted.actions() == ["StartTransaction"]


def test_a_status_at_which_the_backend_closes_the_link_each_time_is_not_told_for_ever(booted: Talk) -> None:
    booted.talk.tell(publish(), 0)
    booted.talk.head(row(), 0)
    for _ in range(3):
        assert booted.actions() == ["StatusNotification"]
        booted.talk.disconnected(0, 1007)
        booted.talk.connected(0)
    assert booted.actions() == ["StartTransaction"]


def test_other_statuses_at_which_the_link_is_lost_are_told_again(booted: Talk) -> None:
    booted.talk.tell(publish(plugged=True), 0)
    for number in range(6):
        assert booted.actions() == ["StatusNotification"]
        booted.talk.disconnected(0, 1007)
        booted.talk.tell(publish(plugged=number % 2 == 1), 0)
        booted.talk.connected(0)
    assert [note.event for note in booted.talk.output.notes].count("status_given_up") == 0


def test_the_answer_to_a_boot_of_an_earlier_link_is_nothing(talk: Talk) -> None:
    talk.talk.connected(0)
    talk.wait(31)
    talk.talk.disconnected(talk.now_ms)
    talk.talk.connected(talk.now_ms)
    talk.comes(3, "own-1", {"status": "Accepted", "interval": 60})
    assert talk.inputs()[-1] == UpstreamChanged(UPSTREAM, True, Registration.UNKNOWN)


@pytest.mark.rule("ocpp16.X25")
@pytest.mark.parametrize("same_link", [True, False])
def test_a_late_answer_to_a_start_that_was_given_up_still_reaches_the_station(booted: Talk, same_link: bool) -> None:
    booted.options = replace(booted.options, transaction_attempts=1)
    booted.talk.head(row(), 0)
    booted.comes(2, "p1", "MakeCoffee", {})
    booted.wait(30)
    assert [given.given_up for given in booted.news() if isinstance(given, MessageFailed)] == [True]
    booted.talk.head(row("m2", RowKind.STOP), booted.now_ms)
    if not same_link:
        booted.talk.disconnected(booted.now_ms)
        booted.talk.connected(booted.now_ms)
        booted.news()
    booted.comes(3, "m1", {"transactionId": 9})
    booted.comes(3, "m1", {"transactionId": 9})
    assert booted.news() == [MessageAcknowledged(UPSTREAM, "m1", TX, "9", None)]


@pytest.mark.rule("ocpp16.X24")
def test_an_answer_that_comes_on_the_next_link_before_the_row_is_sent_again_is_taken(booted: Talk) -> None:
    hang_once(booted)
    assert booted.actions() == ["Heartbeat"]
    booted.comes(3, "m1", {"transactionId": 9})
    assert booted.news() == [MessageAcknowledged(UPSTREAM, "m1", TX, "9", None)]
    booted.wait(29)
    assert booted.actions() == []


@pytest.mark.rule("ocpp16.J04")
def test_message_ids_are_new_for_every_call(booted: Talk) -> None:
    seen = set()
    for step in range(20):
        booted.talk.tell(publish(plugged=step % 2 == 0), 0)
        seen.add(booted.answer()[1])
    assert len(seen) == 20


def test_changed_options_count_from_now_on(booted: Talk) -> None:
    booted.options = UpstreamOptions(message_timeout_s=5)
    booted.talk.tell(OptionsChanged(UPSTREAM), 0)
    booted.talk.head(row(), 0)
    booted.wait(5)
    assert booted.talk.fault is not None


def test_nothing_happens_without_a_link(talk: Talk) -> None:
    talk.talk.receive('[2,"p1","Reset",{"type":"Soft"}]', 0)
    talk.talk.head(row(), 0)
    talk.talk.tell(publish(), 0)
    talk.talk.tell(Answer(UpstreamId("primary"), 99, ACCEPTED), 0)
    talk.wait(1_000)
    assert talk.sent() == []
    assert talk.inputs() == []
    assert talk.talk.next_deadline() is None


# ---------------------------------------------------------------------------------------------------------- leases


@pytest.mark.rule("product.2.5")
def test_while_there_is_a_lease_the_station_is_told_once_a_second_that_the_upstream_was_heard(booted: Talk) -> None:
    heard = UpstreamHeard(UPSTREAM)
    booted.wait(1)
    booted.comes(2, "a", "GetConfiguration", {})
    assert heard not in booted.inputs()
    booted.options = replace(booted.options, limit_lease_s=60)
    booted.comes(2, "b", "GetConfiguration", {})
    assert booted.inputs().count(heard) == 1
    booted.comes(2, "c", "GetConfiguration", {})
    assert heard not in booted.inputs()
    booted.wait(2)
    booted.comes("nonsense")
    assert heard not in booted.inputs()
    booted.comes(2, "d", "GetConfiguration", {})
    assert booted.inputs().count(heard) == 1
