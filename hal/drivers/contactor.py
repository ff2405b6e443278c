"""The main contactor: feedback -> `ContactorSeen`, and feedback that contradicts the command -> welded or stuck.

Kinds of feedback, best first: `aux` (an auxiliary contact, by a register), `state` (the board's own report, or state C
with PWM where it has no register for it), `meter` (a current above 1 A), `none` (nothing is told at all).
"""

from __future__ import annotations

from collections.abc import Mapping

from hal.api import ContactorFeedback, ContactorKind, ContactorSeen, Fault, PilotSeen, PilotState
from hal.changes import Changes, FaultKeeper
from hal.profile import ContactorPart
from hal.registers import Value, bit

CURRENT_FLOWS_A = 1.0
OPENING_GRACE_S = 6.0
"""How long a car may take to leave C after PWM off; only then does a closed autonomous contactor contradict us."""
METER_CONTRADICTS_S = 3.0


class ContactorDriver:
    """`command` is told what the outputs want; `take` and `take_current` what is seen."""

    def __init__(self, connector: int, part: ContactorPart, changes: Changes, faults: FaultKeeper) -> None:
        self._connector = connector
        self._part = part
        self._changes = changes
        self._faults = faults
        self._wanted = False
        self._wanted_since: float | None = None
        """None: not asked for anything yet; patience then runs from the first sample (the board may still be on)."""
        self.closed: bool | None = None
        """As last seen; None: never."""

    def command(self, wanted: bool, now: float) -> None:
        """Autonomous: a current is offered or not. Commanded: we closed or opened."""
        if wanted is not self._wanted:
            self._wanted, self._wanted_since = wanted, now

    def take(self, values: Mapping[str, Value], pilot: PilotSeen | None, now: float) -> None:
        """One sample of the board."""
        closed = self._closed(values, pilot)
        if closed is not None:
            self._see(closed, now)

    def take_current(self, current_a: float, now: float) -> None:
        """The largest phase current of the meter."""
        flows = current_a > CURRENT_FLOWS_A
        if self._part.feedback is ContactorFeedback.METER:
            self._see(flows, now)
        elif self._part.feedback is not ContactorFeedback.AUX:
            patience_s = METER_CONTRADICTS_S + self._grace_s
            contradicts = flows and not self._wanted and self._waited_s(now) > patience_s
            self._faults.set(Fault.CONTACTOR_WELDED, "meter", contradicts, now, f"{current_a:.1f} A while switched off")

    def _waited_s(self, now: float) -> float:
        if self._wanted_since is None:
            self._wanted_since = now
        return now - self._wanted_since

    @property
    def _grace_s(self) -> float:
        return OPENING_GRACE_S if self._part.kind is ContactorKind.AUTONOMOUS else 0.0

    def _closed(self, values: Mapping[str, Value], pilot: PilotSeen | None) -> bool | None:
        if self._part.register is not None:
            raw = values.get(self._part.register)
            if raw is None:
                return None
            on = bool(raw) if self._part.bit is None else bit(raw, self._part.bit)
            return on is not self._part.inverted
        if self._part.feedback is ContactorFeedback.STATE and pilot is not None:
            return pilot.pwm and pilot.state in (PilotState.C, PilotState.D)
        return None

    def _see(self, closed: bool, now: float) -> None:
        self.closed = closed
        self._changes.tell(ContactorSeen(self._connector, closed))
        waited_s = self._waited_s(now)
        patience_s = self._part.feedback_wait_ms / 1000
        welded = closed and not self._wanted and waited_s > patience_s + self._grace_s
        self._faults.set(Fault.CONTACTOR_WELDED, "feedback", welded, now, "closed while switched off")
        if self._part.kind is ContactorKind.COMMANDED and self._part.feedback is not ContactorFeedback.METER:
            stuck = self._wanted and not closed and waited_s > patience_s
            self._faults.set(Fault.CONTACTOR_STUCK, "feedback", stuck, now, "open though commanded to close")
