"""The house behind the main fuse: what it draws by itself, and what the connectors add to it."""

from __future__ import annotations

from collections.abc import Iterable

from hal.simulator.physics.mains import POWER_FACTOR, EnergyRegister, Mains, Phases
from hal.simulator.physics.outlet import Outlet


class House:
    """It looks to a meter like an outlet: voltages, currents, powers, register. A load below 0 feeds in."""

    def __init__(self, outlets: Iterable[Outlet]) -> None:
        self.id = 0
        self.load_a: Phases = (0.0, 0.0, 0.0)
        """What the house itself draws on L1, L2, L3; set it at will."""
        self.mains = Mains()
        self.register = EnergyRegister(5_000_000.0)
        self._outlets = tuple(outlets)

    @property
    def now_s(self) -> float:
        """Plant time."""
        return max(outlet.now_s for outlet in self._outlets)

    def flows_a(self) -> Phases:
        """Through the main fuse on L1, L2, L3; below 0 it feeds in."""
        own = [outlet.currents_a() for outlet in self._outlets]
        l1, l2, l3 = (self.load_a[phase] + sum(each[phase] for each in own) for phase in range(3))
        return l1, l2, l3

    def currents_a(self) -> Phases:
        """As a meter measures them: without a direction."""
        l1, l2, l3 = (abs(each) for each in self.flows_a())
        return l1, l2, l3

    def volts(self) -> Phases:
        """Voltage of L1, L2, L3."""
        return self.mains.volts(self.now_s, self.currents_a())

    def powers_w(self) -> Phases:
        """Active power on L1, L2, L3."""
        l1, l2, l3 = (v * a * POWER_FACTOR for v, a in zip(self.volts(), self.flows_a(), strict=True))
        return l1, l2, l3
