"""Frames of an RDM6300: `02`, ten hex digits (version and tag), two hex digits (their XOR), `03`. Pure."""

from __future__ import annotations

from functools import reduce
from operator import xor

_START, _END, _LENGTH = 0x02, 0x03, 14


class Parser:
    """Bytes in, UIDs of five bytes out; noise and frames with a wrong checksum are skipped."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Add bytes; the tags that are complete now."""
        self._buffer += data
        found: list[bytes] = []
        while (at := self._buffer.find(_START)) >= 0 and len(self._buffer) >= at + _LENGTH:
            uid = _tag(bytes(self._buffer[at : at + _LENGTH]))
            del self._buffer[: at + (_LENGTH if uid else 1)]
            if uid:
                found.append(uid)
        del self._buffer[:-_LENGTH]
        return found


def _tag(frame: bytes) -> bytes | None:
    digits = frame[1:13]
    if frame[-1] != _END or not all(one in b"0123456789ABCDEFabcdef" for one in digits):
        return None
    octets = bytes.fromhex(digits.decode("ascii"))
    return octets[:5] if reduce(xor, octets[:5]) == octets[5] else None
