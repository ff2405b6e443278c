"""The signed session of one connector's meter: begun before any power, ended after it, and bound to its transaction.

Theory of operation
-------------------
How far the meter is, is a field of the journal row, written before the meter is asked for the next step:

    ordered   written with the start; then the meter is told to begin. No power until it has.
    begun     the meter says so; written before the first offer goes out.
    ending    the power was seen off and the register read; written before the meter is told to end.
    signed    what it signed is in the record of the stop, and in the stop of every upstream.
    unsigned  there is no signature for this session, and a note says why.

So a session that was `begun` owes an end, in this life or the next, and one that was `ending` is asked only for what it
signed. A session is signed from its begin to its end or not at all: a meter that begins too late is told to end, and
what it then signs is dropped. What comes after the stop was recorded is kept with the journal row and told in a note;
the stop that the upstreams got stays as it is.

The meter is told the time, so a begin, and an end after a restart, wait for it, bounded. Where signing is only wanted
("if possible") the session then charges without; where it is required it ends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.effects import Sign
from agent.vocabulary.moments import Moment
from agent.vocabulary.notes import StationNote
from agent.vocabulary.options import ConnectorOptions
from agent.vocabulary.records import SaveTransaction, TransactionRecord
from agent.vocabulary.signing import SignedMetering, SignedValue, SigningState
from hal.api import SigningAnswered, SigningOrder, SigningStep

TIME_MS = 60_000
"""How long a step that needs the wall time waits for it."""
PATIENCE_MS = 20_000
"""How long the answer to a step is waited for."""
NO_ANSWER = "the meter did not answer in time"


@dataclass(slots=True)
class _Order:
    """The step under way. `request` 0: it waits for the time."""

    step: SigningStep
    again: bool
    since_ms: int
    request: int = 0
    deadline_ms: int = 0
    answer: SigningAnswered | None = None


class Signing:
    """The orders to one meter, and their answers. Records go in and come out; their owner keeps them."""

    def __init__(self, options: ConnectorOptions, site: Site) -> None:
        self._connector = options.id
        self._site = site
        self._wanted = options.capabilities.signs and options.signed is not SignedMetering.OFF
        self._required = options.signed is SignedMetering.REQUIRED
        self.public_key = ""
        """Of the meter, once it was learned; hexadecimal."""
        self._open: _Order | None = None
        self._late: tuple[int, TransactionRecord] | None = None
        """The end of a transaction that was closed without waiting any longer."""

    @property
    def first(self) -> SigningState:
        """State of a transaction that starts here."""
        return SigningState.ORDERED if self._wanted else SigningState.NONE

    @property
    def _begins_anew(self) -> bool:
        """The meter was told to begin the next one: that ends what runs, and an end behind it would end the new one."""
        return self._open is not None and self._open.request > 0

    @property
    def mark(self) -> tuple[object, ...]:
        """Changes when a step was ordered or answered."""
        return (self._open.request, self._open.answer) if self._open is not None else ()

    def against(self, record: TransactionRecord) -> str | None:
        """Why nothing may be offered to this transaction; None if something may."""
        if record.signing is SigningState.ORDERED:
            return "the meter has not begun to sign yet"
        return "the meter does not sign" if self.forbids(record) else None

    def forbids(self, record: TransactionRecord) -> bool:
        """It must not go on: it is not signed, and has to be."""
        return self._required and record.signing in (SigningState.UNSIGNED, SigningState.NONE)

    def seen(self, answer: SigningAnswered, turn: Turn) -> None:
        """The meter answered, in time or late."""
        if answer.public_key and answer.public_key != self.public_key:
            self.public_key = answer.public_key
            turn.note(StationNote.METER_KEY, answer.public_key, self._connector)
        if self._open is not None and answer.request == self._open.request:
            self._open.answer = answer
        elif self._late is not None and answer.request == self._late[0]:
            self._keep_late(self._late[1], answer, turn)
        elif answer.step is SigningStep.BEGIN and answer.done and not self._begins_anew:
            self._order(SigningStep.END, "", False, turn)

    # ---------------------------------------------------------------------------------------------------- steps

    def begin(self, record: TransactionRecord, turn: Turn) -> TransactionRecord:
        """Begin, where that is due; the record as it is then."""
        answer = self._pursue(SigningStep.BEGIN, record, turn) if record.signing is SigningState.ORDERED else None
        if answer is None:
            return record
        if answer.done:
            record = replace(record, signing=SigningState.BEGUN)
        else:
            record = self._unsigned(record, answer.detail, turn)
        turn.record(SaveTransaction(record), barrier=True)
        return record

    def end(self, record: TransactionRecord, at: Moment | None, register_wh: int, turn: Turn) -> TransactionRecord:
        """End what was begun; the record as it is then. It may be closed once it is no longer `ENDING`.

        `at`: when `register_wh` was read; None: the meter did not say.
        """
        again = record.signing is SigningState.ENDING
        if record.signing is SigningState.ORDERED:
            return self._never_begun(record, turn)
        if record.signing is SigningState.BEGUN:
            self._open = None
            record = replace(record, signing=SigningState.ENDING)
            if at is not None:
                record = replace(record, last_at=at, last_energy_wh=register_wh)
            turn.record(SaveTransaction(record), barrier=True)
        if record.signing is not SigningState.ENDING:
            return record
        answer = self._pursue(SigningStep.END, record, turn, again)
        if answer is None:
            return record
        if answer.done:
            return _signed(record, answer)
        record = self._unsigned(record, answer.detail, turn)
        self._late = (answer.request, record)
        return record

    def closed(self, record: TransactionRecord) -> None:
        """The record was closed: what comes late is kept with it."""
        if self._late is not None and self._late[1].id == record.id:
            self._late = (self._late[0], record)

    def _never_begun(self, record: TransactionRecord, turn: Turn) -> TransactionRecord:
        """Nothing flowed, and whether the meter begins after all is not waited for: it is told to end that."""
        if self._open is None:
            self._order(SigningStep.END, record.token.value, False, turn)  # ordered in a former life, if at all
        self._open = None
        return self._unsigned(record, "it ended before the meter had begun", turn)

    # --------------------------------------------------------------------------------------------------- orders

    def _pursue(
        self, step: SigningStep, record: TransactionRecord, turn: Turn, again: bool = False
    ) -> SigningAnswered | None:
        """The answer to a step, which is ordered once the time is known or no longer waited for; None: not yet."""
        if self._open is None or self._open.step is not step:
            self._open = _Order(step, again, turn.now_ms)
        order = self._open
        if not order.request:
            if turn.now.wall_ms is None and not turn.reached(order.since_ms + TIME_MS):
                return None
            order.request = self._order(step, record.token.value, order.again, turn)
            order.deadline_ms = turn.now_ms + PATIENCE_MS
        if order.answer is None and not turn.reached(order.deadline_ms):
            return None
        self._open = None
        return order.answer or SigningAnswered(self._connector, order.request, step, False, detail=NO_ANSWER)

    def _order(self, step: SigningStep, who: str, again: bool, turn: Turn) -> int:
        request = self._site.next_number()
        turn.add(Sign(self._connector, SigningOrder(step, request, turn.now.wall_ms, who, again)))
        return request

    def _unsigned(self, record: TransactionRecord, why: str, turn: Turn) -> TransactionRecord:
        turn.note(StationNote.NOT_SIGNED, why, self._connector)
        return replace(record, signing=SigningState.UNSIGNED)

    def _keep_late(self, record: TransactionRecord, answer: SigningAnswered, turn: Turn) -> None:
        self._late = None
        if answer.done:
            turn.record(SaveTransaction(_signed(record, answer)))
            turn.note(StationNote.SIGNED_LATE, f"transaction {record.id}", self._connector)


def _signed(record: TransactionRecord, answer: SigningAnswered) -> TransactionRecord:
    value = SignedValue(answer.data, answer.encoding, answer.public_key)
    return replace(record, signing=SigningState.SIGNED, signed=value)
