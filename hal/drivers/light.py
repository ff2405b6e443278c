"""The status light: pattern -> three colour registers, at the lowest priority of the bus."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hal.api import LightPattern
from hal.blocks import write_requests
from hal.bus import Bus
from hal.bus_queue import Job, Outcome, Priority
from hal.profile import LightPart, Register, Write


class LightDriver:
    """Remembers the pattern, so that a board that was away shows it again."""

    def __init__(
        self,
        part: LightPart,
        registers: Mapping[str, Register],
        bus: Bus,
        unit: int,
        gap_s: float,
        failed: Callable[[str], None],
    ) -> None:
        self._part = part
        self._registers = registers
        self._bus = bus
        self._unit = unit
        self._gap_s = gap_s
        self._failed = failed
        self._pattern: LightPattern | None = None

    def show(self, pattern: LightPattern) -> None:
        """Show a pattern; a waiting older one is replaced."""
        self._pattern = pattern
        colors = zip((self._part.red, self._part.green, self._part.blue), self._part.patterns[pattern], strict=True)
        writes = (*(Write(register, value) for register, value in colors), *self._part.enable)
        requests = write_requests(writes, self._registers, self._unit)
        self._bus.submit(Job(self._unit, requests, Priority.COSMETIC, self._done, key="light", gap_s=self._gap_s))

    def show_again(self) -> None:
        """The board has come back."""
        if self._pattern is not None:
            self.show(self._pattern)

    def _done(self, outcome: Outcome) -> None:
        if outcome.failed:
            self._failed(outcome.detail)
