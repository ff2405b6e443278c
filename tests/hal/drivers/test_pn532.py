"""PN532 frames: known bytes, garbage, lengths that lie."""

from __future__ import annotations

import random

import pytest

from hal.drivers.pn532 import ACKNOWLEDGE, Acknowledged, Answered, Parser, card_of, command, is_random

UID4 = "4b 01 01 0004 08 04 a1b2c3d4"
UID7 = "4b 01 01 0044 00 07 04a1b2c3d4e5f6"


def answer(text: str) -> bytes:
    """A frame of the chip, put together here and not by the code under test."""
    body = bytes.fromhex("d5" + text)
    return bytes((0, 0, 255, len(body), (256 - len(body)) % 256)) + body + bytes(((256 - sum(body)) % 256, 0))


def test_commands_as_in_the_manual() -> None:
    assert command(bytes.fromhex("02")).hex(" ") == "00 00 ff 02 fe d4 02 2a 00"
    assert command(bytes.fromhex("14010001")).hex(" ") == "00 00 ff 05 fb d4 14 01 00 01 16 00"
    assert command(bytes.fromhex("4a0100")).hex(" ") == "00 00 ff 04 fc d4 4a 01 00 e1 00"


@pytest.mark.parametrize(("text", "uid"), [(UID4, "a1b2c3d4"), (UID7, "04a1b2c3d4e5f6")])
def test_a_card(text: str, uid: str) -> None:
    acknowledged, found = Parser().feed(ACKNOWLEDGE + answer(text))
    assert acknowledged == Acknowledged()
    assert isinstance(found, Answered)
    assert card_of(found) == bytes.fromhex(uid)


@pytest.mark.parametrize(
    "text",
    [
        "4b 00",  # no target
        "4b 01 01 0004 08 0a a1b2c3d4",  # says ten, has four
        "4b 01 01 0004 08 05 a1b2c3d4e5",  # no UID has five
        "4b 01 01",  # cut short
        "03 32 01 06 07",  # another answer
    ],
)
def test_no_card(text: str) -> None:
    (found,) = Parser().feed(answer(text))
    assert isinstance(found, Answered)
    assert card_of(found) is None


def test_any_pieces_and_noise_between() -> None:
    stream = b"\xff\x00\x00" + ACKNOWLEDGE + b"\x00\xff\x10" + answer(UID4) + b"\x55\x00\xff\x05" + answer(UID7)
    parser = Parser()
    found = [frame for at in range(len(stream)) for frame in parser.feed(stream[at : at + 1])]
    assert [type(one) for one in found] == [Acknowledged, Answered, Answered]


@pytest.mark.parametrize("at", range(3, len(answer(UID4)) - 1))
def test_a_spoiled_byte_gives_no_card_and_the_next_frame_is_read(at: int) -> None:
    spoiled = bytearray(answer(UID4))
    spoiled[at] ^= 0x40
    found = Parser().feed(bytes(spoiled) + answer(UID7) + bytes(300))
    cards = [card_of(one) for one in found if isinstance(one, Answered)]
    assert cards == [bytes.fromhex("04a1b2c3d4e5f6")]


def test_garbage_neither_raises_nor_piles_up() -> None:
    chance = random.Random(7)
    parser = Parser()
    for _ in range(300):
        parser.feed(chance.randbytes(chance.randrange(1, 60)))
    assert len(parser._buffer) <= 512


def test_random_numbers_of_phones() -> None:
    assert is_random(bytes.fromhex("08a1b2c3"))
    assert not is_random(bytes.fromhex("04a1b2c3"))
    assert not is_random(bytes.fromhex("08a1b2c3d4e5f6"))
