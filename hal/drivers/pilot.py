"""The control pilot and the cable: samples of the board -> `PilotSeen`, `CableSeen` and their faults."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hal.api import CableSeen, Fault, PilotSeen, PilotState
from hal.changes import Changes, FaultKeeper
from hal.profile import CablePart, PilotPart
from hal.registers import Value

PLUG_DEBOUNCE_S = 0.2
_TEXT = re.compile(r"([A-F])([12]?)\s*")


class PilotDriver:
    """Debounces towards plugged (200 ms); an unplugged car is told at once. What it cannot read is a fault, never A."""

    def __init__(self, connector: int, part: PilotPart, changes: Changes, faults: FaultKeeper) -> None:
        self._connector = connector
        self._part = part
        self._changes = changes
        self._faults = faults
        self._plugged_since: float | None = None
        self.seen: PilotSeen | None = None
        """What was last told."""

    @property
    def recheck_at(self) -> float | None:
        """When a plug that is being debounced wants to be looked at again."""
        return None if self._plugged_since is None else self._plugged_since + PLUG_DEBOUNCE_S

    def take(self, values: Mapping[str, Value], now: float) -> None:
        """One consistent sample of the board's state registers."""
        raw = values.get(self._part.register)
        letter, pwm = self._read(raw, values)
        unknown = letter is None
        self._faults.set(Fault.PILOT, "unknown", unknown, now, f"state {raw!r} is not known")
        if letter is None:
            return
        bad = letter is PilotState.E or (letter is PilotState.D and not self._part.ventilation)
        self._faults.set(Fault.PILOT, "state", bad, now, f"state {letter}")
        if self._settled(letter, now):
            advertised = self._advertised(values) if pwm else 0.0
            self.seen = PilotSeen(self._connector, letter, pwm, advertised)
            self._changes.tell(self.seen)

    def _read(self, raw: Value, values: Mapping[str, Value]) -> tuple[PilotState | None, bool]:
        if self._part.letters is None:
            match = _TEXT.fullmatch(raw) if isinstance(raw, str) else None
            return (PilotState(match[1]), match[2] == "2") if match else (None, False)
        letter = self._part.letters.get(int(raw)) if isinstance(raw, (int, float)) else None
        return (PilotState(letter), self._advertised(values) > 0) if letter else (None, False)

    def _advertised(self, values: Mapping[str, Value]) -> float:
        raw = values.get(self._part.advertised) if self._part.advertised else None
        return float(raw) if isinstance(raw, (int, float)) else 0.0

    def _settled(self, letter: PilotState, now: float) -> bool:
        plugging = letter in (PilotState.B, PilotState.C, PilotState.D)
        if not plugging or self.seen is None or self.seen.state is not PilotState.A:
            self._plugged_since = None
            return True
        if self._plugged_since is None:
            self._plugged_since = now
        if now - self._plugged_since < PLUG_DEBOUNCE_S - 1e-6:
            return False
        self._plugged_since = None
        return True


class CableDriver:
    """Latches the rating while a plug is there (IEC 61851-1 B.2: the resistor is read once, on plugging)."""

    def __init__(self, connector: int, part: CablePart, changes: Changes, faults: FaultKeeper) -> None:
        self._connector = connector
        self._part = part
        self._changes = changes
        self._faults = faults
        self._latched: int | None = None

    def take(self, values: Mapping[str, Value], plugged: bool, now: float) -> None:
        """`plugged`: the pilot says that a car is there, so that a rating once read stays."""
        raw = values.get(self._part.register)
        rating = int(raw) if isinstance(raw, (int, float)) else None
        none = rating is None or rating in self._part.open
        valid = rating in self._part.ratings
        self._faults.set(Fault.CABLE, "rating", not none and not valid, now, f"proximity value {raw}")
        if self._latched is None and valid:
            self._latched = rating
        elif self._latched is not None and not plugged and rating != self._latched:
            self._latched = rating if valid else None
        self._changes.tell(CableSeen(self._connector, self._latched))
