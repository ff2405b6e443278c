"""A serial line with Modbus RTU units on it, at the level of bytes; shares no code with `hal`.

A `FakeLine` is the port factory of a bus: it takes the time of the wire, answers after a latency, and can be cut, echo,
add noise, spoil checksums and send foreign frames. Every frame is kept in `transcript` as (loop time, direction, hex).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


def checksum(octets: bytes) -> bytes:
    """CRC-16/MODBUS, low byte first, bit by bit."""
    register = 0xFFFF
    for octet in octets:
        register ^= octet
        for _ in range(8):
            register = (register >> 1) ^ 0xA001 if register & 1 else register >> 1
    return bytes((register & 0xFF, register >> 8))


def framed(text: str) -> bytes:
    """Bytes of a hex text with the checksum behind."""
    octets = bytes.fromhex(text)
    return octets + checksum(octets)


@dataclass
class FakeUnit:
    """Registers by address; what is not there is refused with exception 2, other functions with exception 1."""

    unit: int
    holding: dict[int, int] = field(default_factory=dict)
    inputs: dict[int, int] = field(default_factory=dict)
    coils: dict[int, int] = field(default_factory=dict)
    functions: set[int] = field(default_factory=lambda: {1, 3, 4, 5, 16})
    silent: bool = False
    deaf_for: int = 0
    """So many requests more are not answered."""
    busy_for: int = 0
    """So many requests more are refused with exception 6."""
    latency_s: float = 0.01
    written: list[tuple[int, int, tuple[int, ...]]] = field(default_factory=list)
    on_write: Callable[[FakeUnit], None] | None = None

    def answer(self, frame: bytes) -> bytes | None:
        """The answer to a frame with a right checksum; None: none."""
        if frame[0] != self.unit or self.silent:
            return None
        if self.deaf_for:
            self.deaf_for -= 1
            return None
        function = frame[1]
        if self.busy_for:
            self.busy_for -= 1
            octets = bytes((self.unit,)) + self._refusal(function, 6)
            return octets + checksum(octets)
        body = self._refusal(function, 1) if function not in self.functions else self._serve(function, frame)
        octets = bytes((self.unit,)) + body
        return octets + checksum(octets)

    def _serve(self, function: int, frame: bytes) -> bytes:
        address, count = int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[4:6], "big")
        if function == 1:
            if any(address + one not in self.coils for one in range(count)):
                return self._refusal(function, 2)
            octets = bytearray((count + 7) // 8)
            for one in range(count):
                octets[one // 8] |= bool(self.coils[address + one]) << one % 8
            return bytes((1, len(octets))) + octets
        if function in (3, 4):
            table = self.holding if function == 3 else self.inputs
            if any(address + one not in table for one in range(count)):
                return self._refusal(function, 2)
            words = b"".join(table[address + one].to_bytes(2, "big") for one in range(count))
            return bytes((function, len(words))) + words
        return self._store(function, frame, address, count)

    def _store(self, function: int, frame: bytes, address: int, count: int) -> bytes:
        if function == 5:
            values: tuple[int, ...] = (int(count == 0xFF00),)
            table = self.coils
        else:
            data = frame[7 : 7 + frame[6]]
            values = tuple(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
            table = self.holding
        if any(address + at not in table for at in range(len(values))):
            return self._refusal(function, 2)
        table.update({address + at: value for at, value in enumerate(values)})
        self.written.append((function, address, values))
        if self.on_write:
            self.on_write(self)
        return frame[1:6]

    @staticmethod
    def _refusal(function: int, code: int) -> bytes:
        return bytes((function | 0x80, code))


class FakeLine:
    """One line; `open` is a `PortFactory`."""

    def __init__(self, *units: FakeUnit) -> None:
        self.units = list(units)
        self.transcript: list[tuple[float, str, str]] = []
        self.plugged = True
        self.echo = False
        self.before = b""
        """Bytes that stand before each answer."""
        self.spoil = 0
        """So many answers more have a wrong checksum."""
        self.ports: list[FakePort] = []
        self.opened_with: list[Any] = []

    async def open(self, address: str, settings: Any) -> FakePort:
        if not self.plugged:
            raise OSError(f"{address}: no such line")
        self.opened_with.append((address, settings))
        self.ports.append(FakePort(self, settings))
        return self.ports[-1]

    def unplug(self) -> None:
        self.plugged = False
        for port in self.ports:
            port.cut()
        self.ports.clear()

    def sent(self) -> list[str]:
        """What the master sent, in hex."""
        return [octets for _, direction, octets in self.transcript if direction == ">>"]

    def take(self, port: FakePort, frame: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.transcript.append((loop.time(), ">>", frame.hex(" ")))
        wire_s = len(frame) * port.character_s
        if self.echo:
            loop.call_later(wire_s, port.put, frame)
        if frame[-2:] != checksum(frame[:-2]):
            return
        for unit in self.units:
            answer = unit.answer(frame)
            if answer is not None:
                if self.spoil:
                    self.spoil -= 1
                    answer = answer[:-1] + bytes((answer[-1] ^ 0xFF,))
                delay_s = wire_s + unit.latency_s + len(answer) * port.character_s
                loop.call_later(delay_s, self._give, port, self.before + answer)

    def _give(self, port: FakePort, answer: bytes) -> None:
        self.transcript.append((asyncio.get_running_loop().time(), "<<", answer.hex(" ")))
        port.put(answer)


class FakePort:
    def __init__(self, line: FakeLine, settings: Any) -> None:
        self._line = line
        self.character_s = 11 / settings.baud
        self._buffer = bytearray()
        self._ready = asyncio.Event()
        self._gone = False

    async def read(self) -> bytes:
        await self._ready.wait()
        data = bytes(self._buffer)
        self._buffer.clear()
        if not self._gone:
            self._ready.clear()
        return data

    async def write(self, data: bytes) -> None:
        if self._gone:
            raise OSError("gone")
        self._line.take(self, data)

    async def flush(self) -> None:
        self._buffer.clear()
        if not self._gone:
            self._ready.clear()

    async def close(self) -> None:
        self.cut()

    def put(self, data: bytes) -> None:
        if not self._gone:
            self._buffer += data
            self._ready.set()

    def cut(self) -> None:
        self._gone = True
        self._ready.set()
