"""One deadline in plant time."""

from __future__ import annotations

SLACK_S = 1e-9
"""Two times closer than this are the same instant."""


class Timer:
    """A deadline that is set, cleared, and reached once."""

    __slots__ = ("due_s",)

    def __init__(self) -> None:
        self.due_s: float | None = None

    def start(self, due_s: float) -> None:
        """Set the deadline, whatever it was."""
        self.due_s = due_s

    def start_once(self, due_s: float) -> None:
        """Set the deadline unless one is set already."""
        if self.due_s is None:
            self.due_s = due_s

    def clear(self) -> None:
        """Forget the deadline."""
        self.due_s = None

    def reached(self, now_s: float) -> bool:
        """True once, when the deadline has come."""
        if self.due_s is None or now_s + SLACK_S < self.due_s:
            return False
        self.due_s = None
        return True


def earliest(*dues_s: float | None) -> float | None:
    """The first of several deadlines, or None if there is none."""
    return min((due_s for due_s in dues_s if due_s is not None), default=None)
