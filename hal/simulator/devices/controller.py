"""What every EVSE controller of the plant does by itself, whatever its registers look like.

Theory of operation
-------------------
The controller owns the fast reactions. It looks at pilot, diode and safety inputs (20 ms), puts PWM on while its
settings permit a current, a car is there and nothing is wrong, and closes the contactor when that car asks for power.
It opens at once when the car leaves state C, when the pilot is lost and on a fault; with PWM off and the car still in C
it waits 6 s and then opens under load (contacts that are still on their way to close when the PWM goes off never do:
nothing closes without an offer, IEC 61851-1 A.4). Together with the contacts an unplug opens within 100 ms.
A subclass says what its settings permit and shows the result in its registers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hal.simulator.physics.car import POWER_LETTERS, Letter
from hal.simulator.physics.outlet import Condition, Outlet
from hal.simulator.physics.timer import Timer, earliest

REACTION_S = 0.02
GRACE_S = 6.0
"""PWM off and the car stays in C: wait so long, then open under load."""
CONTACTOR_CHECK_S = 1.0
"""Commanded closed and still open for so long: it does not close."""
LOCK_CHECK_S = 0.8
LOCK_RETRY_S = 2.0
STEADY_HIGH, STEADY_LOW = 100.0, 0.0


class BoardFault(StrEnum):
    """What a controller can find wrong."""

    DIODE = "diode"
    RESIDUAL_CURRENT = "residual_current"
    GROUND = "ground"
    OVER_TEMPERATURE = "over_temperature"
    TAMPER = "tamper"
    EMERGENCY_STOP = "emergency_stop"
    VENTILATION = "ventilation"  # state D, which this station cannot serve
    WELDED = "welded"
    STUCK = "stuck"
    LOCKING = "locking"
    UNLOCKING = "unlocking"


WIRED = {
    Condition.RESIDUAL_CURRENT: BoardFault.RESIDUAL_CURRENT,
    Condition.GROUND: BoardFault.GROUND,
    Condition.OVER_TEMPERATURE: BoardFault.OVER_TEMPERATURE,
    Condition.TAMPER: BoardFault.TAMPER,
    Condition.EMERGENCY_STOP: BoardFault.EMERGENCY_STOP,
}
"""Conditions that a controller sees at its inputs."""
HARMLESS = frozenset({BoardFault.TAMPER, BoardFault.UNLOCKING})
"""Faults that a controller reports and goes on with."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the controller sees at its inputs at one moment."""

    letter: Letter
    diode_ok: bool
    wired: frozenset[BoardFault]


def duty_of_amps(current_a: float) -> float:
    """Duty cycle in percent for an offer (IEC 61851-1 Table A.7)."""
    return current_a / 0.6 if current_a <= 51 else current_a / 2.5 + 64


