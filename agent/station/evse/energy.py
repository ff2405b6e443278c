"""Energy of one connector: offer, withdraw, open, close; every grant has a number that a safer effect raises.

Theory of operation
-------------------
`pursue` is told each turn what may be offered (or that nothing may) and does what is missing; what was done is
believed only when a reading confirms it. Raises wait until five seconds after the last change of duty (IEC 61851-1
A.6); reductions go at once. Nothing is offered while the contactor was not seen open: a contactor that is closed with
no offer is either still on its way or welded. A grant is out once the record that it waits for is synced.

On a stop the offer is withdrawn at once. The contactor opens by the car (it leaves C), or is opened as soon as less
than 1 A flows, or under load after the grace; for a fault there is no grace.

What is found wrong is returned by `watch`: closed a second after it was opened (an autonomous board opens when the car
has left C, or under load after a grace of its own), or more than 1 A for three seconds with everything off (welded);
not closed a second after it was told to, or five seconds after an autonomous board saw offer and C (stuck); and
over-current. A contactor that closes by itself is opened at once, and every ten seconds while it, or an offer that
nobody made, is still seen: a board may have restarted with ideas of its own.
"""

from __future__ import annotations

from agent.station.evse.facts import Facts
from agent.station.evse.meter import Meter
from agent.station.evse.over_current import OverCurrent
from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.effects import CloseContactor, Lower, Offer, OpenContactor, Withdraw
from agent.vocabulary.ids import ConnectorId
from hal.api import ContactorFeedback, ContactorKind, Fault

DUTY_CHANGE_MS = 5000
OFF_TIME_MS = 5000
FEEDBACK_MS = 1000
AUTONOMOUS_CLOSE_MS = 5000
AUTONOMOUS_GRACE_MS = 6000
"""From the end of the offer until an autonomous board opens under load (IEC 61851-1 A.5)."""
RESIDUAL_MS = 3000
SAY_AGAIN_MS = 10_000
NO_LOAD_A = 1.0
STEP_A = 0.05
"""A raise by less is none; whatever lowers is done."""
NOISE_A = 1e-6


