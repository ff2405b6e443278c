"""An RS-485 line with Modbus units on it, and everything that can be wrong with such a line."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hal.simulator.wire.line import LineFormat, SerialEnd
from hal.simulator.wire.modbus import BROADCAST, READS, ModbusUnit, Receiver, Request, answer, framed

SILENCE_CHARACTERS = 3.5
SILENCE_SLACK_S = 0.005
"""A pseudo-terminal hands characters over in lumps: a gap between lumps is no silence."""
STRANGER = 0xC8
"""Unit of the device that talks out of turn."""
STRANGE_PDU = bytes((0x03, 0x04, 0x12, 0x34, 0x56, 0x78))
SHORTEST_ANSWER_S = 0.001


@dataclass(frozen=True, slots=True)
class BusFaults:
    """What is wrong with a line."""

    online: bool = True
    """False: nobody hears anything."""
    crc_error_rate: float = 0.0
    """Share of exchanges in which a character is garbled, in the request or in the answer by turns of chance."""
    delay_ms: float = 0.0
    """Added to the latency of every answer."""
    foreign_frames: float = 0.0
    """Share of answers before which another device talks; 1 and above: all."""


class Bus(SerialEnd):
    """Units that listen on one line. `now` brings the plant to the present before a unit is asked."""

    def __init__(self, name: str, units: Mapping[int, ModbusUnit], line_format: LineFormat, rng: random.Random) -> None:
        super().__init__(name, line_format)
        self.units = dict(units)
        self.faults = BusFaults()
        self.now: Callable[[], None] = lambda: None
        self.touched: Callable[[], None] = lambda: None
        self.looked_at: Callable[[], None] = lambda: None
        """Called in place of `touched` when a unit was only read."""
        self._rng = rng
        self._receiver = Receiver()
        self._silence: asyncio.TimerHandle | None = None

    def arrived(self, data: bytes) -> None:
        """See `SerialEnd`."""
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
        for request in self._receiver.feed(data):
            self._take(request)
        if self._receiver.pending:
            wait_s = SILENCE_CHARACTERS * self.format.character_s + SILENCE_SLACK_S
            self._silence = asyncio.get_running_loop().call_later(wait_s, self._fell_silent)

    def _fell_silent(self) -> None:
        self._silence = None
        request = self._receiver.silence()
        if request is not None:
            self._take(request)

    def _take(self, request: Request) -> None:
        if not self.faults.online:
            return
        garbled = self._rng.random() < self.faults.crc_error_rate
        if garbled and self._rng.random() < 0.5:
            return  # the request arrived garbled: nobody answers
        self.now()
        if request.unit == BROADCAST:
            for unit in self.units.values():
                answer(unit, request.pdu)
        elif request.unit in self.units:
            unit = self.units[request.unit]
            frame = framed(request.unit, answer(unit, request.pdu))
            self._reply(self._garble(frame) if garbled else frame, unit.latency_s)
        (self.looked_at if request.pdu[0] in READS else self.touched)()

    def _reply(self, frame: bytes, latency_s: float) -> None:
        delay_s = max(latency_s, SHORTEST_ANSWER_S) + self.faults.delay_ms / 1000
        if self._rng.random() < self.faults.foreign_frames:
            self.send(framed(STRANGER, STRANGE_PDU), delay_s / 2)
        self.send(frame, delay_s)

    def _garble(self, frame: bytes) -> bytes:
        at = self._rng.randrange(len(frame))
        return frame[:at] + bytes((frame[at] ^ (1 << self._rng.randrange(8)),)) + frame[at + 1 :]
