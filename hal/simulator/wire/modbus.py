"""Modbus RTU as a slave sees it: checksum, frame limits, requests, exceptions. Shares nothing with the master's side.

Theory of operation
-------------------
A request frame is `unit, function, data..., crc low, crc high`. Its length follows from the function code, so a frame
is taken as soon as its last character is there; what does not fit (noise, an unknown function) ends with a silence of
3.5 characters. A frame with a wrong checksum, or for another unit, is not answered; unit 0 is for everybody and never
answered. An address or a count that the device does not have is answered with an exception (Modbus V1.1b3 section 7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BROADCAST = 0
READ_COILS, READ_INPUTS, READ_HOLDING, READ_INPUT_REGISTERS = 1, 2, 3, 4
READS = frozenset({READ_COILS, READ_INPUTS, READ_HOLDING, READ_INPUT_REGISTERS})
WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS = 5, 6, 15, 16
FIXED_LENGTH = 8
"""Whole request of functions 1 to 6: unit, function, two words, checksum."""
LONGEST = 256


class ModbusError(Exception):
    """The device refuses a request; `code` goes out as exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE = 1, 2, 3, 4


def checksum(data: bytes) -> bytes:
    """CRC-16 of Modbus, low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return bytes((crc & 0xFF, crc >> 8))


def framed(unit: int, pdu: bytes) -> bytes:
    """A complete frame."""
    body = bytes((unit,)) + pdu
    return body + checksum(body)


@dataclass(frozen=True, slots=True)
class Request:
    """One frame of a master with a right checksum."""

    unit: int
    pdu: bytes


class Receiver:
    """Collects characters until they make a request."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def pending(self) -> bool:
        """True while characters wait for the rest of their frame."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Request]:
        """Take characters; returns the requests that are complete with them."""
        self._buffer += data
        requests = []
        while (length := self._expected()) is not None and len(self._buffer) >= length:
            frame = bytes(self._buffer[:length])
            if checksum(frame[:-2]) != frame[-2:]:
                break  # no way to tell where the next frame starts: the silence will
            del self._buffer[:length]
            requests.append(Request(frame[0], frame[1:-2]))
        if len(self._buffer) > LONGEST:
            self._buffer.clear()
        return requests

    def silence(self) -> Request | None:
        """The line was silent for 3.5 characters: what waits is a frame of unknown length, or noise."""
        frame = bytes(self._buffer)
        self._buffer.clear()
        if len(frame) < 4 or checksum(frame[:-2]) != frame[-2:]:
            return None
        return Request(frame[0], frame[1:-2])

    def _expected(self) -> int | None:
        if len(self._buffer) < 2:
            return None
        function = self._buffer[1]
        if READ_COILS <= function <= WRITE_REGISTER:
            return FIXED_LENGTH
        if function in (WRITE_COILS, WRITE_REGISTERS) and len(self._buffer) >= 7:
            return 9 + self._buffer[6]
        return None


class ModbusUnit:
    """A device on the bus. A device overrides what it can; the rest is refused as an illegal function."""

    max_read = 125
    """Most registers in one read."""
    latency_s = 0.015
    """From the last character of a request to the first one of the answer."""

    def heard(self) -> None:
        """A valid request for this device arrived, whatever its outcome."""

    def read_registers(self, function: int, address: int, count: int) -> Sequence[int]:
        """Words from an address on (functions 3 and 4). Raises ModbusError."""
        raise ModbusError(ILLEGAL_FUNCTION)

    def read_bits(self, function: int, address: int, count: int) -> Sequence[bool]:
        """Bits from an address on (functions 1 and 2). Raises ModbusError."""
        raise ModbusError(ILLEGAL_FUNCTION)

    def write_registers(self, address: int, words: Sequence[int]) -> None:
        """Write words (functions 6 and 16). Raises ModbusError."""
        raise ModbusError(ILLEGAL_FUNCTION)

    def write_bits(self, address: int, bits: Sequence[bool]) -> None:
        """Write coils (functions 5 and 15). Raises ModbusError."""
        raise ModbusError(ILLEGAL_FUNCTION)


def answer(unit: ModbusUnit, pdu: bytes) -> bytes:
    """What the device answers to a request, an exception included."""
    unit.heard()
    try:
        return _perform(unit, pdu)
    except ModbusError as error:
        return bytes((pdu[0] | 0x80, error.code))


def _perform(unit: ModbusUnit, pdu: bytes) -> bytes:
    function = pdu[0]
    if function in READS:
        return _read(unit, function, *_two_words(pdu))
    if function in (WRITE_COIL, WRITE_REGISTER):
        _write_one(unit, function, *_two_words(pdu))
        return pdu
    if function in (WRITE_COILS, WRITE_REGISTERS):
        return _write_many(unit, function, pdu)
    raise ModbusError(ILLEGAL_FUNCTION)


def _two_words(pdu: bytes) -> tuple[int, int]:
    if len(pdu) != 5:
        raise ModbusError(ILLEGAL_VALUE)
    return int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")


def _read(unit: ModbusUnit, function: int, address: int, count: int) -> bytes:
    if function in (READ_COILS, READ_INPUTS):
        if not 1 <= count <= 2000:
            raise ModbusError(ILLEGAL_VALUE)
        data = _packed(unit.read_bits(function, address, count))
    else:
        if not 1 <= count <= unit.max_read:
            raise ModbusError(ILLEGAL_VALUE)
        data = b"".join(word.to_bytes(2, "big") for word in unit.read_registers(function, address, count))
    return bytes((function, len(data))) + data


def _write_one(unit: ModbusUnit, function: int, address: int, value: int) -> None:
    if function == WRITE_REGISTER:
        unit.write_registers(address, [value])
    elif value in (0x0000, 0xFF00):
        unit.write_bits(address, [value == 0xFF00])
    else:
        raise ModbusError(ILLEGAL_VALUE)


def _write_many(unit: ModbusUnit, function: int, pdu: bytes) -> bytes:
    if len(pdu) < 6 or len(pdu) != 6 + pdu[5]:
        raise ModbusError(ILLEGAL_VALUE)
    address, count = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
    data = pdu[6:]
    if function == WRITE_REGISTERS:
        if not 1 <= count <= 123 or len(data) != 2 * count:
            raise ModbusError(ILLEGAL_VALUE)
        unit.write_registers(address, [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)])
    else:
        if not 1 <= count <= 1968 or len(data) != (count + 7) // 8:
            raise ModbusError(ILLEGAL_VALUE)
        unit.write_bits(address, [bool(data[at // 8] >> (at % 8) & 1) for at in range(count)])
    return pdu[:5]


def _packed(bits: Sequence[bool]) -> bytes:
    data = bytearray((len(bits) + 7) // 8)
    for at, bit in enumerate(bits):
        data[at // 8] |= bit << (at % 8)
    return bytes(data)
