"""The key switch of a connector: samples of its input -> `KeySeen`, once it has stood still for 200 ms."""

from __future__ import annotations

from collections.abc import Mapping

from hal.api import KeySeen
from hal.changes import Changes
from hal.profile import KeyPart
from hal.registers import Value, bit

KEY_DEBOUNCE_S = 0.2


class KeyDriver:
    """Debounces both ways, the first position too: a key that is on at the start is told as on."""

    def __init__(self, connector: int, part: KeyPart, changes: Changes) -> None:
        self._connector = connector
        self._part = part
        self._changes = changes
        self._told: bool | None = None
        self._new: bool | None = None
        self._since = 0.0

    @property
    def recheck_at(self) -> float | None:
        """When a key that is being debounced wants to be looked at again."""
        return None if self._new is None else self._since + KEY_DEBOUNCE_S

    def take(self, values: Mapping[str, Value], now: float) -> None:
        """One sample of the board; an input without value says nothing."""
        on = self._read(values.get(self._part.register))
        if on is None or on is self._told:
            self._new = None
            return
        if on is not self._new:
            self._new, self._since = on, now
        elif now - self._since >= KEY_DEBOUNCE_S - 1e-6:
            self._told, self._new = on, None
            self._changes.tell(KeySeen(self._connector, on))

    def _read(self, raw: Value) -> bool | None:
        if not isinstance(raw, (int, float)):
            return None
        on = bool(raw) if self._part.bit is None else bit(raw, self._part.bit)
        return on is not self._part.inverted
