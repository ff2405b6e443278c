"""Over-current by the meter: more than the offer + 10 % + 0.5 A for more than seven seconds."""

from __future__ import annotations

from agent.station.evse.meter import Meter
from agent.station.turn import Turn

LASTS_MS = 7000
AFTER_REDUCTION_MS = 6000


class OverCurrent:
    """One connector. It is not counted while the car may still be following a reduction (IEC 61851-1 A.6)."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._since_ms: int | None = None
        self._reduced_ms: int | None = None

    def reduced(self, turn: Turn) -> None:
        """The offer was lowered."""
        self._reduced_ms = turn.now_ms

    def found(self, offered_a: float | None, turn: Turn) -> bool:
        """To be asked in every turn; `offered_a` None: nothing is offered."""
        current = self._meter.current_a(turn)
        following = self._reduced_ms is not None and not turn.reached(self._reduced_ms + AFTER_REDUCTION_MS)
        if current is None or offered_a is None or current <= offered_a * 1.1 + 0.5 or following:
            self._since_ms = None
            return False
        if self._since_ms is None:
            self._since_ms = turn.now_ms
        latest = self._meter.latest
        return latest is not None and latest.at.monotonic_ms - self._since_ms > LASTS_MS