class Energy:
    """The only maker of power effects."""

    def __init__(self, connector: ConnectorId, facts: Facts, meter: Meter, site: Site) -> None:
        self._connector = connector
        self._site = site
        self._facts = facts
        self._meter = meter
        self._over_current = OverCurrent(meter)
        self._grace_ms = round(site.options.opening_grace_s * 1000)
        self._commanded = facts.capabilities.contactor is ContactorKind.COMMANDED
        self.grant = 0
        self.offered_a: float | None = None
        self._gate: int | None = None
        """Sequence of the record that the newest power effect waits for; None: it is out."""
        self._fresh = False
        self._first = False
        """The offer that waits is the one that begins: nothing can be closed yet."""
        self._out_ms = 0
        self._changed_ms: int | None = None
        self._withdrawn_ms: int | None = None
        self._opened_ms: int | None = None
        self._contactor_ms = 0
        self._closing_ms: int | None = None
        self._asking_ms: int | None = None
        self._left_ms = 0
        """When the car last stopped asking."""
        self._dark_ms = 0
        """When the offer last ended."""
        self._residual_ms: int | None = None

    # ------------------------------------------------------------------------------------------------ wishes

    def pursue(self, limit_a: float | None, turn: Turn) -> None:
        """Offer this much (None: nothing), and close where the board leaves that to us."""
        if limit_a is None:
            self.withdraw(turn)
            return
        if self.offered_a is None:
            self._begin(limit_a, turn)
        elif limit_a < self.offered_a - NOISE_A:
            self._lower(limit_a, turn)
        elif limit_a > self.offered_a + STEP_A and self._change_allowed(turn):
            self._offer(limit_a, turn)
        self._close_if_due(turn)

    def withdraw(self, turn: Turn) -> None:
        """Offer nothing (any more)."""
        if self.offered_a is None:
            return
        self._end_offer(turn)
        self._withdrawn_ms = turn.now_ms
        turn.add(Withdraw(self._connector, self.grant))

    def open_now(self, turn: Turn) -> None:
        """Open at once, if anything is offered or closed."""
        if self.offered_a is None and not (self._facts.contactor_closed or self._closing_ms is not None):
            return
        if self.offered_a is None and self._opened_ms is not None:
            return
        self._open(turn)

    def make_safe(self, turn: Turn) -> None:
        """Write everything off, whatever was known before: the board was out of reach."""
        self._open(turn)

    def _begin(self, limit_a: float, turn: Turn) -> None:
        rested = self._withdrawn_ms is None or turn.reached(self._withdrawn_ms + OFF_TIME_MS)
        if self._facts.seen_open and self._facts.outputs_off and rested and self._change_allowed(turn):
            self._opened_ms = self._withdrawn_ms = self._residual_ms = None
            self._first = True
            self._offer(limit_a, turn)

    def _offer(self, limit_a: float, turn: Turn) -> None:
        self.offered_a = limit_a
        self._changed_ms = turn.now_ms
        self._fresh = True
        turn.add(Offer(self._connector, limit_a, self.grant))

    def _lower(self, limit_a: float, turn: Turn) -> None:
        self._over_current.reduced(turn)
        if self._gate is None and not self._fresh:
            self.offered_a = limit_a
            self._changed_ms = turn.now_ms
            turn.add(Lower(self._connector, limit_a, self.grant))
            return
        self.grant += 1  # the higher offer may still be held back: it must never come out
        if not self._facts.contactor_closed:
            self._closing_ms = None  # nor does the command to close: it is given anew
        turn.add(Withdraw(self._connector, self.grant))
        self._offer(limit_a, turn)

    def _change_allowed(self, turn: Turn) -> bool:
        return self._changed_ms is None or turn.reached(self._changed_ms + DUTY_CHANGE_MS)

    def _close_if_due(self, turn: Turn) -> None:
        facts = self._facts
        if not self._commanded or self._closing_ms is not None or self.offered_a is None:
            return
        rested = self._opened_ms is None or turn.reached(self._opened_ms + OFF_TIME_MS)
        if facts.asking and facts.pwm and facts.seen_open and rested:
            self._closing_ms = turn.now_ms
            self._opened_ms = None
            self._fresh = True
            turn.add(CloseContactor(self._connector, self.grant))

    def _end_offer(self, turn: Turn) -> None:
        self.grant += 1
        self._dark_ms = self._dark_ms if self.offered_a is None else turn.now_ms
        self.offered_a = None
        self._gate, self._fresh, self._first = None, False, False
        self._changed_ms = turn.now_ms

    def _open(self, turn: Turn) -> None:
        self._end_offer(turn)
        self._closing_ms = None
        self._opened_ms = self._withdrawn_ms = turn.now_ms
        turn.add(OpenContactor(self._connector, self.grant))

    # ------------------------------------------------------------------------------------------------- facts

    def pilot_seen(self, turn: Turn) -> None:
        """The pilot changed: a commanded contactor opens when the car leaves C."""
        self._asking_ms = turn.now_ms if self._facts.asking and self._asking_ms is None else self._asking_ms
        if self._facts.asking:
            return
        self._left_ms = turn.now_ms if self._asking_ms is not None else self._left_ms
        self._asking_ms = None
        if self._commanded and self._closing_ms is not None:
            self._open(turn)

    def contactor_seen(self, turn: Turn) -> None:
        """The contactor reported where it is."""
        self._contactor_ms = turn.now_ms

    @property
    def closing(self) -> bool:
        """A commanded contactor was told to close and not yet to open."""
        return self._closing_ms is not None

    @property
    def off(self) -> bool:
        """Nothing is offered, and the contactor is open as far as can be seen."""
        return self.offered_a is None and self._closing_ms is None and self._facts.contactor_closed is not True

    def quiet(self, turn: Turn) -> bool:
        """Off, and less than 1 A flows: the cable may be let go and the final reading taken."""
        if not self.off or (self._facts.has_feedback and self._facts.contactor_closed is None):
            return False
        current = self._meter.current_a(turn)
        if current is not None and current >= NO_LOAD_A:
            return False
        latest = self._meter.latest
        metered = current is not None and latest is not None and latest.at.monotonic_ms >= self._dark_ms
        feedback = self._facts.capabilities.contactor_feedback
        never = self._opened_ms is None and self._withdrawn_ms is None and self._facts.outputs_off
        if feedback is ContactorFeedback.STATE and not never:
            return self._open_by_conclusion(metered, turn)
        opened = self._opened_ms is not None and turn.reached(self._opened_ms + FEEDBACK_MS)
        return feedback is ContactorFeedback.AUX or never or metered or opened

    def _open_by_conclusion(self, metered: bool, turn: Turn) -> bool:
        """PWM off says nothing of the contacts: they are open once the car has left C, or the board's grace is over."""
        if not metered:
            return turn.reached(self._open_by_ms(self._opened_ms or self._withdrawn_ms or 0))
        return self._commanded or not self._facts.asking or turn.reached(self._dark_ms + AUTONOMOUS_GRACE_MS)

    # ------------------------------------------------------------------------------------------------- watch

    def watch(self, blind: bool, turn: Turn) -> Fault | None:
        """Open what is due, and say what is wrong. `blind`: the board is out of reach, nothing can be judged."""
        self._see_gate(turn)
        if blind:
            return None
        if self.offered_a is None:
            self._open_when_due(turn)
        welded = self._welded(turn) if self.offered_a is None or self._opened_ms is not None else None
        over = Fault.OVER_CURRENT if self._over_current.found(self.offered_a, turn) else None
        return welded or self._stuck(turn) or over

    def turn_over(self, turn: Turn) -> None:
        """The turn is complete: what was granted in it goes out once the last barrier record is synced."""
        if self._fresh:
            self._fresh, self._gate = False, self._site.last_barrier
            self._see_gate(turn)

    def _see_gate(self, turn: Turn) -> None:
        """The grant is out once its record is synced; a contactor that closes before that closed by itself."""
        if self._gate is None:
            return
        if self._gate <= self._site.synced:
            self._gate, self._first, self._out_ms = None, False, turn.now_ms
        elif self._first and self._facts.contactor_closed:
            self._open(turn)

    def _open_when_due(self, turn: Turn) -> None:
        """Nothing is offered: see that the contactor opens."""
        if self._still_on(turn):
            self._open(turn)
        if self._opened_ms is not None:
            return
        may_be_closed = self._facts.contactor_closed or (
            not self._facts.has_feedback and self._withdrawn_ms is not None
        )
        if not (may_be_closed or self._closing_ms is not None):
            return
        current = self._meter.current_a(turn)
        gone = self._commanded and not self._facts.asking
        unloaded = current is not None and current < NO_LOAD_A
        if gone or unloaded or self._withdrawn_ms is None or turn.reached(self._withdrawn_ms + self._grace_ms):
            self._open(turn)

    def _still_on(self, turn: Turn) -> bool:
        """Opened, and closed again by itself; or a board that does not follow: it is told again from time to time."""
        if self._opened_ms is not None and self._facts.contactor_closed and self._contactor_ms > self._opened_ms:
            return True
        told_ms = max(self._opened_ms or 0, self._withdrawn_ms or 0)
        return bool(self._facts.contactor_closed or self._facts.pwm) and turn.reached(told_ms + SAY_AGAIN_MS)

    def _welded(self, turn: Turn) -> Fault | None:
        if self._opened_ms is None and (self._withdrawn_ms is not None or not self._facts.seen_open):
            return None  # still within the grace
        if self._opened_ms is not None and not turn.reached(self._open_by_ms(self._opened_ms)):
            self._residual_ms = None
            return None
        if self._facts.contactor_closed and self._opened_ms is not None:
            return Fault.CONTACTOR_WELDED
        current = self._meter.current_a(turn)
        if current is None or current <= NO_LOAD_A:
            self._residual_ms = None
            return None
        latest = self._meter.latest
        if self._residual_ms is None:
            self._residual_ms = turn.now_ms
        confirmed = latest is not None and latest.at.monotonic_ms >= self._residual_ms + RESIDUAL_MS
        return Fault.CONTACTOR_WELDED if confirmed else None

    def _open_by_ms(self, opened_ms: int) -> int:
        """When a contactor that was told to open has to be seen open."""
        if self._commanded:
            return opened_ms + FEEDBACK_MS
        by_itself_ms = self._dark_ms + AUTONOMOUS_GRACE_MS if self._facts.asking else self._left_ms
        return max(opened_ms, by_itself_ms) + FEEDBACK_MS

    def _stuck(self, turn: Turn) -> Fault | None:
        if not self._facts.has_feedback or self._facts.contactor_closed or self.offered_a is None:
            return None
        if self._gate is not None or self._fresh:
            return None  # the disk still holds it back
        due: int | None = None
        if self._commanded and self._closing_ms is not None:
            due = max(self._closing_ms, self._contactor_ms, self._out_ms) + FEEDBACK_MS
        elif not self._commanded and self._asking_ms is not None and self._facts.pwm:
            due = max(self._asking_ms, self._contactor_ms, self._changed_ms or 0) + AUTONOMOUS_CLOSE_MS
        return Fault.CONTACTOR_STUCK if due is not None and turn.reached(due) else None
