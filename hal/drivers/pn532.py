"""Frames of the NXP PN532 on a serial line (UM0701-02, 6.2.1 and 7). Pure.

    00 00 FF LEN LCS TFI data... DCS 00      LEN + LCS = 0, TFI + data + DCS = 0 (both modulo 256)
    00 00 FF 00 FF 00                        acknowledgement

TFI is D4 towards the chip and D5 from it. The parser keeps its place through noise: what is no frame is skipped byte by
byte, and no length is believed before its checksum.
"""

from __future__ import annotations

from dataclasses import dataclass

WAKE_UP = b"\x55\x55" + bytes(14)
ACKNOWLEDGE = bytes.fromhex("0000ff00ff00")
SET_UP_SAM = bytes.fromhex("14010001")
GET_FIRMWARE = bytes.fromhex("02")
LIST_TARGET = bytes.fromhex("4a0100")
_START = b"\x00\xff"
_LONGEST = 512


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The chip took a command."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The chip's answer: the command's code plus one, and its data."""

    code: int
    data: bytes


Frame = Acknowledged | Answered


def command(data: bytes) -> bytes:
    """The frame of a command: code and parameters without TFI."""
    body = b"\xd4" + data
    return bytes((0, 0, 0xFF, len(body), -len(body) & 0xFF)) + body + bytes((-sum(body) & 0xFF, 0))


class Parser:
    """Bytes in, frames out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Add bytes; the frames that are complete now."""
        self._buffer += data
        found: list[Frame] = []
        while (at := self._buffer.find(_START)) >= 0:
            length = self._length(at)
            if length is None:
                break
            frame = self._frame(at, length)
            del self._buffer[: at + (length if frame else 1)]
            if frame:
                found.append(frame)
        del self._buffer[:-_LONGEST]
        return found

    def _length(self, at: int) -> int | None:
        """Length from the start code to the last byte needed; None: wait for more."""
        if len(self._buffer) < at + 4:
            return None
        size, check = self._buffer[at + 2], self._buffer[at + 3]
        if (size, check) == (0, 0xFF):
            return 4
        if (size + check) & 0xFF or size == 0:
            return 2  # no frame
        return 4 + size + 1 if len(self._buffer) >= at + 4 + size + 1 else None

    def _frame(self, at: int, length: int) -> Frame | None:
        if length == 4:
            return Acknowledged()
        body = bytes(self._buffer[at + 4 : at + length])
        if length == 2 or sum(body) & 0xFF or len(body) < 3 or body[0] != 0xD5:
            return None
        return Answered(body[1], body[2:-1])


def card_of(answer: Answered) -> bytes | None:
    """The UID in an answer to `LIST_TARGET`, or None: no target, another answer, or lengths that contradict.

    Layout: number of targets, target number, SENS_RES (2), SEL_RES, length of the UID, UID.
    """
    data = answer.data
    if answer.code != LIST_TARGET[0] + 1 or len(data) < 6 or data[0] < 1:
        return None
    size = data[5]
    if size not in (4, 7, 10) or len(data) < 6 + size:
        return None
    return data[6 : 6 + size]


def is_random(uid: bytes) -> bool:
    """A four-byte UID that begins with 08 is made anew at each presentation (ISO/IEC 14443-3 6.5.4)."""
    return len(uid) == 4 and uid[0] == 0x08
