"""Calls of one connection: one in flight, answers that count once, repeats that are not executed twice."""

from __future__ import annotations

import json
import pickle
import random

import pytest

from agent.ocpp.rpc import (
    OPEN_CALLS,
    REMEMBERED_CALLS,
    REMEMBERED_MS,
    Answered,
    AnswerMemory,
    Asked,
    Dropped,
    Late,
    Reply,
    Rpc,
    TimedOut,
)
from agent.ocpp.wire import Call, CallError, CallResult, ErrorCode

RESET = '[2,"peer-1","Reset",{"type":"Soft"}]'


def rpc() -> Rpc:
    return Rpc(AnswerMemory())


@pytest.mark.rule("ocpp16.J05")
def test_a_second_own_call_is_our_mistake() -> None:
    line = rpc()
    line.send("a", 0, 30_000)
    with pytest.raises(RuntimeError):
        line.send("b", 1, 30_000)


@pytest.mark.rule("ocpp16.Y06")
@pytest.mark.rule("ocpp16.J05")
def test_calls_cross_and_both_are_answered() -> None:
    line = rpc()
    line.send("a", 0, 30_000)
    assert line.receive(RESET) == Asked(Call("peer-1", "Reset", {"type": "Soft"}))
    assert line.answer(CallResult("peer-1", {"status": "Accepted"})) == '[3,"peer-1",{"status":"Accepted"}]'
    assert line.receive('[3,"a",{}]') == Answered(CallResult("a", {}))
    assert line.in_flight is None


@pytest.mark.rule("security.ATK-15")
def test_an_answer_counts_once_and_only_for_the_call_in_flight() -> None:
    line = rpc()
    assert isinstance(line.receive('[3,"a",{}]'), Dropped)
    line.send("a", 0, 30_000)
    assert isinstance(line.receive('[3,"b",{}]'), Dropped)
    assert isinstance(line.receive('[3,"A",{}]'), Dropped)
    assert isinstance(line.receive('[4,"a","GenericError","",{}]'), Answered)
    assert isinstance(line.receive('[3,"a",{}]'), Dropped)


@pytest.mark.rule("ocpp16.J11")
@pytest.mark.rule("ocpp16.J09")
def test_a_call_times_out_and_a_late_answer_is_told_as_such_once() -> None:
    line = rpc()
    line.send("a", 1_000, 30_000)
    assert line.next_deadline() == 31_000
    assert line.expire(30_999) is None
    assert line.expire(31_000) == TimedOut("a", silent=True)
    assert line.expire(99_000) is None
    assert line.receive('[3,"a",{}]') == Late(CallResult("a", {}))
    assert isinstance(line.receive('[3,"a",{}]'), Dropped)


def test_a_late_answer_is_known_even_after_other_calls() -> None:
    line = rpc()
    line.send("a", 0, 10)
    line.expire(10)
    line.send("b", 20, 10)
    assert isinstance(line.receive('[3,"a",{}]'), Late)
    assert isinstance(line.receive('[3,"b",{}]'), Answered)


@pytest.mark.rule("ocpp16.X24")
def test_a_call_that_is_sent_again_under_its_id_takes_either_answer() -> None:
    line = rpc()
    line.send("a", 0, 10)
    line.expire(10)
    line.send("a", 20, 10)
    assert isinstance(line.receive('[3,"a",{"transactionId":1}]'), Answered)
    assert isinstance(line.receive('[3,"a",{"transactionId":2}]'), Dropped)


def test_an_answer_may_come_on_the_next_link() -> None:
    memory = AnswerMemory()
    Rpc(memory).send("a", 0, 10)
    line = Rpc(memory)
    assert line.receive('[3,"a",{}]') == Late(CallResult("a", {}))
    assert isinstance(line.receive('[3,"a",{}]'), Dropped)


@pytest.mark.rule("ocpp16.K09")
def test_another_time_out_counts_for_the_call_in_flight() -> None:
    line = rpc()
    line.set_timeout(5)
    line.send("a", 100, 30_000)
    line.set_timeout(10_000)
    assert line.next_deadline() == 10_100


