"""How fast one peer is read: what it sends unasked is paid from an allowance that fills up steadily. Pure.

Every WebSocket frame costs one unit, and a call of the peer `CALL_UNITS` more, since the station has work with it; but
only if the peer did not wait for the answer before it sent on. An answer that was waited for costs nothing, so that a
queue of weeks drains as fast as the peer answers. A peer that has used up its allowance is not read until there is some
again: what it sends waits in its own socket, and TCP holds it back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

UNITS_PER_S: Final = 1_000.0
MOST_UNITS: Final = 10_000.0
"""What a peer has saved after it was quiet for a while: 476 calls in a row."""
CALL_UNITS: Final = 20
"""50 calls in a second, for as long as it likes."""
SHORTEST_WAIT_S: Final = 0.02
"""A peer that sends too much is looked at so often, not for every unit."""
ANSWER_UNITS: Final = -1
"""An answer that was waited for: its frame is paid back."""


class Allowance:
    """The allowance of one link. `now_s` is monotonic."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._units = MOST_UNITS
        self._counted_s = now_s()

    def spend(self, units: int) -> None:
        """It has come; what comes at once may overdraw the allowance."""
        self._units = min(MOST_UNITS, self._units - units)

    def wait_s(self) -> float:
        """Seconds until the peer may be read on; 0: now."""
        now_s = self._now_s()
        self._units = min(MOST_UNITS, self._units + (now_s - self._counted_s) * UNITS_PER_S)
        self._counted_s = now_s
        return 0.0 if self._units >= 0 else max(SHORTEST_WAIT_S, -self._units / UNITS_PER_S)
