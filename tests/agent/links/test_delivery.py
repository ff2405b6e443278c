"""The head of an outbox on its way: settled once, counted right, patient."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.links.delivery import CUTS_TOGETHER, NOT_TAKEN, SOMETHING_WRONG, Delivery
from agent.ocpp.v16.dialect import V16
from agent.ocpp.wire import CallError, CallResult
from agent.vocabulary.ids import TransactionId
from agent.vocabulary.inputs import Input, MessageAcknowledged, MessageFailed
from agent.vocabulary.options import StationOptions, UpstreamOptions
from agent.vocabulary.outbox import RowKind
from tests.agent.links.conftest import UPSTREAM, row

OPTIONS = UpstreamOptions(transaction_attempts=3, transaction_retry_interval_s=60)


def delivery(options: UpstreamOptions = OPTIONS) -> tuple[Delivery, list[Input]]:
    told: list[Input] = []
    return Delivery(UPSTREAM, V16(StationOptions(connectors=(), readers={})), lambda: options, told.append), told


@pytest.mark.rule("ocpp16.X20")
def test_only_a_written_head_is_due() -> None:
    one, _ = delivery()
    assert one.due(0) is None
    one.head(row(written=False))
    assert one.due(0) is None
    one.head(row())
    assert one.due(0) == row()


@pytest.mark.rule("ocpp16.X20")
@pytest.mark.parametrize("kind", list(RowKind))
def test_an_answer_settles_a_row_once(kind: RowKind) -> None:
    one, told = delivery()
    one.head(row(kind=kind))
    for _ in range(2):
        one.answered(row(kind=kind), CallResult("m1", {"transactionId": 1}), 0)
    one.failed(row(kind=kind), "late", 0)
    assert [type(given) for given in told] == [MessageAcknowledged]
    one.head(row(kind=kind))
    assert one.due(10**9) is None
    one.head(row("m2"))
    assert one.due(10**9) == row("m2")


@pytest.mark.rule("ocpp16.X22")
def test_the_wait_after_the_nth_failure_is_n_intervals() -> None:
    one, told = delivery()
    one.head(row())
    one.answered(row(), CallError("m1", "InternalError"), 0)
    assert one.next_deadline() == 60_000
    assert one.due(59_999) is None
    one.answered(row(), CallError("m1", "InternalError"), 60_000)
    assert one.next_deadline() == 180_000
    one.answered(row(), CallError("m1", "InternalError"), 180_000)
    assert one.next_deadline() is None
    assert [(f.attempts, f.given_up) for f in told if isinstance(f, MessageFailed)] == [
        (1, False),
        (2, False),
        (3, True),
    ]


@pytest.mark.parametrize("code", ["NotImplemented", "NotSupported"])
def test_a_reading_whose_action_the_peer_does_not_know_is_given_up_at_once(code: str) -> None:
    one, told = delivery()
    one.head(row(kind=RowKind.SAMPLE))
    one.answered(row(kind=RowKind.SAMPLE), CallError("m1", code), 0)
    assert [(f.attempts, f.given_up) for f in told if isinstance(f, MessageFailed)] == [(1, True)]
    assert one.next_deadline() is None
    assert one.due(10**9) is None


@pytest.mark.rule("ocpp16.X22")
@pytest.mark.parametrize("kind", [RowKind.START, RowKind.STOP])
def test_a_start_and_a_stop_get_all_their_attempts_whatever_the_code(kind: RowKind) -> None:
    one, told = delivery()
    one.head(row(kind=kind))
    one.answered(row(kind=kind), CallError("m1", "NotSupported"), 0)
    assert [(f.attempts, f.given_up) for f in told if isinstance(f, MessageFailed)] == [(1, False)]


def test_the_stores_new_count_of_attempts_does_not_begin_the_wait_anew() -> None:
    one, _ = delivery()
    one.head(row())
    one.failed(row(), "no", 0)
    one.head(row(attempts=1))
    assert one.due(59_999) is None
    assert one.due(60_000) == row(attempts=1)


def test_fewer_attempts_than_were_made_give_up_at_the_next_failure() -> None:
    one, told = delivery(replace(OPTIONS, transaction_attempts=1))
    one.head(row(attempts=5))
    one.failed(row(), "no", 0)
    assert [(f.attempts, f.given_up) for f in told if isinstance(f, MessageFailed)] == [(6, True)]


@pytest.mark.rule("ocpp16.K09")
def test_another_retry_interval_counts_for_a_row_that_waits() -> None:
    options = OPTIONS
    one = Delivery(UPSTREAM, V16(StationOptions(connectors=(), readers={})), lambda: options, lambda given: None)
    one.head(row())
    for failed_ms in (0, 60_000):
        one.failed(row(), "no", failed_ms)
    assert one.next_deadline() == 180_000
    options = replace(OPTIONS, transaction_retry_interval_s=5)
    one.options_changed()
    assert one.next_deadline() == 70_000
    assert one.due(69_999) is None
    assert one.due(70_000) == row()


@pytest.mark.rule("ocpp16.K09")
def test_fewer_attempts_give_up_a_row_that_waits_at_once() -> None:
    options, told = OPTIONS, []  # type: ignore[var-annotated]
    one = Delivery(UPSTREAM, V16(StationOptions(connectors=(), readers={})), lambda: options, told.append)
    one.head(row())
    one.failed(row(), "no", 0)
    one.options_changed()
    options = replace(OPTIONS, transaction_attempts=1)
    one.options_changed()
    one.options_changed()
    assert [(f.attempts, f.given_up) for f in told] == [(1, False), (1, True)]
    assert one.due(10**9) is None


@pytest.mark.rule("ocpp16.X22")
@pytest.mark.parametrize("code", sorted(NOT_TAKEN))
def test_a_row_that_the_peer_closes_the_link_at_for_its_kind_or_size_has_failed(code: int) -> None:
    one, told = delivery()
    one.head(row())
    for number in range(3):
        one.new_link()
        assert one.due(10**9 * number) == row()
        assert not one.needs_proof
        one.cut(row(), code, 10**9 * number)
    assert [(f.attempts, f.given_up) for f in told if isinstance(f, MessageFailed)] == [
        (1, False),
        (2, False),
        (3, True),
    ]


@pytest.mark.rule("ocpp16.X22")
@pytest.mark.parametrize("code", sorted(SOMETHING_WRONG))
def test_a_row_at_which_the_link_is_closed_twice_though_it_was_proved_has_failed(code: int) -> None:
    one, told = delivery()
    one.head(row())
    one.cut(row(), code, 0)
    assert told == []
    one.new_link()
    assert one.needs_proof
    one.link_proved(1)
    assert not one.needs_proof
    one.cut(row(), code, 1)
    assert [(f.attempts, f.given_up) for f in told if isinstance(f, MessageFailed)] == [(1, False)]


@pytest.mark.rule("ocpp16.X22")
@pytest.mark.parametrize("code", [None, 1000, 1001, 1006, 1012])
def test_being_cut_off_is_no_failed_attempt(code: int | None) -> None:
    one, told = delivery()
    one.head(row())
    for number in range(10):
        assert one.needs_proof is (number > 1 and code is not None)
        one.cut(row(), code, 0)
        one.new_link()
    one.cut(row("another"), 1009, 0)
    assert told == []
    assert one.due(0) == row()


@pytest.mark.rule("ocpp16.X22")
@pytest.mark.parametrize("code", [1000, 1001, 1006, 1012])
def test_a_row_at_which_a_proved_link_is_cut_again_and_again_is_given_up(code: int) -> None:
    """Else a message at which a backend always falls over would keep everything behind it for ever."""
    one, told = delivery()
    one.head(row())
    for number in range(3 * CUTS_TOGETHER):
        one.new_link()
        one.link_proved(10**9 * number)
        one.cut(row(), code, 10**9 * number)
        assert len(told) == (number + 1) // CUTS_TOGETHER
    assert [(f.attempts, f.given_up) for f in told if isinstance(f, MessageFailed)] == [
        (1, False),
        (2, False),
        (3, True),
    ]


def test_another_head_begins_without_cuts() -> None:
    one, told = delivery()
    for name in ("m1", "m2", "m3"):
        one.head(row(name))
        assert not one.needs_proof
        for _ in range(CUTS_TOGETHER - 1):
            one.new_link()
            one.link_proved(0)
            one.cut(row(name), 1006, 0)
    assert told == []


@pytest.mark.rule("ocpp16.X25")
def test_a_late_answer_to_a_start_that_was_given_up_is_told() -> None:
    one, told = delivery(replace(OPTIONS, transaction_attempts=1))
    one.head(row())
    one.unanswered(row(), silent=False, now_ms=0)
    for head in (row(), row("m2"), None):
        one.head(head)
        told.clear()
        assert one.late(row(), CallResult("m1", {"transactionId": 9}), 0)
        assert told == [MessageAcknowledged(UPSTREAM, "m1", TransactionId("t"), "9", None)]
    assert not one.late(row(), CallError("m1", "InternalError"), 0)


def test_a_failure_of_nothing_is_nothing() -> None:
    one, told = delivery()
    one.failed(row(), "no", 0)
    one.cut(row(), 1009, 0)
    one.options_changed()
    assert told == []
    assert one.next_deadline() is None
