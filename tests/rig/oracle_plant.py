"""What the oracle reads from the plant's history: never power without car and lock, and open in time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.rig.oracle_sessions import Finding

STOPPING_FAULTS = frozenset(
    {"over_temperature", "residual_current", "diode", "ground", "emergency_stop", "contactor_stuck"}
)
"""Faults that the board of the connector finds, which opens at once. `contactor_welded` has none: it cannot open."""
METERED_FAULTS = frozenset({"over_voltage", "under_voltage"})
"""Faults that no board finds: only the meter shows them, which is asked once a second while a session runs."""

Outages = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast is fast enough, in seconds at the plant."""

    sockets: frozenset[int] = frozenset({1})
    """Connectors with a lock."""
    unplugged_s: float = 0.1
    fault_s: float = 0.1
    metered_s: float = 2.5
    """After a fault that only the meter shows: a round of the meter (1 s), its frames, and the time that the car takes
    to stop by itself once nothing is offered, since nothing is broken that would want it opened under load."""
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


def safety_findings(
    plant: Iterable[Track], limits: Limits, outages: Iterable[tuple[float, float]] = ()
) -> list[Finding]:
    """INV-4, INV-5 and INV-6 at every connector. While the agent is away nobody reads a meter."""
    away = tuple(outages)
    found = []
    for track in plant:
        found += _closings(track, limits, away)
        found += _lock_breaches(track, limits)
        found += _late_openings(track, limits, away)
    return found


def due_s(since_s: float, within_s: float, outages: Iterable[tuple[float, float]]) -> float:
    """When the agent must have done something; after each outage its time begins anew."""
    latest_s = since_s + within_s
    for began_s, over_s in sorted(outages):
        if began_s <= latest_s and over_s > since_s:
            latest_s = max(latest_s, over_s + within_s)
    return latest_s


def _closings(track: Track, limits: Limits, outages: Outages) -> list[Finding]:
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
        if active := _seen_faults(track, at_s, limits, outages):
            found.append(Finding("INV-4", f"{where} with {', '.join(active)}"))
    return found


def _seen_faults(track: Track, at_s: float, limits: Limits, outages: Outages) -> list[str]:
    """What is there, and was there in time to be seen."""
    since_s = {
        fault: track.times(f"fault {fault}", True)[-1]
        for fault in STOPPING_FAULTS | METERED_FAULTS
        if track.held(f"fault {fault}", at_s)
    }
    found = STOPPING_FAULTS & since_s.keys()
    found |= {f for f in METERED_FAULTS & since_s.keys() if due_s(since_s[f], limits.metered_s, outages) <= at_s}
    return sorted(found)


def _lock_breaches(track: Track, limits: Limits) -> list[Finding]:
    if track.connector not in limits.sockets:
        return []
    return [
        Finding("INV-6", f"connector {track.connector} unlocked at {at_s:.3f} s under load")
        for at_s in track.times("lock", False)
        if track.held("contactor", at_s) or (track.held("current_a", at_s) or 0.0) > limits.light_a
    ]


def _late_openings(track: Track, limits: Limits, outages: Outages) -> list[Finding]:
    """After each reason to open, the contactor is open within its limit, unless the reason went away before.

    What a board finds has one limit, whatever the agent does. What the meter finds, the agent has to ask for.
    """
    reasons: Mapping[str, tuple[list[float], float]] = {
        "the plug was pulled": (track.times("plugged", False), limits.unplugged_s),
        "the offer ended": (track.times("offered_a", 0.0), limits.grace_s + limits.margin_s),
        **{f: (track.times(f"fault {f}", True), limits.fault_s) for f in STOPPING_FAULTS},
        **{f: (track.times(f"fault {f}", True), limits.metered_s) for f in METERED_FAULTS},
    }
    found = []
    for reason, (times, limit_s) in reasons.items():
        for at_s in times:
            latest_s = due_s(at_s, limit_s, outages if reason in METERED_FAULTS else ())
            if latest_s > track.end_s or track.held("fault contactor_welded", latest_s):
                continue
            opened = any(at_s <= t <= latest_s for t in track.times("contactor", False))
            if not track.held("contactor", at_s) or not track.held("contactor", latest_s):
                continue
            if not opened and not _moot(track, reason, latest_s):
                text = f"connector {track.connector} still closed {limit_s:g} s after {reason} at {at_s:.3f} s"
                found.append(Finding("INV-5" if reason != "the offer ended" else "INV-4", text))
    return found


def _moot(track: Track, reason: str, at_s: float) -> bool:
    """There is an offer again; or what the meter would show is gone, perhaps between two of its rounds."""
    if reason in METERED_FAULTS:
        return not track.held(f"fault {reason}", at_s)
    return reason == "the offer ended" and bool(track.held("offered_a", at_s))
