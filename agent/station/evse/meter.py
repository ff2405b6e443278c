"""The meter of one connector: the newest reading, and questions for a fresh one with a deadline."""

from __future__ import annotations

from dataclasses import dataclass

from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.effects import ReadMeter
from agent.vocabulary.ids import ConnectorId
from agent.vocabulary.moments import Moment
from hal.api import Measurand, Measured, MeterSeen, Phase

DEADLINE_MS = 5000
STALE_IN_SESSION_MS = 3000
STALE_IDLE_MS = 30_000
CURRENT_VALID_MS = 15_000
VOLTAGE_V = 230.0


@dataclass(frozen=True, slots=True)
class Reading:
    """One consistent reading and when it came."""

    at: Moment
    energy_wh: int
    values: tuple[Measured, ...]

    def value(self, measurand: Measurand) -> float | None:
        """The total of a measurand, or None."""
        return next((m.value for m in self.values if m.measurand is measurand and m.phase is None), None)

    @property
    def current_a(self) -> float | None:
        """The highest phase current, whichever way it flows; without phases the total, else by the nominal voltage."""
        lines = (Phase.L1, Phase.L2, Phase.L3)
        currents = [m for m in self.values if m.measurand is Measurand.CURRENT_IMPORT]
        by_phase = [m.value for m in currents if m.phase in lines]
        total = [m.value for m in currents if m.phase is None]
        if by_phase or total:
            return max(abs(each) for each in by_phase or total)
        power = self.value(Measurand.POWER_ACTIVE_IMPORT)
        return None if power is None else abs(power) / VOLTAGE_V


class Meter:
    """Newest reading and at most one open question."""

    def __init__(self, connector: ConnectorId, site: Site) -> None:
        self._connector = connector
        self._site = site
        self.latest: Reading | None = None
        self.answer: Reading | None = None
        """The answer to the open question, once it came."""
        self._request = 0
        self.deadline_ms = 0

    def ask(self, turn: Turn) -> None:
        """Ask for a fresh reading; an older question is forgotten."""
        self._request = self._site.next_number()
        self.deadline_ms = turn.now_ms + DEADLINE_MS
        self.answer = None
        turn.add(ReadMeter(self._connector, self._request))

    @property
    def asked(self) -> bool:
        """A question is open (answered or not)."""
        return self._request != 0

    def close(self) -> None:
        """The question is dealt with."""
        self._request = 0
        self.answer = None

    def overdue(self, turn: Turn) -> bool:
        """The open question was not answered in time."""
        return self.asked and self.answer is None and turn.reached(self.deadline_ms)

    def see(self, seen: MeterSeen, turn: Turn) -> Reading:
        """Take a reading, polled or asked for."""
        self.latest = Reading(turn.now, seen.energy_wh, seen.values)
        if self._request and seen.request == self._request:
            self.answer = self.latest
        return self.latest

    def fresh(self, turn: Turn, within_ms: int) -> Reading | None:
        """The newest reading if it is young enough."""
        if self.latest is None or turn.now_ms - self.latest.at.monotonic_ms > within_ms:
            return None
        return self.latest

    def current_a(self, turn: Turn) -> float | None:
        """The highest phase current, or None while it is not known: it stops being known by itself, at its time."""
        reading = self.latest
        if reading is None or turn.reached(reading.at.monotonic_ms + CURRENT_VALID_MS + 1):
            return None
        return reading.current_a
