"""Grid: what the main fuse has left for the station, by a meter behind it. Pure.

Theory of operation
-------------------
What the house draws is what the grid meter shows, less what the connectors draw, phase by phase; what a roof feeds in
is not counted on. The two meters are not read at one instant, so a car that changes looks like the house for a moment:
only what shows in all readings of three seconds is believed (a main fuse bears more for minutes). It is then believed
for a minute, so that the offers go down fast and up slowly.

With no reading for ten seconds, or none yet, the meter counts as dead, and the station may take its safe current.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.station.power.limits import Contribution, Source
from agent.station.turn import Turn
from agent.vocabulary.feeds import GridOptions

BELIEVED_MS: Final = 3000
HELD_MS: Final = 60_000
STALE_MS: Final = 10_000
STEP_A: Final = 0.5
"""What is left is told in such steps, rounded down: a house is never quite still."""
_PHASES: Final = 3


@dataclass(frozen=True, slots=True)
class _House:
    at_ms: int
    currents_a: tuple[float, ...]


class Grid:
    """The main fuse."""

    def __init__(self, options: GridOptions) -> None:
        self._options = options
        self._recent: deque[_House] = deque()
        """Readings of the last few seconds."""
        self._held: deque[_House] = deque()
        """What was believed in the last minute."""
        self._seen_ms: int | None = None

    def seen(self, grid_a: Sequence[float], own_a: Sequence[float], turn: Turn) -> None:
        """A reading of the grid meter, and what the connectors draw by their own, both per phase of the feed."""
        house = tuple(max(whole - own, 0.0) for whole, own in zip(grid_a, own_a, strict=True))
        if self._seen_ms is None or turn.now_ms > self._seen_ms + STALE_MS:
            self._recent.clear()
            self._held.clear()
        self._seen_ms = turn.now_ms
        _append(self._recent, _House(turn.now_ms, house), BELIEVED_MS)
        believed = tuple(min(one.currents_a[phase] for one in self._recent) for phase in range(_PHASES))
        _append(self._held, _House(turn.now_ms, believed), HELD_MS)

    def left(self, turn: Turn) -> tuple[Contribution, ...]:
        """What the station may take on each phase."""
        seen_ms = self._seen_ms
        if seen_ms is None or turn.reached(seen_ms + STALE_MS + 1):
            why = "the grid meter says nothing: safe current"
            return (Contribution(self._options.safe_a, why, Source.GRID, seen_ms=seen_ms),) * _PHASES
        return tuple(self._of_phase(phase, seen_ms) for phase in range(_PHASES))

    def _of_phase(self, phase: int, seen_ms: int) -> Contribution:
        house_a = max(one.currents_a[phase] for one in self._held)
        left_a = max((self._options.fuse_a - house_a) // STEP_A * STEP_A, 0.0)
        why = f"main fuse of {self._options.fuse_a:g} A, the house draws {house_a:.1f} A on L{phase + 1}"
        return Contribution(left_a, why, Source.GRID, seen_ms=seen_ms)


def _append(held: deque[_House], one: _House, window_ms: int) -> None:
    held.append(one)
    while held[0].at_ms <= one.at_ms - window_ms:
        held.popleft()
