"""The main contactor: a coil, contacts that take their time, and two ways to break."""

from __future__ import annotations

from hal.simulator.physics.timer import Timer

CLOSING_S = 0.05
OPENING_S = 0.03


class Contactor:
    """Closes and opens after its delay; welded contacts stay closed, a stuck contactor stays open."""

    def __init__(self) -> None:
        self.commanded = False
        """The controller holds the coil output on."""
        self.coil_supply = True
        """False: an emergency stop or a power cut took the supply from the coil."""
        self.welded = False
        self.stuck = False
        self._position = False
        self._move = Timer()

    @property
    def closed(self) -> bool:
        """True while the main contacts conduct."""
        return self.welded or self._position

    def update(self, now_s: float) -> None:
        """Let the contacts follow the coil."""
        pulled = self.commanded and self.coil_supply and not self.stuck
        if pulled == self._position:
            self._move.clear()
            return
        self._move.start_once(now_s + (CLOSING_S if pulled else OPENING_S))
        if self._move.reached(now_s):
            self._position = pulled

    def next_due_s(self) -> float | None:
        """When the contacts will have moved."""
        return self._move.due_s
