"""The status light: pattern -> three colour registers, at the lowest priority of the bus."""

from __future__ import annotations

from collections.abc import Callable

from hal.api import LightPattern
from hal.bus_queue import Job, Outcome, Priority
from hal.device import Device
from hal.profile import LightPart, Write


class LightDriver:
    """Remembers the pattern, so that a board that was away shows it again."""

    def __init__(self, part: LightPart, device: Device, failed: Callable[[str, str], None]) -> None:
        self._part = part
        self._device = device
        self._failed = failed
        self._pattern: LightPattern | None = None

    def show(self, pattern: LightPattern) -> None:
        """Show a pattern; a waiting older one is replaced."""
        self._pattern = pattern
        colors = zip((self._part.red, self._part.green, self._part.blue), self._part.patterns[pattern], strict=True)
        writes = (*(Write(register, value) for register, value in colors), *self._part.enable)
        device = self._device
        requests = device.requests(writes)
        device.bus.submit(Job(device.unit, requests, Priority.COSMETIC, self._done, key="light", gap_s=device.gap_s))

    def show_again(self) -> None:
        """The board has come back."""
        if self._pattern is not None:
            self.show(self._pattern)

    def _done(self, outcome: Outcome) -> None:
        if outcome.failed:
            self._failed("light", outcome.detail)
