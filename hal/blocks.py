"""Registers to read -> merged block reads, and writes -> merged frames. Pure.

A device may refuse a block that spans an undocumented address. So there are levels: `HOLES` merges over holes as large
as the profile allows, `DOCUMENTED` over those of them that other registers of the profile fill, `TOUCHING` merges
neighbours only, `SINGLE` reads each register alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from hal.modbus import Read, WriteWords
from hal.profile import Limits, Register, Write
from hal.registers import Value, decode, encode
from hal.signing_part import Area

_LARGEST_POWER = 30
"""No meter counts in larger steps, or in smaller ones: more is a register that is not what it should be."""


class Level(IntEnum):
    """How boldly registers are merged."""

    HOLES = 0
    DOCUMENTED = 1
    TOUCHING = 2
    SINGLE = 3


@dataclass(frozen=True, slots=True)
class Block:
    """One read. `functions` are those that all its registers may be read with, in the order to try."""

    functions: tuple[int, ...]
    address: int
    count: int
    registers: tuple[Register, ...]

    def values(self, words: Sequence[int]) -> dict[str, Value]:
        """The values of the block's registers out of the words of the answer."""
        return {one.name: self._value(one, words) for one in self.registers}

    def _value(self, register: Register, words: Sequence[int]) -> Value:
        at = register.address - self.address
        part = words[at : at + register.count]
        return decode(part, register.type, register.order, register.scale, register.absent)


Documented = frozenset[tuple[tuple[int, ...], int]]
"""Functions and address of each word that the profile knows."""


def documented(registers: Iterable[Register]) -> Documented:
    """What the profile says can be read; an optional register may be refused, and is not among it."""
    known = [one for one in registers if not one.optional]
    return frozenset((one.functions, one.address + at) for one in known for at in range(one.count))


def merge(
    registers: Iterable[Register], limits: Limits, level: Level = Level.HOLES, known: Documented = frozenset()
) -> tuple[Block, ...]:
    """Blocks that together hold all the registers; each at most `max_read` long, even starts where asked for."""
    found: list[Block] = []
    for register in sorted(registers, key=lambda one: (one.functions, one.address)):
        grown = _grown(found[-1], register, limits, level, known) if found else None
        if grown is not None:
            found[-1] = grown
        else:
            found.append(_fresh(register, limits))
    return tuple(found)


def _fresh(register: Register, limits: Limits) -> Block:
    start = register.address
    if limits.even_starts and not register.is_bit:
        start -= start % 2
    return Block(register.functions, start, register.address + register.count - start, (register,))


def _grown(block: Block, register: Register, limits: Limits, level: Level, known: Documented) -> Block | None:
    end = block.address + block.count
    hole = limits.largest_hole if level <= Level.DOCUMENTED else 0
    count = max(register.address + register.count, end) - block.address
    if level is Level.SINGLE or block.functions != register.functions:
        return None
    if register.address - end > hole or count > limits.max_read:
        return None
    if level is Level.DOCUMENTED and any((block.functions, at) not in known for at in range(end, register.address)):
        return None
    return Block(block.functions, block.address, count, (*block.registers, register))


def write_requests(
    writes: Sequence[Write], registers: Mapping[str, Register], unit: int, current_a: float = 0
) -> tuple[WriteWords, ...]:
    """The frames of one actuation, in order; neighbouring holding registers go out as one frame, where they may.

    Raises `ValueError` when a value does not fit its register.
    """
    found: list[WriteWords] = []
    for write in writes:
        register = registers[write.register]
        value = current_a if write.value is None else write.value
        words = encode(value, register.type, register.order, register.scale)
        function = 5 if register.is_bit else 6 if register.single_write else 16
        last = found[-1] if found else None
        if last and function == 16 == last.function and last.address + len(last.words) == register.address:
            found[-1] = WriteWords(unit, 16, last.address, last.words + words)
        else:
            found.append(WriteWords(unit, function, register.address, words))
    return tuple(found)


def with_exponents(registers: Iterable[Register], values: Mapping[str, Value]) -> Mapping[str, Value]:
    """The values, multiplied by the powers of ten that other registers hold; None where that gives no number."""
    found = dict(values)
    for one in registers:
        value, power = values.get(one.name), values.get(one.exponent or "")
        if one.exponent is not None and one.name in values:
            known = isinstance(value, int | float) and isinstance(power, int) and abs(power) <= _LARGEST_POWER
            found[one.name] = _times_ten_to(value, power) if known else None  # type: ignore[arg-type]
    return found


def _times_ten_to(value: float, power: int) -> float:
    return float(value * 10**power) if power >= 0 else float(value / 10**-power)


def area_reads(area: Area, octets: int, unit: int, limits: Limits) -> tuple[Read, ...]:
    """The requests for the first bytes of an area, in packets that the device bears."""
    words = (octets + 1) // 2
    starts = range(0, words, limits.max_read)
    return tuple(Read(unit, area.function, area.address + at, min(limits.max_read, words - at)) for at in starts)


def area_bytes(replies: Iterable[Sequence[int]], octets: int) -> bytes:
    """The bytes that the answers to `area_reads` hold, exactly as many as were asked for."""
    return b"".join(word.to_bytes(2, "big") for words in replies for word in words)[:octets]


def area_writes(area: Area, data: bytes, unit: int, limits: Limits) -> tuple[WriteWords, ...]:
    """The frames that write bytes to the beginning of an area; an odd one is filled up with a zero byte.

    Raises `ValueError` for more bytes than the area holds.
    """
    if len(data) > area.octets:
        raise ValueError(f"{len(data)} bytes do not fit into {area.octets}")
    words = tuple(int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big") for at in range(0, len(data), 2))
    starts = range(0, len(words), limits.max_write)
    return tuple(WriteWords(unit, 16, area.address + at, words[at : at + limits.max_write]) for at in starts)
