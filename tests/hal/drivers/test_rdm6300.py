"""RDM6300 frames: known bytes, wrong checksums, noise."""

from __future__ import annotations

import random

import pytest

from hal.drivers.rdm6300 import Parser

FRAME = b"\x02" + b"0A00AB12CD" + b"7E" + b"\x03"  # 0A ^ 00 ^ AB ^ 12 ^ CD = 7E
UID = bytes.fromhex("0A00AB12CD")


def test_a_tag_in_any_pieces() -> None:
    parser = Parser()
    assert [one for at in range(len(FRAME)) for one in parser.feed(FRAME[at : at + 1])] == [UID]
    assert parser.feed(FRAME * 2) == [UID, UID]


@pytest.mark.parametrize("at", range(1, len(FRAME)))
def test_a_spoiled_byte_gives_no_tag_and_the_next_is_read(at: int) -> None:
    spoiled = bytearray(FRAME)
    spoiled[at] ^= 0x04
    assert Parser().feed(bytes(spoiled) + FRAME) == [UID]


def test_a_start_byte_inside_noise_does_not_swallow_a_tag() -> None:
    assert Parser().feed(b"\x02\x02garb\x02" + FRAME) == [UID]


def test_garbage_neither_raises_nor_piles_up() -> None:
    chance = random.Random(7)
    parser = Parser()
    for _ in range(300):
        assert parser.feed(chance.randbytes(40)) == []
    assert len(parser._buffer) <= 14
