"""What the registers of a meter counted between two samples of one plan: the `.Interval` measurands (OCPP 1.6 7.31)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from hal.api import INTERVAL_OF, Measurand, Measured, Phase

_Register = tuple[Measurand, Phase | None]


@dataclass(slots=True)
class Intervals:
    """Each plan counts for itself; what fell since (a meter was exchanged) counts as nothing."""

    _since: dict[_Register, float] = field(default_factory=dict)

    def begin(self, energy_wh: int, values: Iterable[Measured]) -> None:
        """Count from these registers on. `energy_wh` stands for the active import register as it is billed."""
        self._since = _registers(energy_wh, values)

    def counted(self, energy_wh: int, values: Iterable[Measured]) -> tuple[Measured, ...]:
        """What was counted since the last time, and go on counting from there."""
        return replace(self).take(energy_wh, values)

    def take(self, energy_wh: int, values: Iterable[Measured]) -> tuple[Measured, ...]:
        """What was counted since the last time, and count from here. Nothing for a register that is new."""
        before, self._since = self._since, _registers(energy_wh, values)
        return tuple(
            Measured(INTERVAL_OF[measurand], max(value - before[measurand, phase], 0.0), phase)
            for (measurand, phase), value in self._since.items()
            if (measurand, phase) in before
        )


def _registers(energy_wh: int, values: Iterable[Measured]) -> dict[_Register, float]:
    found = {(one.measurand, one.phase): one.value for one in values if one.measurand in INTERVAL_OF}
    found[Measurand.ENERGY_ACTIVE_IMPORT, None] = energy_wh
    return found
