"""RDM6300: a 125 kHz reader that says what it sees, over and over, and hears nothing."""

from __future__ import annotations

import asyncio
from functools import reduce
from operator import xor

from hal.simulator.devices.reader import CardReader, UnknownToken, hex_bytes
from hal.simulator.wire.line import LineFormat

REPEAT_S = 0.1
SLOW = LineFormat(9600)
BEGIN, END = b"\x02", b"\x03"


def frame(tag: bytes) -> bytes:
    """STX, ten hex digits (version and tag), two of checksum, ETX."""
    return BEGIN + (tag + bytes((reduce(xor, tag),))).hex().upper().encode() + END


class Rdm6300(CardReader):
    """One module with its coil."""

    def __init__(self, name: str, line_format: LineFormat = SLOW) -> None:
        super().__init__(name, line_format)

    def parse(self, id_token: str) -> bytes:
        """See `CardReader`: five bytes; of four the version byte is 00."""
        tag = hex_bytes(id_token)
        if len(tag) not in (4, 5):
            raise UnknownToken("a tag of this reader has 5 bytes: 10 hex digits, version first")
        return tag.rjust(5, b"\x00")

    def card_entered(self) -> None:
        """See `CardReader`."""
        self._say(self.card)

    def _say(self, tag: bytes | None) -> None:
        if tag is None or tag is not self.card:
            return
        if self.online and self.powered:
            self.send(frame(tag))
            self.noticed()
        asyncio.get_running_loop().call_later(REPEAT_S, self._say, tag)
