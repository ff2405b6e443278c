"""How long to wait before the next dial. Pure; chance is injected.

The first reconnect comes after 0 to 5 s, so that a thousand stations do not return as one; then the wait doubles up to
5 min, with half of it left to chance. An answered call (not a mere connect) sets it back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

FIRST_S: Final = 5.0
LONGEST_S: Final = 300.0


class Backoff:
    """The waits of one upstream. `chance` gives numbers from 0 up to 1."""

    def __init__(self, chance: Callable[[], float], first_s: float = FIRST_S, longest_s: float = LONGEST_S) -> None:
        self._chance = chance
        self._first_s = first_s
        self._longest_s = longest_s
        self._failures = 0

    def next_s(self) -> float:
        """Seconds to wait now; each call without a `reset` in between waits longer."""
        failures, self._failures = self._failures, self._failures + 1
        if failures == 0:
            return self._chance() * self._first_s
        longest_s = min(self._longest_s, self._first_s * 2.0 ** min(failures, 30))
        return longest_s * (0.5 + 0.5 * self._chance())

    def reset(self) -> None:
        """The connection has proved itself."""
        self._failures = 0