@pytest.mark.rule("ocpp16.J08")
@pytest.mark.parametrize(("frame", "invalid"), [("noise", True), ("[2]", True), ("{}", True), ('[7,"a",{}]', False)])
def test_a_message_type_of_another_version_is_ignored_and_no_mistake(frame: str, invalid: bool) -> None:
    dropped = rpc().receive(frame)
    assert isinstance(dropped, Dropped)
    assert dropped.invalid is invalid
    reply = rpc().receive('[2,"p",{},{}]')
    assert isinstance(reply, Reply)
    assert reply.invalid


@pytest.mark.parametrize("frame", [RESET, '[3,"zzz",{}]', '[4,"zzz","GenericError","",{}]'])
def test_silence_is_broken_by_any_frame(frame: str) -> None:
    line = rpc()
    line.send("a", 0, 10)
    line.receive(frame)
    assert line.expire(10) == TimedOut("a", silent=False)


def test_noise_does_not_break_silence() -> None:
    line = rpc()
    line.send("a", 0, 10)
    line.receive("noise")
    assert line.expire(10) == TimedOut("a", silent=True)


@pytest.mark.rule("ocpp16.J10")
def test_a_repeated_call_gets_the_answer_it_got_before() -> None:
    memory = AnswerMemory()
    line = Rpc(memory)
    line.receive(RESET)
    text = line.answer(CallResult("peer-1", {"status": "Accepted"}))
    again = line.receive(RESET)
    assert isinstance(again, Reply)
    assert again.text == text
    on_the_next_link = Rpc(memory).receive(RESET)
    assert isinstance(on_the_next_link, Reply)
    assert on_the_next_link.text == text


@pytest.mark.rule("ocpp16.J10")
def test_a_used_id_with_another_call_is_refused() -> None:
    line = rpc()
    line.receive(RESET)
    line.answer(CallResult("peer-1", {"status": "Accepted"}))
    other = line.receive('[2,"peer-1","Reset",{"type":"Hard"}]')
    assert isinstance(other, Reply)
    assert json.loads(other.text)[2] == ErrorCode.GENERIC_ERROR.value


@pytest.mark.rule("product.P8")
def test_a_backend_that_counts_its_ids_from_one_on_every_link_is_served() -> None:
    memory = AnswerMemory()
    line = Rpc(memory)
    line.receive(RESET)
    line.answer(CallResult("peer-1", {"status": "Accepted"}))
    other = '[2,"peer-1","Reset",{"type":"Hard"}]'
    again = Rpc(memory)
    assert isinstance(again.receive(other), Asked)
    text = again.answer(CallResult("peer-1", {"status": "Rejected"}))
    repeated = again.receive(other)
    assert isinstance(repeated, Reply)
    assert repeated.text == text


@pytest.mark.rule("ocpp16.K06")
def test_what_is_remembered_of_a_call_holds_no_password() -> None:
    memory = AnswerMemory()
    line = Rpc(memory)
    call = '[2,"peer-1","ChangeConfiguration",{"key":"AuthorizationKey","value":"canary of 16 letters"}]'
    line.receive(call)
    line.answer(CallResult("peer-1", {"status": "Accepted"}))
    assert "canary" not in repr(memory.find("peer-1"))
    assert "canary" not in repr(pickle.dumps([memory, line]))
    assert isinstance(line.receive(call.replace("canary", "parrot")), Reply)
    other = line.receive('[2,"peer-1","ChangeConfiguration",{"value":"canary of 16 letters","key":"AuthorizationKey"}]')
    assert other == Reply('[3,"peer-1",{"status":"Accepted"}]', "a repeated call gets the answer it got before")


@pytest.mark.rule("product.P8")
def test_an_old_answer_is_forgotten_so_that_the_same_call_is_executed_again() -> None:
    memory = AnswerMemory()
    line = Rpc(memory)
    line.receive(RESET)
    line.answer(CallResult("peer-1", {"status": "Accepted"}))
    memory.advance(REMEMBERED_MS - 1)
    assert isinstance(line.receive(RESET), Reply)
    memory.advance(REMEMBERED_MS)
    assert isinstance(line.receive(RESET), Asked)


def test_a_repeat_of_a_call_that_is_being_answered_is_dropped() -> None:
    line = rpc()
    line.receive(RESET)
    assert isinstance(line.receive(RESET), Dropped)
    assert line.answer(CallResult("peer-1", {})) is not None
    assert line.answer(CallResult("peer-1", {})) is None


