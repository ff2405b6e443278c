"""The head of an outbox on its way: settled once, counted right, patient."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.links.delivery import Delivery
from agent.ocpp.v16.dialect import V16
from agent.ocpp.wire import CallError, CallResult
from agent.vocabulary.inputs import Input, MessageAcknowledged, MessageFailed
from agent.vocabulary.options import StationOptions, UpstreamOptions
from agent.vocabulary.outbox import RowKind
from tests.agent.links.conftest import UPSTREAM, row

OPTIONS = UpstreamOptions(transaction_attempts=3, transaction_retry_interval_s=60)


def delivery() -> tuple[Delivery, list[Input]]:
    told: list[Input] = []
    return Delivery(UPSTREAM, V16(StationOptions(connectors=(), readers={})), told.append), told


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
        one.answered(CallResult("m1", {"transactionId": 1}), OPTIONS, 0)
    one.failed("late", OPTIONS, 0)
    assert [type(given) for given in told] == [MessageAcknowledged]
    one.head(row(kind=kind))
    assert one.due(10**9) is None
    one.head(row("m2"))
    assert one.due(10**9) == row("m2")


@pytest.mark.rule("ocpp16.X22")
def test_the_wait_after_the_nth_failure_is_n_intervals() -> None:
    one, told = delivery()
    one.head(row())
    one.answered(CallError("m1", "InternalError"), OPTIONS, 0)
    assert one.next_deadline() == 60_000
    assert one.due(59_999) is None
    one.answered(CallError("m1", "InternalError"), OPTIONS, 60_000)
    assert one.next_deadline() == 180_000
    one.answered(CallError("m1", "InternalError"), OPTIONS, 180_000)
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
    one.answered(CallError("m1", code), OPTIONS, 0)
    assert [(f.attempts, f.given_up) for f in told if isinstance(f, MessageFailed)] == [(1, True)]
    assert one.next_deadline() is None
    assert one.due(10**9) is None


@pytest.mark.rule("ocpp16.X22")
@pytest.mark.parametrize("kind", [RowKind.START, RowKind.STOP])
def test_a_start_and_a_stop_get_all_their_attempts_whatever_the_code(kind: RowKind) -> None:
    one, told = delivery()
    one.head(row(kind=kind))
    one.answered(CallError("m1", "NotSupported"), OPTIONS, 0)
    assert [(f.attempts, f.given_up) for f in told if isinstance(f, MessageFailed)] == [(1, False)]


def test_the_stores_new_count_of_attempts_does_not_begin_the_wait_anew() -> None:
    one, _ = delivery()
    one.head(row())
    one.failed("no", OPTIONS, 0)
    one.head(row(attempts=1))
    assert one.due(59_999) is None
    assert one.due(60_000) == row(attempts=1)


def test_fewer_attempts_than_were_made_give_up_at_the_next_failure() -> None:
    one, told = delivery()
    one.head(row(attempts=5))
    one.failed("no", replace(OPTIONS, transaction_attempts=1), 0)
    assert [(f.attempts, f.given_up) for f in told if isinstance(f, MessageFailed)] == [(6, True)]


def test_an_answer_to_nothing_is_nothing() -> None:
    one, told = delivery()
    one.answered(CallResult("m1", {"transactionId": 1}), OPTIONS, 0)
    one.failed("no", OPTIONS, 0)
    assert told == []
    assert one.next_deadline() is None
