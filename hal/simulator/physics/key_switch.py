"""The key switch of a connector; only some boards have an input for it."""

from __future__ import annotations

from collections.abc import Callable


class KeySwitch:
    """On or off, as somebody turned it. `record` takes the new position for the history."""

    def __init__(self, record: Callable[[str, bool], None]) -> None:
        self.on = False
        self._record = record

    def turn(self, on: bool) -> None:
        """Turn it."""
        self.on = on
        self._record("key", on)