def test_the_memory_of_answers_is_bounded() -> None:
    memory = AnswerMemory(limit=3)
    for number in range(5):
        memory.remember(Call(str(number), "Reset"), "text")
    assert [memory.find(str(number)) is not None for number in range(5)] == [False, False, True, True, True]


def test_calls_that_wait_are_bounded() -> None:
    line = rpc()
    for number in range(OPEN_CALLS):
        assert isinstance(line.receive(f'[2,"p{number}","Reset",{{}}]'), Asked)
    refused = line.receive('[2,"one-more","Reset",{}]')
    assert isinstance(refused, Reply)
    assert json.loads(refused.text)[:3] == [4, "one-more", "GenericError"]


def test_an_unreadable_call_is_answered_if_its_id_can_be_read() -> None:
    reply = rpc().receive('[2,"p",{},{}]')
    assert isinstance(reply, Reply)
    assert json.loads(reply.text)[:3] == [4, "p", "FormationViolation"]
    assert isinstance(rpc().receive("[2]"), Dropped)


@pytest.mark.rule("security.ATK-15")
def test_no_order_of_answers_confuses_the_line() -> None:
    """20,000 random steps against a model: an answer is taken exactly when its call is in flight."""
    chance = random.Random(15)
    line, flight, now = rpc(), None, 0
    unanswered: list[str] = []
    for step in range(20_000):
        now += chance.randrange(20)
        action = chance.randrange(4)
        if action == 0 and line.in_flight is None:
            flight = f"m{step}"
            line.send(flight, now, 50)
            unanswered = [*unanswered, flight][-REMEMBERED_CALLS:]
            until = now + 50
        elif action == 1:
            timed_out = line.expire(now)
            assert (timed_out is not None) == (flight is not None and now >= until)
            if timed_out:
                flight = None
        else:
            target = chance.choice([flight, *unanswered[-2:], "stranger", f"m{chance.randrange(step + 1)}"]) or "nobody"
            received = line.receive(f'[{chance.choice([3, 4])},"{target}",{{}}]')
            wanted = Answered if target == flight else Late if target in unanswered else Dropped
            assert isinstance(received, wanted)
            if wanted is Answered:
                flight = None
            unanswered = [other for other in unanswered if other != target]
        assert line.in_flight == flight


def test_forgotten_calls_are_not_answered() -> None:
    line = rpc()
    line.receive(RESET)
    line.forget("peer-1")
    assert line.answer(CallError("peer-1", "GenericError")) is None


@pytest.mark.rule("ocpp16.Y01")
@pytest.mark.parametrize(
    "text",
    [
        '[2,"a",[],{}]',
        '[2,"a",{},{}]',
        '[2,"a",null,{}]',
        '[2,"a",5,{}]',
        '[2,"a","Reset",[]]',
        '[2,"a","Reset",7]',
        '[2,"a",' + "[" * 100_000,
        '[2,"a","Reset",{"type":' + '{"a":' * 1_000 + "1" + "}" * 1_001 + "]",
    ],
)
def test_a_call_of_any_shape_is_answered_by_an_error_and_the_next_one_is_served(text: str) -> None:
    line = rpc()
    reply = line.receive(text)
    assert isinstance(reply, Reply)
    assert json.loads(reply.text)[:3] == [4, "a", "FormationViolation"]
    assert isinstance(line.receive(RESET), Asked)


@pytest.mark.rule("ocpp16.Y01")
@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{}", "null", "7", '"x"', "[]", "[2]", "[[]]", '[{"a":1}]', "[2,[],[],{}]"]
)
def test_what_has_no_id_is_dropped_and_the_next_call_is_served(text: str) -> None:
    line = rpc()
    assert isinstance(line.receive(text), Dropped)
    assert isinstance(line.receive(RESET), Asked)


@pytest.mark.rule("ocpp16.Y09")
def test_answers_leave_in_the_order_in_which_they_are_given() -> None:
    line = rpc()
    for number in range(OPEN_CALLS):
        assert isinstance(line.receive(f'[2,"{number}","Reset",{{"type":"Soft"}}]'), Asked)
    texts = [line.answer(CallResult(str(number))) for number in range(OPEN_CALLS)]
    assert texts == [f'[3,"{number}",{{}}]' for number in range(OPEN_CALLS)]
