"""Frames that no schema makes: what a parser could choke on, and everything that may come over a link, mixed."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.fuzz import schemas
from tests.fuzz.strategies import ACTIONS, ODD, TEXTS, Frame, frame_text, mutated, payloads, requests

MOST_BYTES = 250_000
"""A little less than what a station must take; beyond it a link may be given up."""


@st.composite
def _strange_ids(draw: st.DrawFn) -> str:
    strange = [None, 1, "", " ", "x" * 36, "x" * 37, "\n", "\u00e9", "-1", [], {}, True, "again"]
    return frame_text(2, draw(st.sampled_from(strange)), draw(ACTIONS), {})


@st.composite
def _strange_actions(draw: st.DrawFn) -> str:
    known = ["Heartbeat", "StartTransaction", "Authorize", "reset", "RESET", "NotifyReport", "__init__", "x" * 5000]
    return frame_text(2, "@", draw(st.one_of(st.sampled_from([*known, "", None, 1, [], {}, True]), TEXTS)), draw(ODD))


@st.composite
def _strange_arrays(draw: st.DrawFn) -> str:
    kinds = [2, 3, 4, 0, -1, 5, 2.0, "2", True, None, [2], {}, 10**30]
    frame = [draw(st.sampled_from(kinds)), "@", draw(ACTIONS), {}, draw(ODD)]
    return frame_text(*frame[: draw(st.integers(0, 5))])


@st.composite
def _answers_to_nobody(draw: st.DrawFn) -> str:
    tail = [draw(ODD) for _ in range(draw(st.integers(0, 3)))]
    return frame_text(draw(st.sampled_from([3, 4])), "@", *tail)


@st.composite
def _deep(draw: st.DrawFn) -> str:
    depth = draw(st.sampled_from([20, 33, 500, 5000, 20_000]))
    opening, closing = draw(st.sampled_from(["[]", ('{"a":', "}")]))
    inner = opening * depth + "1" + closing * depth
    return draw(st.sampled_from([inner, f'[2,"@","DataTransfer",{{"vendorId":"x","data":{inner}}}]', opening * depth]))


@st.composite
def _numbers(draw: st.DrawFn) -> str:
    plain = ["NaN", "Infinity", "-Infinity", "1e400", "-0", "1.0", "0.1e1", "00", "0x1", "1_0"]
    number = draw(st.one_of(st.sampled_from(plain), st.integers(17, 5000).map(lambda digits: "9" * digits)))
    return f'[2,"@","RemoteStopTransaction",{{"transactionId":{number}}}]'


@st.composite
def _broken_off(draw: st.DrawFn) -> str:
    text = draw(requests())
    return text[: draw(st.integers(0, len(text)))] + draw(st.sampled_from(["", "]", "}", '"', "\\", ",", "\x00"]))


def _oddities() -> st.SearchStrategy[str]:
    large = "x" * 100_000
    return st.sampled_from(
        [
            '[2,"@","Reset",{"type":"Hardest","type":"Softest"}]',
            '[2,"@","DataTransfer",{"vendorId":"\\ud800"}]',
            '[2,"@","DataTransfer",{"vendorId":"\\u0000"}]',
            '[2,"@","GetConfiguration",null]',
            '[2,"@","GetConfiguration",[]]',
            '[2,"@","ClearCache"]',
            '\ufeff[2,"@","ClearCache",{}]',
            '  [ 2 , "@" , "ClearCache" , { } ]  ',
            frame_text(2, "@", "DataTransfer", {"vendorId": "x", "data": large}),
            frame_text(2, "@", "GetConfiguration", {"key": ["k"] * 15_000}),
            frame_text(2, "@", "GetConfiguration", {"key": ["k"] * 25_000}),
            frame_text(2, "@", "GetConfiguration", {"key": [str(number) for number in range(501)]}),
            frame_text(2, "@", "SendLocalList", {"listVersion": 1, "updateType": "Full", large: 1}),
            "",
            "\x00",
            "null",
            "{}",
            '{"2":"@"}',
            "[2]",
        ]
    )


def hostile_frames() -> st.SearchStrategy[str]:
    """What a parser could choke on."""
    small = st.one_of(_strange_ids(), _strange_actions(), _strange_arrays(), _answers_to_nobody(), _broken_off())
    return st.one_of(small, small, _deep(), _numbers(), _oddities(), TEXTS)


def frames() -> st.SearchStrategy[Frame]:
    """Everything that may come over a link."""
    return st.one_of(requests(), requests(), hostile_frames()).filter(_not_too_large).map(Frame)


def _not_too_large(text: str) -> bool:
    return len(text.encode()) < MOST_BYTES


def answers(action: str, never: tuple[str, ...] = ()) -> st.SearchStrategy[Frame]:
    """Answers to a call of the station: valid, slightly wrong and hostile. No enumeration draws what is in `never`."""
    schema = _without(schemas.confirmation(action), never)
    result = st.one_of(payloads(schema), mutated(schema), mutated(schema)).map(lambda p: frame_text(3, "@", p))
    error = st.lists(ODD, max_size=4).map(lambda tail: frame_text(4, "@", *tail))
    broken = st.tuples(result, st.integers(0, 40)).map(lambda drawn: drawn[0][: drawn[1]])
    return st.one_of(result, result, error, _answers_to_nobody(), _strange_arrays(), broken).map(Frame)


def _without(schema: Any, never: tuple[str, ...]) -> Any:
    """The schema with some values taken out of its enumerations."""
    if isinstance(schema, list):
        return [_without(part, never) for part in schema if part not in never]
    if isinstance(schema, dict):
        return {name: _without(part, never) for name, part in schema.items()}
    return schema
