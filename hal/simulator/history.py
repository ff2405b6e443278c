"""What happened in the plant, on plant time: the independent witness that safety is asserted against.

Every change is written down at the instant at which it happened, not when somebody asked. Kinds and values:
`plugged` (bool), `car` (letter), `pilot` (letter and digit, "C2"), `offered_a`, `contactor` (bool, main contacts),
`lock` (bool), `current_a` (largest phase), `energy_wh` (register, noted when the contactor moves or it is set),
`fault` ("diode on", "diode off"), `light` (text).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

KEPT = 100_000
"""Older events are dropped."""

Value = bool | float | str


@dataclass(frozen=True, slots=True)
class PlantEvent:
    """One change at one connector."""

    time_s: float
    connector: int
    kind: str
    value: Value


Witness = Callable[[PlantEvent], None]


class History:
    """All changes, oldest first. `witnesses` are called at each one."""

    def __init__(self) -> None:
        self.witnesses: list[Witness] = []
        self._events: deque[PlantEvent] = deque(maxlen=KEPT)

    def __iter__(self) -> Iterator[PlantEvent]:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: PlantEvent) -> None:
        """Write down a change. Only the plant calls this."""
        self._events.append(event)
        for witness in self.witnesses:
            witness(event)

    def of(self, connector: int, kind: str) -> list[PlantEvent]:
        """The changes of one kind at one connector."""
        return [event for event in self._events if event.connector == connector and event.kind == kind]

    def at(self, connector: int, kind: str, time_s: float) -> Value | None:
        """The value that held at a time, or None if nothing was known yet."""
        held = [event.value for event in self.of(connector, kind) if event.time_s <= time_s]
        return held[-1] if held else None
