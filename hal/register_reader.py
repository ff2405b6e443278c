"""Reads sets of registers of one unit over the bus, and learns what the device will bear.

It starts with the largest blocks and the first function of each register, and gives way for good where the device
refuses: the next function, then smaller blocks, then single registers; an optional register that is refused alone is
from then on not asked for. What is the same as the last time, sets and words, is neither merged nor decoded again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hal.blocks import Block, Level, documented, merge, with_exponents
from hal.bus import Bus
from hal.bus_queue import WHENEVER, Due, Outcome, Priority, Result
from hal.modbus import Read
from hal.profile import Limits, Register
from hal.registers import Value

_Words = tuple[int, ...]


MOST_PLANS = 16


@dataclass(slots=True)
class _Piece:
    """One block of a set, and what the last answer to it meant."""

    block: Block
    words: _Words = ()
    values: Mapping[str, Value] = field(default_factory=dict)

    def decoded(self, words: _Words) -> Mapping[str, Value]:
        """The values of an answer; the very same mapping as long as nothing changes."""
        if words != self.words:
            self.words, self.values = words, self.block.values(words)
        return self.values


@dataclass(frozen=True, slots=True)
class _Plan:
    """The blocks of a set of registers; good until the device teaches something new."""

    registers: Sequence[Register]
    pieces: tuple[_Piece, ...]
    powers: bool
    """Some of them are multiplied by a power of ten that another one holds."""


class RegisterReader:
    """One unit on one bus. What it learned is kept for all sets that are read through it.

    `registers` are those of its profile: a hole that they fill can be read over.
    """

    def __init__(self, bus: Bus, unit: int, limits: Limits, registers: Iterable[Register] = ()) -> None:
        self._bus = bus
        self._unit = unit
        self._limits = limits
        self._gap_s = limits.gap_ms / 1000
        self._level = Level.HOLES
        self._proved: dict[tuple[int, ...], int] = {}
        self._absent: set[str] = set()
        self._documented = documented(registers)
        self._plans: dict[int, _Plan] = {}
        self.waited_s = 0.0
        """How long its requests have waited for the line so far, in sum."""

    async def read(
        self, registers: Sequence[Register], priority: Priority = Priority.PILOT, due: Due = WHENEVER
    ) -> Mapping[str, Value] | Outcome:
        """The values by register name, or the outcome of the request that failed. Absent registers are left out.

        All requests of the set are due together.
        """
        found: dict[str, Value] = {}
        plan = self._plan(registers)
        pieces = plan.pieces
        while True:
            for piece in pieces:
                result = await self._read_piece(piece, priority, due)
                if not isinstance(result, Outcome):
                    found |= result
                elif not self._gives_way(piece.block, result):
                    return result
                else:
                    break
            else:
                return with_exponents(registers, found) if plan.powers else found
            pieces = self._pieces([one for one in registers if one.name not in found])

    def _plan(self, registers: Sequence[Register]) -> _Plan:
        """Sets that are asked for again and again are the same object each time, and are merged once."""
        plan = self._plans.get(id(registers))
        if plan is None or plan.registers is not registers:
            if len(self._plans) >= MOST_PLANS:
                self._plans.clear()
            plan = self._plans[id(registers)] = _Plan(
                registers, self._pieces(registers), any(one.exponent for one in registers)
            )
        return plan

    def _pieces(self, registers: Sequence[Register]) -> tuple[_Piece, ...]:
        wanted = [one for one in registers if one.name not in self._absent]
        return tuple(_Piece(block) for block in merge(wanted, self._limits, self._level, self._documented))

    def _gives_way(self, block: Block, outcome: Outcome) -> bool:
        """True when there is a smaller way to ask for what was refused."""
        if outcome.result is not Result.REFUSED or outcome.for_now:
            return False
        self._plans.clear()
        if len(block.registers) == 1:
            if block.registers[0].optional:
                self._absent.add(block.registers[0].name)
            return block.registers[0].optional
        while self._level is not Level.SINGLE:
            self._level = Level(self._level + 1)
            if len(merge(block.registers, self._limits, self._level, self._documented)) > 1:
                return True
        return False

    async def _read_piece(self, piece: _Piece, priority: Priority, due: Due) -> Mapping[str, Value] | Outcome:
        block = piece.block
        proved = self._proved.get(block.functions)
        outcome = Outcome(Result.SKIPPED)
        for function in block.functions if proved is None else (proved,):
            request = Read(self._unit, function, block.address, block.count)
            outcome = await self._bus.ask(self._unit, (request,), priority, self._gap_s, due)
            self.waited_s += outcome.waited_s
            if outcome.done:
                self._proved[block.functions] = function
                return piece.decoded(outcome.replies[0])
            if outcome.for_now or outcome.result not in (Result.REFUSED, Result.SILENT):
                break
        return outcome
