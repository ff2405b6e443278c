"""A car at the end of the cable: what it shows on the control pilot and what it draws.

Theory of operation
-------------------
The car sees the duty cycle of the pilot and whether its supply is live. It asks for power (state C) while it is offered
current, its own timer has run off, it is not paused and its battery is not full. It changes over with the delays of a
real car, well inside the limits of IEC 61851-1 Annex A: asks a second after it may, follows a new offer in 1.5 s, and
once the pilot is off it drops its current and then opens its switch, unless it was told to be stubborn.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hal.simulator.physics.timer import Timer, earliest

ASK_S = 1.0
"""From an offer to state C."""
LEAVE_S = 0.8
"""From the end of the offer, or of the wish, to state B."""
FOLLOW_S = 1.5
"""From a change of the offer, or from a live supply, to the new current."""
DROP_S = 0.5
"""From the end of the offer to no current: before the switch opens."""


class Letter(StrEnum):
    """State of the control pilot, IEC 61851-1 Annex A."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    F = "F"


POWER_LETTERS = frozenset({Letter.C, Letter.D})
"""States in which a car asks for power."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarOptions:
    """What kind of car is plugged in."""

    amps: float = 16.0
    """What it draws at most on each phase."""
    phases: int = 3
    soc: float = 50.0
    """State of charge when plugged, in percent."""
    timer_s: float = 0.0
    """How long it waits before it asks for power."""
    diode_fault_after_s: float | None = None
    capacity_wh: float = 60_000.0
    wanted_wh: float | None = None
    """Energy after which it stops asking; None: until the battery is full."""
    cable_a: int = 32
    """Rating of the cable it came with (ignored at a captive cable)."""
    ventilation: bool = False
    """Shows state D in place of C."""
    stubborn: bool = False
    """Keeps asking and drawing when the pilot goes off."""


def amps_of_duty(duty_percent: float) -> float:
    """The current that a car may draw at a duty cycle (IEC 61851-1 Table A.7); 0 where it may not draw any."""
    if duty_percent < 8.0 or duty_percent > 97.0:
        return 0.0
    if duty_percent <= 10.0:
        return 6.0
    if duty_percent <= 85.0:
        return duty_percent * 0.6
    return min((duty_percent - 64.0) * 2.5, 80.0)


class Car:
    """One plugged car."""

    def __init__(self, options: CarOptions, now_s: float) -> None:
        self.options = options
        self.letter = Letter.B
        self.paused = False
        self.energy_wh = 0.0
        self.current_a = 0.0
        """Drawn on each of its phases."""
        self.diode_ok = True
        self._wait = Timer()
        if options.timer_s > 0:
            self._wait.start(now_s + options.timer_s)
        self._diode = Timer()
        if options.diode_fault_after_s is not None:
            self._diode.start(now_s + options.diode_fault_after_s)
        self._turn = Timer()
        self._follow = Timer()
        self._target_a = 0.0

    @property
    def soc(self) -> float:
        """State of charge in percent, at most 100."""
        return min(100.0, self.options.soc + 100.0 * self.energy_wh / self.options.capacity_wh)

    def currents_a(self) -> tuple[float, float, float]:
        """What it draws on L1, L2, L3 while its supply is live."""
        drawn = [self.current_a if phase < self.options.phases else 0.0 for phase in range(3)]
        return drawn[0], drawn[1], drawn[2]

    def asks(self) -> bool:
        """True while it wants energy, whatever it is offered."""
        wanted_wh = self.options.wanted_wh
        satisfied = self.soc >= 100.0 or (wanted_wh is not None and self.energy_wh >= wanted_wh)
        return not self.paused and not satisfied and self._wait.due_s is None

    def charge(self, energy_wh: float) -> None:
        """Take in what the supply delivered."""
        self.energy_wh += energy_wh

    def update(self, now_s: float, duty_percent: float, live: bool) -> None:
        """React to pilot and supply as they are now."""
        self._wait.reached(now_s)
        if self._diode.reached(now_s):
            self.diode_ok = False
        offer_a = amps_of_duty(duty_percent)
        insists = self.options.stubborn and self.letter in POWER_LETTERS
        wants = self.asks() and (offer_a > 0 or insists)
        self._turn_to(self._power_letter() if wants else Letter.B, now_s)
        if offer_a == 0 and insists:
            offer_a = self._target_a
        draws = wants and live and self.letter in POWER_LETTERS
        self._draw(min(offer_a, self.options.amps) if draws else 0.0, now_s, live)

    def next_due_s(self) -> float | None:
        """When it will do something by itself, as far as it knows."""
        return earliest(self._turn.due_s, self._follow.due_s, self._diode.due_s, self._wait.due_s)

    def _power_letter(self) -> Letter:
        return Letter.D if self.options.ventilation else Letter.C

    def _turn_to(self, letter: Letter, now_s: float) -> None:
        if letter is self.letter:
            self._turn.clear()
            return
        self._turn.start_once(now_s + (LEAVE_S if letter is Letter.B else ASK_S))
        if self._turn.reached(now_s):
            self.letter = letter

    def _draw(self, target_a: float, now_s: float, live: bool) -> None:
        if not live:
            self.current_a = self._target_a = 0.0
            self._follow.clear()
            return
        if target_a != self._target_a:
            self._target_a = target_a
            due_s = now_s + (DROP_S if target_a == 0 else FOLLOW_S)
            self._follow.start(min(due_s, self._follow.due_s or due_s))
        if self._follow.reached(now_s):
            self.current_a = self._target_a
