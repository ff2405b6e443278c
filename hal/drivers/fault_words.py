"""Fault words of a board -> members of the closed list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hal.api import Fault
from hal.changes import FaultKeeper
from hal.profile import FaultWord
from hal.registers import Value, bit


class FaultWordDriver:
    """A bit that the profile does not explain is `CONTROLLER_OTHER` with the word in hexadecimal.

    What is explained is told first and ends last, so that nobody is told of the general fault in between.
    """

    def __init__(self, words: Sequence[FaultWord], faults: FaultKeeper) -> None:
        self._words = words
        self._faults = faults
        self._last: dict[str, int] = {}

    def take(self, values: Mapping[str, Value], now: float) -> None:
        """One sample; a word without value says nothing, and one that is as it was nothing new."""
        for word in self._words:
            raw = values.get(word.register)
            if isinstance(raw, (int, float)) and self._last.get(word.register) != int(raw):
                self._last[word.register] = int(raw)
                self._take_word(word, int(raw), now)

    def _take_word(self, word: FaultWord, raw: int, now: float) -> None:
        detail = f"{word.register} 0x{raw:04X}"
        unexplained = raw & ~sum(1 << position for position in word.bits)
        other = raw != 0 if word.other else unexplained != 0
        if not other:
            self._faults.set(Fault.CONTROLLER_OTHER, word.register, False, now, detail)
        for position, fault in word.bits.items():
            self._faults.set(fault, f"{word.register}.{position}", bit(raw, position), now, f"{detail} bit {position}")
        if other:
            self._faults.set(Fault.CONTROLLER_OTHER, word.register, True, now, detail)
