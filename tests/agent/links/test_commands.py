"""Calls of the peer that need the station: numbered once, answered once, bounded in time."""

from __future__ import annotations

import json

from agent.links.commands import ANSWER_DEADLINE_MS, PeerCalls
from agent.links.output import Output
from agent.ocpp.registration import RegistrationState
from agent.ocpp.rpc import AnswerMemory, Asked, Rpc
from agent.ocpp.v16.dialect import V16
from agent.vocabulary.commands import Result, ResultStatus
from agent.vocabulary.effects import Answer
from agent.vocabulary.inputs import CommandReceived
from agent.vocabulary.options import StationOptions
from tests.agent.links.conftest import UPSTREAM

YES = Result(ResultStatus.ACCEPTED)


def reset(rpc: Rpc, calls: PeerCalls, message_id: str, now_ms: int = 0) -> None:
    asked = rpc.receive(json.dumps([2, message_id, "Reset", {"type": "Soft"}]))
    assert isinstance(asked, Asked)
    calls.asked(asked.call, rpc, now_ms)


def peer_calls() -> tuple[PeerCalls, Rpc, Output]:
    output = Output(UPSTREAM)
    dialect = V16(StationOptions(connectors=(), readers={}))
    return PeerCalls(dialect, RegistrationState(), output), Rpc(AnswerMemory()), output


def test_numbers_are_never_used_twice_and_an_answer_counts_once() -> None:
    calls, rpc, output = peer_calls()
    for message_id in ("a", "b"):
        reset(rpc, calls, message_id)
    assert [given.call for given in output.inputs if isinstance(given, CommandReceived)] == [1, 2]
    for number in (2, 2, 1, 99):
        calls.answered(Answer(UPSTREAM, number, YES), rpc, 0)
    assert [json.loads(text)[1] for text in output.texts] == ["b", "a"]


def test_one_that_waits_too_long_is_answered_with_an_error_and_told() -> None:
    calls, rpc, output = peer_calls()
    reset(rpc, calls, "a")
    assert calls.next_deadline() == ANSWER_DEADLINE_MS
    calls.expire(rpc, ANSWER_DEADLINE_MS - 1)
    assert not output.texts
    calls.expire(rpc, ANSWER_DEADLINE_MS)
    assert json.loads(output.texts[0])[:3] == [4, "a", "InternalError"]
    assert output.notes[-1].event == "call_timed_out"
    assert calls.next_deadline() is None
