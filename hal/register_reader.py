"""Reads sets of registers of one unit over the bus, and learns what the device will bear.

It starts with the largest blocks and the first function of each register, and gives way for good where the device
refuses: the next function, then smaller blocks, then single registers; an optional register that is refused alone is
from then on not asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hal.blocks import Block, Level, merge
from hal.bus import Bus
from hal.bus_queue import Outcome, Priority, Result
from hal.modbus import Read
from hal.profile import Limits, Register
from hal.registers import Value


class RegisterReader:
    """One unit on one bus. What it learned is kept for all sets that are read through it."""

    def __init__(self, bus: Bus, unit: int, limits: Limits) -> None:
        self._bus = bus
        self._unit = unit
        self._limits = limits
        self._gap_s = limits.gap_ms / 1000
        self._level = Level.HOLES
        self._proved: dict[tuple[int, ...], int] = {}
        self._absent: set[str] = set()

    async def read(
        self, registers: Sequence[Register], priority: Priority = Priority.PILOT
    ) -> Mapping[str, Value] | Outcome:
        """The values by register name, or the outcome of the request that failed. Absent registers are left out."""
        found: dict[str, Value] = {}
        missing = [one for one in registers if one.name not in self._absent]
        while missing:
            for block in merge(missing, self._limits, self._level):
                result = await self._read_block(block, priority)
                if not isinstance(result, Outcome):
                    found |= result
                elif not self._gives_way(block, result):
                    return result
                else:
                    break
            missing = [one for one in missing if one.name not in found and one.name not in self._absent]
        return found

    def _gives_way(self, block: Block, outcome: Outcome) -> bool:
        """True when there is a smaller way to ask for what was refused."""
        if outcome.result is not Result.REFUSED:
            return False
        if len(block.registers) == 1:
            if block.registers[0].optional:
                self._absent.add(block.registers[0].name)
            return block.registers[0].optional
        if self._level is Level.SINGLE:
            return False
        self._level = Level(self._level + 1)
        return True

    async def _read_block(self, block: Block, priority: Priority) -> Mapping[str, Value] | Outcome:
        proved = self._proved.get(block.functions)
        outcome = Outcome(Result.SKIPPED)
        for function in block.functions if proved is None else (proved,):
            request = Read(self._unit, function, block.address, block.count)
            outcome = await self._bus.ask(self._unit, (request,), priority, self._gap_s)
            if outcome.done:
                self._proved[block.functions] = function
                return block.values(outcome.replies[0])
            if outcome.result not in (Result.REFUSED, Result.SILENT):
                break
        return outcome
