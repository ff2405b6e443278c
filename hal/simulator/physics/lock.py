"""The motor that locks the plug in the socket: it takes its time, and it can jam."""

from __future__ import annotations

from hal.simulator.physics.timer import Timer

MOVING_S = 0.3


class LockMotor:
    """Keeps its position without power."""

    def __init__(self) -> None:
        self.locked = False
        self.jammed = False
        self.target = False
        self._move = Timer()

    def drive(self, locked: bool, now_s: float) -> None:
        """Run the motor towards a position."""
        self.target = locked
        self._move.start(now_s + MOVING_S)

    def update(self, now_s: float) -> None:
        """Let the motor arrive, unless it is jammed."""
        if self._move.reached(now_s) and not self.jammed:
            self.locked = self.target

    def next_due_s(self) -> float | None:
        """When the motor will have arrived."""
        return self._move.due_s
