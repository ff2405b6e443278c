"""Frames by hand: the bytes are worked out from the Modbus documents, not by the code under test."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hal.simulator.wire.modbus import ModbusError, ModbusUnit, Receiver, answer, checksum, framed

READ_TWO = bytes.fromhex("01 03 00 00 00 02 C4 0B")
"""Unit 1, read holding registers 0 and 1: the textbook frame."""


class Words(ModbusUnit):
    """Ten words and ten coils."""

    def __init__(self) -> None:
        self.words = list(range(10))
        self.coils = [False] * 10

    def read_registers(self, function: int, address: int, count: int) -> Sequence[int]:
        if address + count > 10:
            raise ModbusError(2)
        return self.words[address : address + count]

    def read_bits(self, function: int, address: int, count: int) -> Sequence[bool]:
        return self.coils[address : address + count]

    def write_registers(self, address: int, words: Sequence[int]) -> None:
        self.words[address : address + len(words)] = words

    def write_bits(self, address: int, bits: Sequence[bool]) -> None:
        self.coils[address : address + len(bits)] = bits


@pytest.mark.parametrize(
    ("body", "crc"),
    [("01 03 00 00 00 02", "C4 0B"), ("01 04 00 48 00 02", "F1 DD"), ("11 03 00 6B 00 03", "76 87")],
)
def test_checksum_of_known_frames(body: str, crc: str) -> None:
    assert checksum(bytes.fromhex(body)) == bytes.fromhex(crc)


def test_a_request_in_pieces() -> None:
    receiver = Receiver()
    assert receiver.feed(READ_TWO[:3]) == []
    assert receiver.pending
    (request,) = receiver.feed(READ_TWO[3:])
    assert (request.unit, request.pdu) == (1, bytes.fromhex("03 00 00 00 02"))
    assert not receiver.pending


def test_noise_before_a_request_is_gone_after_a_silence() -> None:
    receiver = Receiver()
    assert receiver.feed(b"\xff\x03" + READ_TWO) == []
    assert receiver.silence() is None
    assert len(receiver.feed(READ_TWO)) == 1


def test_a_wrong_checksum_is_no_request() -> None:
    receiver = Receiver()
    assert receiver.feed(READ_TWO[:-1] + b"\x00") == []
    assert receiver.silence() is None


def test_an_unknown_function_is_taken_after_the_silence_and_refused() -> None:
    receiver = Receiver()
    frame = framed(1, bytes.fromhex("2B 0E 01 00"))
    assert receiver.feed(frame) == []
    request = receiver.silence()
    assert request is not None
    assert answer(Words(), request.pdu) == bytes.fromhex("AB 01")


@pytest.mark.parametrize(
    ("pdu", "reply"),
    [
        ("03 00 01 00 02", "03 04 0001 0002"),
        ("03 00 09 00 02", "83 02"),  # beyond the last word
        ("03 00 00 00 00", "83 03"),  # no count
        ("03 00 00 00 7E", "83 03"),  # 126 words
        ("03 00 00", "83 03"),  # cut short
        ("06 00 02 BEEF", "06 0002 BEEF"),
        ("10 00 02 00 02 04 0001 0002", "10 0002 0002"),
        ("10 00 02 00 02 03 000100", "90 03"),
        ("05 00 03 FF00", "05 0003 FF00"),
        ("05 00 03 1234", "85 03"),
        ("0F 00 00 00 0A 02 CD 01", "0F 0000 000A"),
        ("07", "87 01"),
    ],
)
def test_answers(pdu: str, reply: str) -> None:
    assert answer(Words(), bytes.fromhex(pdu)).hex() == bytes.fromhex(reply).hex()


def test_coils_are_packed_from_the_lowest_bit() -> None:
    unit = Words()
    answer(unit, bytes.fromhex("0F 00 00 00 0A 02 CD 01"))
    assert unit.coils == [True, False, True, True, False, False, True, True, True, False]
    assert answer(unit, bytes.fromhex("01 00 00 00 0A")) == bytes.fromhex("01 02 CD 01")
