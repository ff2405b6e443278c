"""What the oracle reads from the plant's history: never power without car and lock, and open in time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.rig.oracle_sessions import Finding

STOPPING_FAULTS = frozenset(
    {"over_voltage", "over_temperature", "residual_current", "diode", "ground", "emergency_stop", "contactor_stuck"}
)
"""Faults after which the contactor is open at once. `contactor_welded` has none: it cannot open."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast is fast enough, in seconds at the plant."""

    sockets: frozenset[int] = frozenset({1})
    """Connectors with a lock."""
    unplugged_s: float = 0.1
    fault_s: float = 0.1
    grace_s: float = 6.0
    """From the end of the offer to open contacts, when the car does not stop by itself."""
    margin_s: float = 1.5
    """On top of the grace: polls and the contactor's own time."""
    unlock_s: float = 5.0
    light_a: float = 1.0
    """Less than this is no current."""


@dataclass(slots=True)
class Track:
    """The history of one connector, by kind. A fault `x` is the kind `fault x` with True or False."""

    connector: int
    end_s: float = 0.0
    series: dict[str, tuple[list[float], list[Any]]] = field(default_factory=dict)

    def note(self, time_s: float, kind: str, value: Any) -> None:
        """Add a change."""
        if kind == "fault":
            name, _, state = str(value).rpartition(" ")
            kind, value = f"fault {name}", state == "on"
        times, values = self.series.setdefault(kind, ([], []))
        times.append(time_s)
        values.append(value)
        self.end_s = max(self.end_s, time_s)

    def held(self, kind: str, at_s: float) -> Any:
        """The value at a time, changes at that very time included; None before the first."""
        times, values = self.series.get(kind, ([], []))
        index = bisect_right(times, at_s)
        return values[index - 1] if index else None

    def times(self, kind: str, value: Any) -> list[float]:
        """When the kind became this value."""
        times, values = self.series.get(kind, ([], []))
        before = [None, *values]
        return [at_s for at_s, now, was in zip(times, values, before, strict=False) if now == value and was != value]

    def changes(self, kind: str) -> list[tuple[float, Any]]:
        """All changes of a kind."""
        times, values = self.series.get(kind, ([], []))
        return list(zip(times, values, strict=True))

    def counted_wh(self) -> float | None:
        """What the register counted from the first to the last note of it, or None if it never was noted."""
        notes = self.changes("energy_wh")
        return notes[-1][1] - notes[0][1] if notes else None


def tracks(happenings: Iterable[Any], ended_s: float = 0.0) -> dict[int, Track]:
    """The history by connector, told until `ended_s` (or its last change, if that is later)."""
    found: dict[int, Track] = {}
    for event in happenings:
        found.setdefault(event.connector, Track(event.connector)).note(event.time_s, event.kind, event.value)
    for track in found.values():
        track.end_s = max(ended_s, *(other.end_s for other in found.values()))
    return found


def safety_findings(plant: Iterable[Track], limits: Limits) -> list[Finding]:
    """INV-4, INV-5 and INV-6 at every connector."""
    found = []
    for track in plant:
        found += _closings(track, limits)
        found += _lock_breaches(track, limits)
        found += _late_openings(track, limits)
    return found


def _closings(track: Track, limits: Limits) -> list[Finding]:
    found = []
    for at_s in track.times("contactor", True):
        if track.held("fault contactor_welded", at_s):
            continue
        where = f"connector {track.connector} closed at {at_s:.3f} s"
        if not track.held("plugged", at_s):
            found.append(Finding("INV-4", f"{where} with nothing plugged"))
        if track.held("car", at_s) not in ("C", "D"):
            found.append(Finding("INV-4", f"{where} with the car in {track.held('car', at_s)}"))
        if track.connector in limits.sockets and not track.held("lock", at_s):
            found.append(Finding("INV-4", f"{where} with the lock open"))
        if not track.held("offered_a", at_s):
            found.append(Finding("INV-4", f"{where} with no offer"))
        if active := sorted(fault for fault in STOPPING_FAULTS if track.held(f"fault {fault}", at_s)):
            found.append(Finding("INV-4", f"{where} with {', '.join(active)}"))
    return found


def _lock_breaches(track: Track, limits: Limits) -> list[Finding]:
    if track.connector not in limits.sockets:
        return []
    return [
        Finding("INV-6", f"connector {track.connector} unlocked at {at_s:.3f} s under load")
        for at_s in track.times("lock", False)
        if track.held("contactor", at_s) or (track.held("current_a", at_s) or 0.0) > limits.light_a
    ]


def _late_openings(track: Track, limits: Limits) -> list[Finding]:
    """After each reason to open, the contactor is open within its limit, unless the reason went away before."""
    reasons: Mapping[str, tuple[list[float], float]] = {
        "the plug was pulled": (track.times("plugged", False), limits.unplugged_s),
        "the offer ended": (track.times("offered_a", 0.0), limits.grace_s + limits.margin_s),
        **{f: (track.times(f"fault {f}", True), limits.fault_s) for f in STOPPING_FAULTS},
    }
    found = []
    for reason, (times, limit_s) in reasons.items():
        for at_s in times:
            due_s = at_s + limit_s
            if due_s > track.end_s or track.held("fault contactor_welded", due_s):
                continue
            opened_or_moot = any(at_s <= t <= due_s for t in track.times("contactor", False)) or _moot(
                track, reason, due_s
            )
            if track.held("contactor", at_s) and track.held("contactor", due_s) and not opened_or_moot:
                text = f"connector {track.connector} still closed {limit_s:g} s after {reason} at {at_s:.3f} s"
                found.append(Finding("INV-5" if reason != "the offer ended" else "INV-4", text))
    return found


def _moot(track: Track, reason: str, due_s: float) -> bool:
    return reason == "the offer ended" and bool(track.held("offered_a", due_s))
