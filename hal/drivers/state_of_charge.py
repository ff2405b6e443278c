"""The car's state of charge, where a board knows it (by ISO 15118 or another way): kept for the next meter reading."""

from __future__ import annotations

from collections.abc import Mapping

from hal.api import Measurand, Measured
from hal.profile import StateOfChargePart
from hal.registers import Value


class StateOfChargeDriver:
    """What cannot be a state of charge, and what was told of a car that is gone, is none."""

    def __init__(self, part: StateOfChargePart) -> None:
        self._part = part
        self._percent: float | None = None

    @property
    def measured(self) -> tuple[Measured, ...]:
        """The newest value, or nothing."""
        return () if self._percent is None else (Measured(Measurand.STATE_OF_CHARGE, self._percent),)

    def take(self, values: Mapping[str, Value], plugged: bool) -> None:
        """One sample of the board."""
        raw = values.get(self._part.register)
        known = plugged and isinstance(raw, (int, float)) and 0 <= raw <= 100
        self._percent = float(raw) if known and isinstance(raw, (int, float)) else None
