"""Frames: what is read, what is refused, what is written."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.ocpp.wire import (
    MAXIMUM_DEPTH,
    MAXIMUM_FRAME_BYTES,
    Call,
    CallError,
    CallResult,
    ErrorCode,
    Unreadable,
    Written,
    read,
    write,
)


@pytest.mark.rule("ocpp16.J04")
@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('[2,"1","Reset",{"type":"Soft"}]', Call("1", "Reset", {"type": "Soft"})),
        ('[3,"1",{"a":1}]', CallResult("1", {"a": 1})),
        ('[4,"1","GenericError","no",{}]', CallError("1", "GenericError", "no")),
    ],
)
def test_the_three_kinds_are_read_and_written(text: str, frame: Call | CallResult | CallError) -> None:
    assert read(text) == frame
    assert write(frame) == text


@pytest.mark.rule("ocpp16.J06")
@pytest.mark.parametrize("text", ['[2,"1","Heartbeat",null]', '[3,"1",null]', '[3,"1"]'])
def test_a_null_payload_is_an_empty_one(text: str) -> None:
    frame = read(text)
    assert isinstance(frame, Call | CallResult)
    assert frame.payload == {}


@pytest.mark.rule("ocpp16.Y07")
@pytest.mark.rule("ocpp16.J07")
def test_a_peers_error_is_read_whatever_its_code_and_tail() -> None:
    assert read('[4,"1","RpcFrameworkError"]') == CallError("1", "RpcFrameworkError")
    assert read('[4,"1"]') == CallError("1", "GenericError")
    assert read('[4,"1",5,[],{"x":1}]') == CallError("1", "GenericError")


@pytest.mark.rule("ocpp16.J08")
def test_what_has_a_readable_id_can_be_answered_and_the_rest_cannot() -> None:
    assert read('[2,"1",[],{}]') == Unreadable("the action is not a name", "1", ErrorCode.FORMATION_VIOLATION)
    assert read('[9,"1","Reset",{}]') == Unreadable("unknown message type", ignorable=True)
    assert read("[2,5]") == Unreadable("no usable message id")
    assert read("no JSON") == Unreadable("not JSON")


@pytest.mark.rule("ocpp16.J08")
@pytest.mark.rule("ocpp16.Y04")
@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ('[2,"a-1","Reset",{"type":"Soft"}', "a-1"),
        ('[2,"a-1","Reset",{"type":"Soft",}]', "a-1"),
        (' [ 2 , "a-1" , "Reset" , {"a":1,"a":2}]', "a-1"),
        ('[2,"a-1","X",{"a":NaN}]', "a-1"),
        ('[2,"a-1","X",' + "[" * 100_000, "a-1"),
        ('[2,"a-1","Reset",{"type":"Soft"},5]', "a-1"),
        ('[2,"a-1","Reset"]', "a-1"),
        ('[2,"a-1"', None),
        ('[2,"a\\n1","X",', None),
        ('[2,"' + "x" * 37 + '","X",', None),
        ('[3,"a-1",{"a":', None),
        ('{"id":"a-1"', None),
        ('x[2,"a-1","X",', None),
    ],
)
def test_a_call_that_breaks_behind_its_id_can_be_answered(text: str, identifier: str | None) -> None:
    frame = read(text)
    assert isinstance(frame, Unreadable)
    assert (frame.message_id, frame.code) == (identifier, ErrorCode.FORMATION_VIOLATION)


@pytest.mark.rule("ocpp16.J16")
def test_bytes_are_never_a_frame() -> None:
    assert isinstance(read(b'[2,"1","Reset",{"type":"Soft"}]'), Unreadable)


@pytest.mark.rule("ocpp16.J04")
@pytest.mark.parametrize("identifier", ["", "x" * 37, "a\nb", "ä"])
def test_an_id_is_1_to_36_printable_characters(identifier: str) -> None:
    assert read(json.dumps([2, identifier, "Heartbeat", {}])) == Unreadable("no usable message id")
    assert isinstance(read(json.dumps([2, "x" * 36, "Heartbeat", {}])), Call)


@pytest.mark.rule("security.ATK-14")
@pytest.mark.parametrize(
    "payload",
    [
        '{"a":1,"a":2}',
        '{"a":{"b":1,"b":2}}',
        '{"a":NaN}',
        '{"a":Infinity}',
        '{"a":1e999}',
        '{"a":1234567890123456789}',
        '{"a":-1234567890123456789}',
        '{"a":0.' + "1" * 100 + "}",
        '{"a":"\\ud800"}',
        '{"\\udc00":1}',
    ],
)
def test_ambiguous_json_is_refused(payload: str) -> None:
    assert isinstance(read(f'[2,"1","X",{payload}]'), Unreadable)


def test_what_looks_like_it_but_is_not_passes() -> None:
    frame = read('[2,"1","X",{"a":"12345678901234567890","b":"\\ud83d\\ude00","c":123456789012345678,"d":0.1}]')
    assert frame == Call("1", "X", {"a": "12345678901234567890", "b": "😀", "c": 123456789012345678, "d": 0.1})


@pytest.mark.rule("security.ATK-14")
def test_depth_and_size_have_limits() -> None:
    deepest = MAXIMUM_DEPTH - 2  # the array and the payload are two
    assert isinstance(read('[2,"1","X",{"a":' + "[" * deepest + "]" * deepest + "}]"), Call)
    assert isinstance(read('[2,"1","X",{"a":' + "[" * (deepest + 1) + "]" * (deepest + 1) + "}]"), Unreadable)
    room = MAXIMUM_FRAME_BYTES - len('[2,"1","X",{"a":""}]')
    assert isinstance(read('[2,"1","X",{"a":"' + "x" * room + '"}]'), Call)
    assert isinstance(read('[2,"1","X",{"a":"' + "x" * (room + 1) + '"}]'), Unreadable)


@pytest.mark.rule("security.ATK-14")
@pytest.mark.parametrize("part", ["[", '{"a":', "[],", "1,", "{},", '"\\ud800",', "-", "9", "\\"])
def test_no_frame_costs_more_than_a_moment(part: str) -> None:
    text = '[2,"1","X",{"a":[' + part * (MAXIMUM_FRAME_BYTES // len(part))
    began = time.process_time()
    assert isinstance(read(text[:MAXIMUM_FRAME_BYTES]), Unreadable)
    assert time.process_time() - began < 0.5


@pytest.mark.rule("ocpp16.T09")
def test_what_is_written_is_ascii_and_the_same_every_time() -> None:
    call = Call("1", "X", {"b": "ü", "a": [1.5, True, None]})
    assert write(call) == '[2,"1","X",{"b":"\\u00fc","a":[1.5,true,null]}]'
    assert read(write(call)) == call


@pytest.mark.parametrize("payload", [{}, {"status": "Accepted"}, {"a": ["ü", 1.5, None, {"b": True}]}])
def test_a_payload_that_is_written_once_gives_the_same_frame(payload: dict[str, Any]) -> None:
    assert Written(payload) == payload
    assert write(CallResult("1", Written(payload))) == write(CallResult("1", payload))
    assert write(Call("1", "X", Written(payload))) == write(Call("1", "X", payload))


def test_a_payload_does_not_print() -> None:
    assert "4711" not in repr(Call("1", "Authorize", {"idTag": "4711"}))
    assert "4711" not in repr(CallResult("1", {"idTag": "4711"}))


@settings(max_examples=300, deadline=None)
@given(
    st.text()
    | st.binary()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(), inner, max_size=4),
    ).map(json.dumps)
)
def test_reading_is_total(data: str | bytes) -> None:
    read(data)
