"""Modbus RTU requests <-> bytes; the only file that imports pymodbus.

Of pymodbus only the pure pieces are used: request PDUs, the response decoder and the checksum of the RTU framer. None
of its client (time-outs, retries, closing of ports) takes part. What comes back from the line is judged here: a
response must have the unit, the function and the length that the request asked for, and a right checksum; everything
else (own echo, late or foreign frames, noise) is skipped byte by byte.

Most polls are answered as the last time, byte for byte: `Recent` remembers what such an answer meant.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from pymodbus.framer.rtu import FramerRTU
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest, WriteSingleCoilRequest
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

_READS: dict[int, type[ModbusPDU]] = {
    1: ReadCoilsRequest,
    2: ReadDiscreteInputsRequest,
    3: ReadHoldingRegistersRequest,
    4: ReadInputRegistersRequest,
}
_WRITES: dict[int, type[ModbusPDU]] = {
    5: WriteSingleCoilRequest,
    6: WriteSingleRegisterRequest,
    16: WriteMultipleRegistersRequest,
}
_FRAMER = FramerRTU(DecodePDU(False))
_REFUSAL_LENGTH = 5

_REFUSALS = {
    1: "illegal function",
    2: "illegal address",
    3: "illegal value",
    4: "device failure",
    5: "acknowledged, not yet done",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target silent",
}


@dataclass(frozen=True, slots=True)
class Read:
    """Read `count` coils, inputs or registers; `function` is 1 to 4."""

    unit: int
    function: int
    address: int
    count: int


@dataclass(frozen=True, slots=True)
class WriteWords:
    """Write one coil (`function` 5, a value of 0 or 1), one holding register (6) or neighbouring ones (16)."""

    unit: int
    function: int
    address: int
    words: tuple[int, ...]


Request = Read | WriteWords


@dataclass(frozen=True, slots=True)
class Reply:
    """A right answer: bits (0 or 1) or words of a read, nothing for a write."""

    words: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """An exception response (MODBUS Application Protocol 7)."""

    code: int

    def __str__(self) -> str:
        return f"exception {self.code} ({_REFUSALS.get(self.code, 'unknown')})"


@lru_cache(maxsize=512)
def encode(request: Request) -> bytes:
    """The frame of a request. Raises `ValueError` where a count or an address is out of range."""
    if isinstance(request, Read):
        pdu = _READS[request.function](dev_id=request.unit, address=request.address, count=request.count)
    elif request.function == 5:
        pdu = _WRITES[5](dev_id=request.unit, address=request.address, bits=[bool(request.words[0])])
    else:
        pdu = _WRITES[request.function](dev_id=request.unit, address=request.address, registers=list(request.words))
    return _FRAMER.buildFrame(pdu)


def response_length(request: Request) -> int:
    """Length of the right answer in bytes."""
    if isinstance(request, WriteWords):
        return 8
    octets = (request.count + 7) // 8 if request.function in (1, 2) else 2 * request.count
    return octets + 5


def expected_answer(request: WriteWords) -> bytes:
    """The one right answer to a write, to the byte: a single coil or register is echoed, several are acknowledged."""
    if request.function in (5, 6):
        return encode(request)
    octets = encode(request)[:6]
    return octets + FramerRTU.compute_CRC(octets).to_bytes(2, "big")


@dataclass(slots=True)
class Recent:
    """The last right answer to each read of one line, and what it meant: the same bytes give the same `Reply`."""

    _replies: dict[Read, tuple[bytes, Reply]] = field(default_factory=dict)

    def same(self, request: Request, octets: bytearray) -> Reply | None:
        """The reply that these bytes were the last time."""
        known = self._replies.get(request) if isinstance(request, Read) else None
        return known[1] if known is not None and octets == known[0] else None

    def keep(self, request: Request, frame: bytes, reply: Reply) -> None:
        """A right answer."""
        if isinstance(request, Read):
            self._replies[request] = (frame, reply)


class Receiver:
    """Takes bytes of one response window until `Reply` or `Refusal` is there. One per request, never used again.

    `echoing`: this line is known to echo, so that the first copy of a coil write is our own and not the answer.
    """

    def __init__(self, request: Request, echoing: bool = False, recent: Recent | None = None) -> None:
        self._request = request
        self._recent = recent or Recent()
        self._sent = encode(request)
        self._length = response_length(request)
        self._buffer = bytearray()
        self._skip_echo = echoing
        self.echoed = False
        """The line gave our own bytes back."""

    @property
    def garbled(self) -> bool:
        """Something came, but no right answer."""
        return bool(self._buffer)

    @property
    def full(self) -> bool:
        """As much came as an answer is long: what is not right by now will hardly become so."""
        return len(self._buffer) >= self._length

    def feed(self, data: bytes) -> Reply | Refusal | None:
        """Add bytes; None: not complete yet."""
        self._buffer += data
        known = self._recent.same(self._request, self._buffer)
        if known is not None:
            return known
        self._take_echo()
        at = 0
        while at + 1 < len(self._buffer):
            found = self._answer_at(at)
            if found is not None:
                return found
            at += 1
        return None

    def _take_echo(self) -> None:
        ambiguous = self._sent == (expected_answer(self._request) if isinstance(self._request, WriteWords) else b"")
        if self.echoed or (ambiguous and not self._skip_echo):
            return
        if self._buffer.startswith(self._sent):
            del self._buffer[: len(self._sent)]
            self.echoed = True

    def _answer_at(self, at: int) -> Reply | Refusal | None:
        unit, function = self._buffer[at], self._buffer[at + 1]
        if unit != self._request.unit:
            return None
        if function == self._request.function | 0x80:
            frame = self._frame(at, _REFUSAL_LENGTH)
            return Refusal(frame[2]) if frame is not None else None
        if function != self._request.function:
            return None
        frame = self._frame(at, self._length)
        return self._judge(frame) if frame is not None else None

    def _frame(self, at: int, length: int) -> bytes | None:
        frame = bytes(self._buffer[at : at + length])
        if len(frame) < length:
            return None
        right = FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big"))
        return frame if right else None

    def _judge(self, frame: bytes) -> Reply | None:
        if isinstance(self._request, WriteWords):
            return Reply() if frame == expected_answer(self._request) else None
        if frame[2] != self._length - 5:
            return None
        pdu = _FRAMER.decoder.decode(frame[1:-2])
        if pdu is None:
            return None
        words = pdu.bits if self._request.function in (1, 2) else pdu.registers
        reply = Reply(tuple(int(word) for word in words[: self._request.count]))
        self._recent.keep(self._request, frame, reply)
        return reply