class Controller:
    """The part that all boards share. Subclasses fill in the permissions and the registers."""

    least_a = 6.0
    allows_ventilation = False
    monitor_delay_s = 0.2
    """Commanded open and still closed for so long: welded."""

    def __init__(self, outlet: Outlet) -> None:
        self.outlet = outlet
        self.faults: set[BoardFault] = set()
        self.seen = Letter.A
        self._offered_a = 0.0
        self._wired: frozenset[BoardFault] = frozenset()
        self._look = Timer()
        self._grace = Timer()
        self._contactor_check = Timer()
        self._lock_check = Timer()
        self._lock_retry = Timer()

    # ---------------------------------------------------------------------------- what a subclass says

    def permitted_a(self) -> float:
        """The current that settings and cable permit now; 0: no PWM."""
        return 0.0

    def available(self) -> bool:
        """False: state F."""
        return True

    def locks_by_itself(self) -> bool | None:
        """The position that the board wants of its own accord; None: somebody else decides."""
        return None

    def monitors_contactor(self) -> bool:
        """True if it compares the contacts with its output."""
        return True

    # ------------------------------------------------------------------------------- what physics see

    @property
    def offered_a(self) -> float:
        """See `Board`."""
        return self._offered_a

    @property
    def duty_percent(self) -> float:
        """See `Board`."""
        if self.letter is Letter.F:
            return STEADY_LOW
        return duty_of_amps(self._offered_a) if self._offered_a > 0 else STEADY_HIGH

    @property
    def letter(self) -> Letter:
        """See `Board`."""
        return self.seen if self.available() else Letter.F

    @property
    def light(self) -> str | None:
        """See `Board`."""
        return None

    def update(self, now_s: float) -> None:
        """See `Board`."""
        self._look_around(now_s)
        self._set_pilot()
        self._drive_contactor(now_s)
        self._watch_contactor(now_s)
        self._watch_lock(now_s)

    def next_due_s(self) -> float | None:
        """See `Board`."""
        return earliest(
            self._look.due_s,
            self._grace.due_s,
            self._contactor_check.due_s,
            self._lock_check.due_s,
            self._lock_retry.due_s,
        )

    def restart(self, now_s: float) -> None:
        """See `Board`. The subclass resets its settings."""
        self.faults.clear()
        self._offered_a = 0.0
        self.outlet.contactor.commanded = False
        for timer in (self._look, self._grace, self._contactor_check, self._lock_check, self._lock_retry):
            timer.clear()

    def drive_lock(self, locked: bool) -> None:
        """Run the lock motor, if there is one, and see later whether it arrived."""
        if self.outlet.lock is not None:
            self.outlet.lock.drive(locked, self.outlet.now_s)
            self._lock_check.start(self.outlet.now_s + LOCK_CHECK_S)
            self._lock_retry.clear()

    # ------------------------------------------------------------------------------------- by itself

    def _look_around(self, now_s: float) -> None:
        look = self._glance()
        if look == Look(self.seen, BoardFault.DIODE not in self.faults, self._wired):
            self._look.clear()
            return
        self._look.start_once(now_s + REACTION_S)
        if not self._look.reached(now_s):
            return
        self.faults -= self._wired
        self.seen, self._wired = look.letter, look.wired
        self.faults |= self._wired
        self._mark(BoardFault.DIODE, not look.diode_ok)
        self._mark(BoardFault.VENTILATION, look.letter is Letter.D and not self.allows_ventilation)

    def _glance(self) -> Look:
        outlet = self.outlet
        wired = frozenset(fault for condition, fault in WIRED.items() if condition in outlet.conditions)
        known_bad = BoardFault.DIODE in self.faults and outlet.presented is not Letter.A
        missing = not outlet.diode_ok and (self._offered_a > 0 or known_bad)  # only PWM shows a missing diode
        return Look(outlet.presented, not missing, wired)

    def _mark(self, fault: BoardFault, present: bool) -> None:
        self.faults.add(fault) if present else self.faults.discard(fault)

    def _blocked(self) -> bool:
        return not self.available() or not self.faults <= HARMLESS

    def _set_pilot(self) -> None:
        connected = self.seen in (Letter.B, Letter.C, Letter.D)
        permitted_a = self.permitted_a() if connected and not self._blocked() else 0.0
        self._offered_a = permitted_a if permitted_a >= self.least_a else 0.0

    def _drive_contactor(self, now_s: float) -> None:
        contactor = self.outlet.contactor
        asked = self.seen in POWER_LETTERS and not self._blocked()
        if asked and self._offered_a > 0:
            self._grace.clear()
            contactor.commanded = True
        elif contactor.commanded and contactor.closed and asked:
            self._grace.start_once(now_s + GRACE_S)
            if self._grace.reached(now_s):
                contactor.commanded = False
        else:
            self._grace.clear()
            contactor.commanded = False

    def _watch_contactor(self, now_s: float) -> None:
        contactor = self.outlet.contactor
        if not contactor.stuck:
            self.faults.discard(BoardFault.STUCK)
        if not contactor.closed:
            self.faults.discard(BoardFault.WELDED)
        if contactor.commanded == contactor.closed or not self.monitors_contactor():
            self._contactor_check.clear()
            return
        if self.faults & {BoardFault.WELDED, BoardFault.STUCK}:
            return
        self._contactor_check.start_once(now_s + (CONTACTOR_CHECK_S if contactor.commanded else self.monitor_delay_s))
        if self._contactor_check.reached(now_s):
            self.faults.add(BoardFault.STUCK if contactor.commanded else BoardFault.WELDED)
            self._set_pilot()
            self._drive_contactor(now_s)

    def _watch_lock(self, now_s: float) -> None:
        lock = self.outlet.lock
        if lock is None:
            return
        own_wish = self.locks_by_itself()
        if own_wish is not None and own_wish != lock.target:
            self.drive_lock(own_wish)
        if self._lock_check.reached(now_s) or self._lock_retry.reached(now_s):
            self._judge_lock(now_s, lock.locked == lock.target, lock.target)

    def _judge_lock(self, now_s: float, arrived: bool, target: bool) -> None:
        self._mark(BoardFault.LOCKING, target and not arrived)
        self._mark(BoardFault.UNLOCKING, not target and not arrived)
        if arrived or self.outlet.lock is None:
            return
        self.outlet.lock.drive(target, now_s)
        self._lock_retry.start(now_s + LOCK_RETRY_S)
