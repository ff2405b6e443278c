"""One end of a serial line: characters take their time on the wire, in both directions.

Theory of operation
-------------------
A transport (pseudo-terminal or in-process port) hands over what the master wrote; it *arrives* when its last character
is through at the baud rate of the master. What the device sends is delivered when its last character is through; two
answers never overlap. Everything is scheduled on the running event loop, so that on a virtual-time loop it is exact.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

Deliver = Callable[[bytes], None]


class LineSettings(Protocol):
    """How a master has set the line; any object with these fields will do."""

    @property
    def baud(self) -> int:
        """Characters are `1 + 8 + parity + stop_bits` bits long at this rate."""

    @property
    def parity(self) -> str:
        """`N`, `E` or `O`."""

    @property
    def stop_bits(self) -> int:
        """1 or 2."""


@dataclass(frozen=True, slots=True)
class LineFormat:
    """Rate and shape of the characters of 8 data bits on a line."""

    baud: int
    parity: str = "N"
    stop_bits: int = 1

    @property
    def character_s(self) -> float:
        """Seconds that one character takes, start, parity and stop bits included."""
        return (9 + (self.parity != "N") + self.stop_bits) / self.baud


class SerialEnd:
    """The plant's end of a line. Subclasses override `arrived`."""

    def __init__(self, name: str, line_format: LineFormat) -> None:
        self.name = name
        self.format = line_format
        self.powered = True
        self._deliver: Deliver | None = None
        self._in_free_s = 0.0
        self._out_free_s = 0.0

    def attach(self, deliver: Deliver) -> None:
        """A master opened the line; it replaces the one before."""
        self._deliver = deliver

    def detach(self, deliver: Deliver) -> None:
        """The master closed the line; what is still under way gets lost."""
        if self._deliver is deliver:
            self._deliver = None

    def receive(self, data: bytes) -> None:
        """The master wrote these characters now. Called by a transport, inside the event loop."""
        loop = asyncio.get_running_loop()
        self._in_free_s = max(loop.time(), self._in_free_s) + len(data) * self.format.character_s
        loop.call_at(self._in_free_s, self._arrive, data)

    def send(self, data: bytes, delay_s: float = 0.0) -> None:
        """Put characters on the wire after a delay, behind what is there already."""
        loop = asyncio.get_running_loop()
        begin_s = max(loop.time() + delay_s, self._out_free_s)
        self._out_free_s = begin_s + len(data) * self.format.character_s
        loop.call_at(self._out_free_s, self._put, data)

    def arrived(self, data: bytes) -> None:
        """These characters have come through."""

    def _arrive(self, data: bytes) -> None:
        if self.powered:
            self.arrived(data)

    def _put(self, data: bytes) -> None:
        if self._deliver is not None and self.powered:
            self._deliver(data)
