"""Words of a Modbus device <-> values in their unit. Pure.

A register's value is `None` where the device says that it has none: a NaN or infinite float, or the sentinel that the
profile names. Nothing here knows addresses, profiles or wires.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from enum import StrEnum

Value = float | int | str | None
"""A decoded register: a number in its unit (bools are 0 and 1), a text, or None for "the device has no value"."""


class ValueType(StrEnum):
    """How the words of a register are to be read."""

    BOOL = "bool"
    UINT16 = "uint16"
    INT16 = "int16"
    UINT32 = "uint32"
    INT32 = "int32"
    FLOAT32 = "float32"
    T5 = "t5"  # decade float: exponent of ten (8 bits, signed) and mantissa (24 bits, unsigned)
    T6 = "t6"  # the same with a signed mantissa
    ASCII = "ascii"


class WordOrder(StrEnum):
    """Which word of a value of two words comes first; the bytes inside a word are always big-endian."""

    BIG = "big"
    LITTLE = "little"


_FORMATS = {
    ValueType.UINT16: ">H",
    ValueType.INT16: ">h",
    ValueType.UINT32: ">I",
    ValueType.INT32: ">i",
    ValueType.FLOAT32: ">f",
}


DECADE_FLOATS = frozenset({ValueType.T5, ValueType.T6})
INTEGERS = frozenset({ValueType.UINT16, ValueType.INT16, ValueType.UINT32, ValueType.INT32})


def word_count(kind: ValueType) -> int | None:
    """How many words a value of this type takes; None for texts, whose length the profile gives."""
    if kind is ValueType.ASCII:
        return None
    return 1 if kind in (ValueType.BOOL, ValueType.UINT16, ValueType.INT16) else 2


def decode(
    words: Sequence[int],
    kind: ValueType,
    order: WordOrder = WordOrder.BIG,
    scale: float = 1,
    absent: int | None = None,
) -> Value:
    """Decode the words of one register. `absent` is the raw value by which the device says "none".

    Raises `ValueError` when the number of words does not fit the type.
    """
    expected = word_count(kind)
    if expected is not None and len(words) != expected:
        raise ValueError(f"{kind} takes {expected} words, got {len(words)}")
    if kind is ValueType.BOOL:
        return int(bool(words[0]))
    ordered = words if order is WordOrder.BIG else words[::-1]
    octets = b"".join(word.to_bytes(2, "big") for word in ordered)
    if kind is ValueType.ASCII:
        return _text(octets)
    if absent is not None and int.from_bytes(octets, "big") == absent:
        return None
    if kind in DECADE_FLOATS:
        return _scaled(_decade_float(octets, kind is ValueType.T6), scale)
    return _scaled(struct.unpack(_FORMATS[kind], octets)[0], scale)


def encode(value: float, kind: ValueType, order: WordOrder = WordOrder.BIG, scale: float = 1) -> tuple[int, ...]:
    """Encode a value in its unit into words. Raises `ValueError` for texts and for values that do not fit."""
    if kind is ValueType.ASCII:
        raise ValueError("texts are read-only")
    if kind in DECADE_FLOATS:
        raise ValueError(f"{kind} is read-only")
    if kind is ValueType.BOOL:
        return (int(bool(value)),)
    raw = value / scale
    try:
        octets = struct.pack(_FORMATS[kind], raw if kind is ValueType.FLOAT32 else round(raw))
    except (struct.error, OverflowError) as error:
        raise ValueError(f"{value} does not fit into {kind} with scale {scale}") from error
    words = tuple(int.from_bytes(octets[at : at + 2], "big") for at in range(0, len(octets), 2))
    return words if order is WordOrder.BIG else words[::-1]


def bit(value: Value, position: int) -> bool:
    """Bit `position` of a decoded integer; False where there is no value."""
    return isinstance(value, (int, float)) and bool(int(value) >> position & 1)


def _decade_float(octets: bytes, signed: bool) -> float:
    exponent = int.from_bytes(octets[:1], "big", signed=True)
    mantissa = int.from_bytes(octets[1:], "big", signed=signed)
    return float(mantissa * 10**exponent) if exponent >= 0 else mantissa / 10**-exponent


def _text(octets: bytes) -> str:
    return "".join(chr(octet) for octet in octets if 0x20 <= octet < 0x7F).strip()


def _scaled(raw: float, scale: float) -> float | None:
    if isinstance(raw, float) and not math.isfinite(raw):
        return None
    if scale == 1:
        return raw
    return round(raw * scale, 9)  # 2301 x 0.1 is 230.1, not 230.10000000000002
