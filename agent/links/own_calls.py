"""Own calls of one upstream: which comes next, and what its answer, its silence or its loss mean. Pure.

Theory of operation
-------------------
The order: the boot, questions about cards (a driver waits) and a certificate to be signed, statuses, the heartbeat,
security events, then the head of the outbox, so that no queue of a week keeps a driver or a status waiting. Before the
registration is accepted only the boot goes out, and what the peer itself asked for (OCPP 1.6 4.2). What it asked for
comes right behind the statuses that are due: a status on demand is not followed by an older one.

A row that is fresh goes before the statuses, while the queue was empty until now: a stop comes before the `Available`
that follows from it. What the store has just been given but not shown yet is waited for.

A time that took long to come is not believed: the clock would be late by as much.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, assert_never

from agent.links.delivery import Delivery
from agent.links.notices import NoticeDelivery
from agent.links.output import Output
from agent.links.purposes import (
    Beat,
    Boot,
    Delivered,
    Noticed,
    OwnCall,
    Purpose,
    Question,
    Reported,
    SigningWanted,
    Told,
    Triggered,
)
from agent.links.questions import Questions
from agent.links.reports import Reports
from agent.links.signing import Signing
from agent.links.triggered import TriggeredCalls
from agent.ocpp.dialect import Dialect
from agent.ocpp.exchange import Status, Unusable
from agent.ocpp.registration import RegistrationState
from agent.ocpp.wire import CallError, CallResult
from agent.vocabulary.inputs import Registration, UpstreamChanged
from agent.vocabulary.options import UpstreamOptions
from agent.vocabulary.records import Verdict

BELIEVED_ROUND_TRIP_MS: Final = 10_000
STATUS_CUTS: Final = 3
"""A status at which the link was lost so often in a row is not told again."""

Answer = CallResult | CallError


class OwnCalls:
    """What one upstream is to be told. Outlives connections; the conversation tells it what happens on each."""

    def __init__(
        self,
        dialect: Dialect,
        registration: RegistrationState,
        output: Output,
        options: Callable[[], UpstreamOptions],
        offset_ms: Callable[[], int | None],
        new_id: Callable[[], str],
        rows_to_come: Callable[[], bool] = lambda: False,
    ) -> None:
        """`rows_to_come`: the queue of rows has changed and is being looked at."""
        self.statuses = dialect.status_board()
        self.questions = Questions(output.inputs.append)
        self.signing = Signing(output)
        self.triggered = TriggeredCalls(dialect, self.statuses, offset_ms, new_id)
        self.reports = Reports(dialect, new_id, output.inputs.append)
        self.notices = NoticeDelivery(output.upstream, output.inputs.append)
        self.delivery = Delivery(output.upstream, dialect, options, output.inputs.append)
        self._dialect = dialect
        self._registration = registration
        self._output = output
        self._options = options
        self._offset_ms = offset_ms
        self._new_id = new_id
        self._rows_to_come = rows_to_come
        self._cut_status: Status | None = None
        self._cuts = 0

    def connected(self, now_ms: int) -> None:
        """A link is up."""
        self.delivery.new_link()
        self._registration.connected(now_ms, self._options().boot_on_reconnect)
        if self._registration.accepted:
            self.statuses.listen(now_ms, all_of_them=False)

    def disconnected(self, call: OwnCall | None, code: int | None, now_ms: int) -> None:
        """The link is gone; `call` had no answer yet."""
        self._registration.disconnected()
        self.statuses.stop_listening()
        self.questions.give_up()
        self.signing.give_up()
        self.triggered.give_up()
        self.reports.link_lost(call.purpose.report if call and isinstance(call.purpose, Reported) else None)
        match call.purpose if call else None:
            case Delivered(row):
                self.delivery.cut(row, code, now_ms)
            case Noticed(row):
                self.notices.cut(row.message_id, now_ms)
            case Told(status):
                self._status_cut(status)

    def next(self, now_ms: int) -> OwnCall | None:
        """What goes out now, by the order of the theory above."""
        chosen = self._choose(now_ms)
        return None if chosen is None else OwnCall(*chosen, sent_ms=now_ms)

    def next_deadline(self, line_is_free: bool) -> int | None:
        """When time alone changes something, in monotonic milliseconds."""
        accepted = line_is_free and self._registration.accepted
        times = [
            self.questions.next_deadline(),
            self.statuses.next_deadline(self._options().minimum_status_duration_s),
            self._registration.next_deadline() if line_is_free else None,
            self.delivery.next_deadline() if accepted else None,
            self.notices.next_deadline() if accepted else None,
        ]
        return min((time for time in times if time is not None), default=None)

    def advance(self, now_ms: int) -> None:
        """Let dampings and deadlines pass."""
        self.questions.expire(now_ms)
        self.statuses.advance(now_ms, self._options().minimum_status_duration_s)

    def answered(self, call: OwnCall, answer: Answer, now_ms: int) -> None:
        """The answer came in time."""
        self._registration.exchanged(now_ms)
        self.delivery.link_proved(now_ms)
        self._take(call, answer, now_ms)

    def late(self, call: OwnCall, answer: Answer, now_ms: int) -> bool:
        """The answer came after its time: that of a boot, a notice or a row may still count. True if it did."""
        match call.purpose:
            case Delivered(row):
                return self.delivery.late(row, answer, now_ms)
            case Noticed():
                self._take(call, answer, now_ms)
                return True
            case Boot() if isinstance(answer, CallResult) and not self._registration.accepted:
                self._take(call, answer, now_ms)
                return True
        return False

    def timed_out(self, call: OwnCall, silent: bool, now_ms: int) -> bool:
        """No answer in time; `silent`: nor anything else. True: the link is at fault."""
        match call.purpose:
            case Boot():
                self._registration.boot_failed(now_ms)
            case Question(ask):
                self.questions.answered(ask, None)
            case SigningWanted():
                self.signing.answered("not answered in time")
            case Noticed(row):
                self.notices.unanswered(row.message_id, now_ms)
            case Reported(report):
                self.reports.unanswered(report)
            case Delivered(row):
                return not self.delivery.unanswered(row, silent, now_ms)
        return False

    def _choose(self, now_ms: int) -> tuple[str, str, Purpose] | None:
        if self._registration.boot_due(now_ms):
            message_id = self._new_id()
            return message_id, self._dialect.boot(message_id), Boot()
        accepted = self._registration.accepted
        ask = self.questions.next() if accepted else None
        if ask is not None:
            self.questions.sent(ask)
            message_id = self._new_id()
            return message_id, self._dialect.authorize(ask.token, message_id), Question(ask)
        csr_pem = self.signing.take(accepted)
        if csr_pem:
            message_id = self._new_id()
            return message_id, self._dialect.sign_certificate(csr_pem, message_id), SigningWanted()
        return self._choose_unhurried(now_ms) if accepted else self._choose_triggered(now_ms)

    def _choose_unhurried(self, now_ms: int) -> tuple[str, str, Purpose] | None:
        row = self.delivery.due(now_ms)
        if self.delivery.caught_up:
            if row is not None and row.frame is not None:
                return row.message_id, row.frame, Delivered(row)
            if self._rows_to_come():
                return None
        status = self.statuses.peek()
        if status is not None:
            self.statuses.taken(status)
            message_id = self._new_id()
            return message_id, self._dialect.status(status, message_id, self._offset_ms()), Told(status)
        asked_for = self._choose_triggered(now_ms) or self.reports.take()
        if asked_for is not None:
            return asked_for
        if self._registration.heartbeat_due(now_ms):
            return self._beat(now_ms)
        notice = self.notices.due(now_ms)
        if notice is not None and notice.frame is not None:
            return notice.message_id, notice.frame, Noticed(notice)
        if row is None or row.frame is None:
            return None
        return self._beat(now_ms) if self.delivery.needs_proof else (row.message_id, row.frame, Delivered(row))

    def _choose_triggered(self, now_ms: int) -> tuple[str, str, Purpose] | None:
        chosen = self.triggered.take(now_ms)
        if chosen is not None and isinstance(chosen[2], Beat):
            self._registration.beaten(now_ms)
        return chosen

    def _beat(self, now_ms: int) -> tuple[str, str, Purpose]:
        self._registration.beaten(now_ms)
        message_id = self._new_id()
        return message_id, self._dialect.heartbeat(message_id), Beat()

    def _take(self, call: OwnCall, answer: Answer, now_ms: int) -> None:
        match call.purpose:
            case Boot():
                self._booted(call, answer, now_ms)
            case Question(ask):
                self.questions.answered(ask, self._verdict(answer))
            case SigningWanted():
                self.signing.answered(self._signing_outcome(answer))
            case Told(status):
                self.statuses.confirmed(status)
            case Beat():
                if isinstance(answer, CallResult):
                    self._offer_time(self._dialect.read_wall_time(answer.payload), call, now_ms)
            case Noticed(row):
                self.notices.answered(row.message_id)
            case Delivered(row):
                self.delivery.answered(row, answer, now_ms)
            case Reported(report):
                self.reports.answered(report)
            case Triggered():
                """Whatever the peer says to what it wanted: nothing follows."""
            case _:
                assert_never(call.purpose)

    def _booted(self, call: OwnCall, answer: Answer, now_ms: int) -> None:
        try:
            if isinstance(answer, CallError):
                raise Unusable(f"CALLERROR {answer.code[:40]!a}")
            boot = self._dialect.read_boot(answer.payload)
        except Unusable as unusable:
            self._registration.boot_failed(now_ms)
            self._output.note("boot_failed", str(unusable))
            return
        self._registration.boot_answered(boot.status, boot.interval_s, self._options().heartbeat_interval_s, now_ms)
        self._offer_time(boot.wall_ms, call, now_ms)
        if boot.status is Registration.ACCEPTED:
            self.statuses.listen(now_ms, all_of_them=True)
        elif boot.status is Registration.REJECTED:
            self.triggered.give_up()
        self._output.note("registration", f"{boot.status.value}, interval {boot.interval_s} s")
        self._output.inputs.append(UpstreamChanged(self._output.upstream, True, boot.status))

    def _verdict(self, answer: Answer) -> Verdict | None:
        if isinstance(answer, CallError):
            return None
        try:
            return self._dialect.read_authorize(answer.payload)
        except Unusable:
            return None

    def _signing_outcome(self, answer: Answer) -> str:
        if isinstance(answer, CallError):
            return f"CALLERROR {answer.code[:40]!a}"
        return "accepted" if self._dialect.read_sign_certificate(answer.payload) else "rejected"

    def _offer_time(self, wall_ms: int | None, call: OwnCall, now_ms: int) -> None:
        if wall_ms is not None and now_ms - call.sent_ms <= BELIEVED_ROUND_TRIP_MS:
            self._output.times.append(wall_ms)

    def _status_cut(self, status: Status) -> None:
        self._cuts = self._cuts + 1 if status == self._cut_status else 1
        self._cut_status = status
        if self._cuts >= STATUS_CUTS:
            self.statuses.confirmed(status)
            self._output.note("status_given_up", f"the link was lost {self._cuts} times at the same status")
