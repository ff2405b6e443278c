"""Eastron SDM630 v2 and SDM72D-M v2: float32 input registers, high word first, energy in kWh.

Only whole values can be read: an odd address is an illegal address, an odd count or a longer read than the meter allows
an illegal value. Inside the blocks that a meter has, a place without a value reads 0.0.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from math import sqrt

from hal.simulator.physics.mains import POWER_FACTOR, Metered
from hal.simulator.wire.modbus import (
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    READ_HOLDING,
    ModbusError,
    ModbusUnit,
)

TANGENT = sqrt(1 - POWER_FACTOR**2) / POWER_FACTOR
"""Reactive over active power."""
PASSWORD_AT, PASSWORD = 24, 1000.0
PARITY_AT, UNIT_AT, BAUD_AT = 18, 20, 28
SERIAL_NUMBER_AT = 0xFC00

Value = Callable[[Metered], float]


def _common(outlet: Metered) -> dict[int, float]:
    """What both models have."""
    volts, amps, watts = outlet.volts(), outlet.currents_a(), outlet.powers_w()
    total_w = sum(watts)
    factor = POWER_FACTOR if total_w else 1.0
    by_phase = (
        {0 + 2 * phase: volts[phase] for phase in range(3)}
        | {6 + 2 * phase: amps[phase] for phase in range(3)}
        | {12 + 2 * phase: watts[phase] for phase in range(3)}
    )
    by_phase |= {18 + 2 * phase: volts[phase] * amps[phase] for phase in range(3)}
    by_phase |= {24 + 2 * phase: watts[phase] * TANGENT for phase in range(3)}
    by_phase |= {30 + 2 * phase: factor for phase in range(3)}
    return by_phase | {
        42: sum(volts) / 3,
        46: sum(amps) / 3,
        48: sum(amps),
        52: total_w,
        56: total_w / POWER_FACTOR,
        60: total_w * TANGENT,
        62: factor,
        70: outlet.mains.frequency_hz(outlet.now_s),
        72: outlet.register.energy_wh / 1000,
        74: 0.0,
        342: outlet.register.energy_wh / 1000,
    }


class EastronMeter(ModbusUnit):
    """One meter on DIN rail, wired behind the contactor's supply side."""

    blocks: tuple[range, ...] = ()
    """Input registers that exist."""
    latency_s = 0.02

    def __init__(self, outlet: Metered, *, unit_id: int = 1, baud_code: int = 2, parity_code: int = 0) -> None:
        self._outlet = outlet
        self._unlocked = False
        self._holding: dict[int, float] = {
            PARITY_AT: float(parity_code),
            UNIT_AT: float(unit_id),
            PASSWORD_AT: 0.0,
            BAUD_AT: float(baud_code),
        }

    def values(self) -> dict[int, float]:
        """All values of this moment by address."""
        return _common(self._outlet)

    def read_registers(self, function: int, address: int, count: int) -> Sequence[int]:
        """See `ModbusUnit`."""
        if function == READ_HOLDING and (address, count) == (SERIAL_NUMBER_AT, 2):
            serial_number = 21_000_000 + self._outlet.id
            return [serial_number >> 16, serial_number & 0xFFFF]
        addresses = _whole_values(address, count)
        if function == READ_HOLDING:
            if any(at not in self._holding for at in addresses):
                raise ModbusError(ILLEGAL_ADDRESS)
            return _words([self._holding[at] for at in addresses])
        if any(not any(at in block for block in self.blocks) for at in addresses):
            raise ModbusError(ILLEGAL_ADDRESS)
        values = self.values()
        return _words([values.get(at, 0.0) for at in addresses])

    def write_registers(self, address: int, words: Sequence[int]) -> None:
        """See `ModbusUnit`: whole values by function 16, settings only after the password."""
        if len(words) % 2:
            raise ModbusError(ILLEGAL_FUNCTION)
        for at, value in zip(_whole_values(address, len(words)), _floats(words), strict=True):
            if at not in self._holding:
                raise ModbusError(ILLEGAL_ADDRESS)
            if at == PASSWORD_AT:
                self._unlocked = value == PASSWORD
            elif not self._unlocked:
                raise ModbusError(ILLEGAL_VALUE)
            self._holding[at] = value


class Sdm630(EastronMeter):
    """SDM630-Modbus v2."""

    max_read = 80
    blocks = (range(108), range(200, 270), range(334, 382))

    def values(self) -> dict[int, float]:
        """See `EastronMeter`; reactive energy and energy by phase as well."""
        energy_kwh = self._outlet.register.energy_wh / 1000
        phases = {346 + 2 * phase: energy_kwh / 3 for phase in range(3)}
        return super().values() | {66: 8.1 if sum(self._outlet.powers_w()) else 0.0} | phases


class Sdm72v2(EastronMeter):
    """SDM72D-M v2."""

    max_read = 20
    blocks = (range(108), range(200, 208), range(342, 346))


def _whole_values(address: int, count: int) -> range:
    if address % 2:
        raise ModbusError(ILLEGAL_ADDRESS)
    if count % 2:
        raise ModbusError(ILLEGAL_VALUE)
    return range(address, address + count, 2)


def _words(values: Sequence[float]) -> list[int]:
    data = struct.pack(f">{len(values)}f", *values)
    return list(struct.unpack(f">{2 * len(values)}H", data))


def _floats(words: Sequence[int]) -> tuple[float, ...]:
    return struct.unpack(f">{len(words) // 2}f", struct.pack(f">{len(words)}H", *words))
