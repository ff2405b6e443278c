"""The supply of a connector and the register that counts what passes through it."""

from __future__ import annotations

import math
from typing import Protocol

NOMINAL_V = 230.0
WAVE_V = 1.5
"""The voltage wanders by this much, a different way on each phase, always the same way at the same plant time."""
WAVE_PERIOD_S = 97.0
DROP_OHM = 0.05
"""Impedance of the supply line: the voltage gives way under load."""
UNDER_VOLTAGE_FACTOR = 0.75
OVER_VOLTAGE_FACTOR = 1.2
POWER_FACTOR = 0.99

Phases = tuple[float, float, float]


class Mains:
    """Three phases against neutral."""

    def __init__(self) -> None:
        self.factor = 1.0

    def volts(self, now_s: float, currents_a: Phases) -> Phases:
        """The voltages at a moment, under a load."""
        values = [self._volts(now_s, phase, current_a) for phase, current_a in enumerate(currents_a)]
        return values[0], values[1], values[2]

    def frequency_hz(self, now_s: float) -> float:
        """The frequency at a moment."""
        return 50.0 + 0.02 * math.sin(now_s / 31.0)

    def _volts(self, now_s: float, phase: int, current_a: float) -> float:
        wave_v = WAVE_V * math.sin(2 * math.pi * now_s / WAVE_PERIOD_S + 2.1 * phase)
        return (NOMINAL_V + wave_v) * self.factor - DROP_OHM * current_a


class Metered(Protocol):
    """What a meter can be put in front of."""

    mains: Mains
    register: EnergyRegister

    @property
    def id(self) -> int:
        """For serial numbers."""

    @property
    def now_s(self) -> float:
        """Plant time."""

    def volts(self) -> Phases:
        """Voltage of L1, L2, L3."""

    def currents_a(self) -> Phases:
        """Current on L1, L2, L3, without a direction."""

    def powers_w(self) -> Phases:
        """Active power on L1, L2, L3."""


class EnergyRegister:
    """Active import of a meter in Wh, with fractions inside; never goes back unless somebody sets it."""

    def __init__(self, start_wh: float) -> None:
        self.energy_wh = start_wh

    def count(self, powers_w: Phases, seconds: float) -> float:
        """Count what flowed for some seconds; returns it in Wh."""
        passed_wh = sum(powers_w) * seconds / 3600.0
        self.energy_wh += passed_wh
        return passed_wh
