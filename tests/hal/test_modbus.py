"""Requests to bytes and bytes to answers, against frames written down by hand."""

from __future__ import annotations

import pytest

from hal.modbus import (
    Read,
    Receiver,
    Recent,
    Refusal,
    Reply,
    Request,
    WriteWords,
    encode,
    expected_answer,
    response_length,
)
from tests.hal.fake_line import framed

REQUESTS = [
    (Read(1, 1, 20000, 1), "01 01 4e 20 00 01"),
    (Read(1, 2, 0, 9), "01 02 00 00 00 09"),
    (Read(101, 3, 11, 3), "65 03 00 0b 00 03"),
    (Read(1, 4, 0, 18), "01 04 00 00 00 12"),
    (WriteWords(1, 5, 20000, (1,)), "01 05 4e 20 ff 00"),
    (WriteWords(1, 5, 20000, (0,)), "01 05 4e 20 00 00"),
    (WriteWords(101, 16, 5, (1, 16)), "65 10 00 05 00 02 04 00 01 00 10"),
]


@pytest.mark.parametrize(("request_", "text"), REQUESTS)
def test_requests(request_: Request, text: str) -> None:
    assert encode(request_) == framed(text)


ANSWERS = [
    (Read(1, 1, 20000, 1), "01 01 01 01", (1,)),
    (Read(1, 1, 0, 16), "01 01 02 01 80", (1, *[0] * 14, 1)),
    (Read(101, 3, 11, 3), "65 03 06 00 01 00 02 ff ff", (1, 2, 65535)),
    (Read(1, 4, 0, 2), "01 04 04 43 66 00 00", (0x4366, 0)),
    (WriteWords(1, 5, 20000, (1,)), "01 05 4e 20 ff 00", ()),
    (WriteWords(101, 16, 5, (1, 16)), "65 10 00 05 00 02", ()),
]


@pytest.mark.parametrize(("request_", "text", "words"), ANSWERS)
def test_answers_in_any_pieces(request_: Request, text: str, words: tuple[int, ...]) -> None:
    frame = framed(text)
    assert len(frame) == response_length(request_)
    assert Receiver(request_).feed(frame) == Reply(words)
    piecewise = Receiver(request_)
    found = [piecewise.feed(frame[at : at + 1]) for at in range(len(frame))]
    assert found[:-1] == [None] * (len(frame) - 1)
    assert found[-1] == Reply(words)


@pytest.mark.parametrize("request_", [request for request, _ in REQUESTS if isinstance(request, WriteWords)])
def test_the_expected_answer_of_a_write_is_what_is_accepted(request_: WriteWords) -> None:
    assert Receiver(request_).feed(expected_answer(request_)) == Reply()


def test_refusals_carry_their_code() -> None:
    found = Receiver(Read(1, 4, 0, 1)).feed(framed("01 84 02"))
    assert found == Refusal(2)
    assert str(found) == "exception 2 (illegal address)"


REQUEST = Read(1, 3, 0, 2)
GOOD = framed("01 03 04 00 07 00 08")
NO_ANSWERS = {
    "another unit": framed("02 03 04 00 07 00 08"),
    "another function": framed("01 04 04 00 07 00 08"),
    "a count that contradicts the length": framed("01 03 06 00 07 00 08"),
    "another length": framed("01 03 02 00 07"),
    "wrong checksum": GOOD[:-1] + bytes((GOOD[-1] ^ 1,)),
    "another's refusal": framed("02 83 02"),
    "refusal of another function": framed("01 84 02"),
    "noise": bytes(range(250)),
    "half a frame": GOOD[:5],
    "own echo": encode(REQUEST),
    "own echo and half an answer": encode(REQUEST) + GOOD[:5],
}


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_what_is_no_answer(name: str) -> None:
    assert Receiver(REQUEST).feed(NO_ANSWERS[name]) is None


@pytest.mark.parametrize("name", [name for name in NO_ANSWERS if "half" not in name])
def test_an_answer_is_found_behind_anything(name: str) -> None:
    receiver = Receiver(REQUEST)
    assert receiver.feed(NO_ANSWERS[name]) is None
    assert receiver.feed(GOOD + b"\x00\x00") == Reply((7, 8))


def test_another_write_is_not_confirmed() -> None:
    receiver = Receiver(WriteWords(1, 5, 20000, (0,)))
    assert receiver.feed(framed("01 05 4e 20 ff 00")) is None
    assert receiver.feed(framed("01 05 4e 20 00 00")) == Reply()


def test_an_echo_is_noticed_and_a_coil_write_needs_two_copies_then() -> None:
    receiver = Receiver(REQUEST)
    receiver.feed(encode(REQUEST) + GOOD)
    assert receiver.echoed
    write = WriteWords(1, 5, 3, (1,))
    echoing = Receiver(write, echoing=True)
    assert echoing.feed(encode(write)) is None
    assert echoing.feed(expected_answer(write)) == Reply()


@pytest.mark.parametrize("request_", [Read(1, 3, 0, 126), Read(1, 3, 65536, 1), Read(1, 3, 0, 0)])
def test_what_cannot_be_asked(request_: Read) -> None:
    with pytest.raises(ValueError, match=r"\d"):  # the wording is pymodbus's and changes
        encode(request_)


def test_the_bytes_of_the_last_answer_mean_the_same_and_only_for_the_same_request() -> None:
    recent, read, frame = Recent(), Read(101, 3, 11, 3), framed("65 03 06 00 01 00 02 ff ff")
    first = Receiver(read, recent=recent).feed(frame)
    again = Receiver(read, recent=recent)
    assert again.feed(frame[:5]) is None
    assert again.feed(frame[5:]) is first
    assert Receiver(Read(102, 3, 11, 3), recent=recent).feed(frame) is None
    other = Receiver(read, recent=recent).feed(framed("65 03 06 00 01 00 03 ff ff"))
    assert other == Reply((1, 3, 65535))
    assert Receiver(read, recent=recent).feed(frame) == first


def test_a_spoilt_copy_of_the_last_answer_is_none() -> None:
    recent, read, frame = Recent(), Read(101, 3, 11, 3), framed("65 03 06 00 01 00 02 ff ff")
    assert Receiver(read, recent=recent).feed(frame) is not None
    assert Receiver(read, recent=recent).feed(frame[:-1] + b"\0") is None
