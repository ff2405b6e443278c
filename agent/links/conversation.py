"""The talk with one upstream: what comes in, what goes out, and in which order. Pure: the task has the socket.

Theory of operation
-------------------
One own call is in flight at a time (`Rpc`). When the line is free, the next call is chosen in this order: the boot,
questions about cards (a driver waits), statuses, the heartbeat, then the head of the outbox, so that no queue of a week
keeps a driver or a status waiting. Calls of the peer are answered at once, whatever is in flight.

The verbs are those of a core without I/O: `connected`, `receive`, `tell`, `head`, `advance`, `disconnected` take what
happens; then the task carries `output` away, closes the link if `fault` says so, and sleeps until `next_deadline`. A
conversation outlives its connections: registration, statuses, answers and the head of the outbox are remembered;
questions and commands are not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, assert_never

from agent.links.commands import PeerCalls
from agent.links.delivery import Delivery
from agent.links.output import Output
from agent.links.questions import Questions
from agent.ocpp.dialect import Dialect
from agent.ocpp.exchange import Status, Unusable
from agent.ocpp.registration import Gate, RegistrationState
from agent.ocpp.rpc import Answered, AnswerMemory, Asked, Dropped, Late, Reply, Rpc, TimedOut
from agent.ocpp.wire import CallError, CallResult
from agent.vocabulary.effects import Answer, Ask, Effect, Publish
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import Registration, UpstreamChanged
from agent.vocabulary.options import UpstreamOptions
from agent.vocabulary.outbox import OutboxRow
from agent.vocabulary.records import Verdict

SILENT_TIME_OUTS: Final = 2
"""Time-outs in a row with nothing heard after which the link counts as dead."""


@dataclass(frozen=True, slots=True)
class _Boot:
    """Why a call was sent: each purpose says what its answer means."""


@dataclass(frozen=True, slots=True)
class _Question:
    ask: Ask


@dataclass(frozen=True, slots=True)
class _Told:
    status: Status


@dataclass(frozen=True, slots=True)
class _Beat:
    pass


@dataclass(frozen=True, slots=True)
class _Delivered:
    message_id: str


_Purpose = _Boot | _Question | _Told | _Beat | _Delivered


class Conversation:
    """One upstream's talk. `options` and `offset_ms` (of the wall clock) are asked whenever they matter."""

    def __init__(
        self,
        upstream: UpstreamId,
        dialect: Dialect,
        options: Callable[[], UpstreamOptions],
        offset_ms: Callable[[], int | None],
        new_id: Callable[[], str],
    ) -> None:
        self.output = Output(upstream)
        self.fault: str | None = None
        """Why this link should be closed and dialled anew."""
        self.proven = False
        """A call was answered on this connection."""
        self._upstream = upstream
        self._dialect = dialect
        self._options = options
        self._offset_ms = offset_ms
        self._new_id = new_id
        self._memory = AnswerMemory()
        self._rpc: Rpc | None = None
        self._registration = RegistrationState()
        self._statuses = dialect.status_board()
        self._questions = Questions(self.output.inputs.append)
        self._peer_calls = PeerCalls(dialect, self._registration, self.output)
        self._delivery = Delivery(upstream, dialect, self.output.inputs.append)
        self._purpose: _Purpose | None = None
        self._late_purpose: _Purpose | None = None
        self._silences = 0

    def connected(self, now_ms: int) -> None:
        """A link is up."""
        self._rpc = Rpc(self._memory)
        self._purpose = self._late_purpose = None
        self._silences, self.fault, self.proven = 0, None, False
        self.output.new_link()
        self._delivery.new_link()
        self._registration.connected(now_ms, self._options().boot_on_reconnect)
        if self._registration.accepted:
            self._statuses.listen(now_ms, all_of_them=False)
        self._report(True)
        self.advance(now_ms)

    def disconnected(self) -> None:
        """The link is gone: what only made sense on it is dropped."""
        self._rpc = None
        self.output.new_link()
        self._registration.disconnected()
        self._statuses.stop_listening()
        self._questions.give_up()
        self._peer_calls.forget()
        self._report(False)

    def receive(self, data: str | bytes, now_ms: int) -> None:
        """A message came."""
        if self._rpc is None:
            return
        self._memory.advance(now_ms)
        received = self._rpc.receive(data)
        match received:
            case Asked(call):
                self._silences = 0
                self._peer_calls.asked(call, self._rpc, now_ms)
            case Answered(answer):
                self.proven, self._silences = True, 0
                self._registration.exchanged(now_ms)
                self._delivery.link_proved(now_ms)
                self._answered(self._purpose, answer, now_ms)
            case Late(answer):
                self._late(answer, now_ms)
            case Reply(text, why):
                if self._registration.gate(now_ms) is not Gate.SILENT:
                    self.output.texts.append(text)
                self.output.note_rarely("frame_answered", why)
            case Dropped(why):
                self.output.note_rarely("frame_dropped", why)
            case _:
                assert_never(received)
        self.advance(now_ms)

    def tell(self, effect: Effect, now_ms: int) -> None:
        """An effect of the station for this upstream; `OptionsChanged` only asks for a fresh look."""
        match effect:
            case Ask():
                self._questions.asked(effect, now_ms, self._registration.accepted)
            case Answer():
                self._peer_calls.answered(effect, self._rpc, now_ms)
            case Publish(_, event):
                self._statuses.seen(event.condition)
        self.advance(now_ms)

    def head(self, row: OutboxRow | None, now_ms: int) -> None:
        """The head of the outbox as the store shows it."""
        self._delivery.head(row)
        self.advance(now_ms)

    def advance(self, now_ms: int) -> None:
        """Let time pass: deadlines, dampings, and the next own call if the line is free. Safe to call at any time."""
        self._questions.expire(now_ms)
        self._peer_calls.expire(self._rpc, now_ms)
        self._statuses.advance(now_ms, self._options().minimum_status_duration_s)
        if self._rpc is None:
            return
        timed_out = self._rpc.expire(now_ms)
        if timed_out is not None:
            self._timed_out(timed_out, now_ms)
        if self._rpc.in_flight is None and self.fault is None:
            self._send_next(self._rpc, now_ms)

    def next_deadline(self) -> int | None:
        """When `advance` is wanted, in monotonic milliseconds; None: only when something happens."""
        free = self._rpc is not None and self._rpc.in_flight is None
        times = [
            self._questions.next_deadline(),
            self._peer_calls.next_deadline(),
            self._statuses.next_deadline(self._options().minimum_status_duration_s),
            self._rpc.next_deadline() if self._rpc else None,
            self._registration.next_deadline() if free else None,
            self._delivery.next_deadline() if free and self._registration.accepted else None,
        ]
        return min((time for time in times if time is not None), default=None)

    def _send_next(self, rpc: Rpc, now_ms: int) -> None:
        chosen = self._choose(now_ms)
        if chosen is None:
            return
        message_id, text, self._purpose = chosen
        rpc.send(message_id, now_ms, 1000 * self._options().message_timeout_s)
        self.output.texts.append(text)

    def _choose(self, now_ms: int) -> tuple[str, str, _Purpose] | None:
        """The order of the theory above."""
        if self._registration.boot_due(now_ms):
            message_id = self._new_id()
            return message_id, self._dialect.boot(message_id), _Boot()
        if not self._registration.accepted:
            return None
        ask = self._questions.next()
        if ask is not None:
            self._questions.sent(ask)
            message_id = self._new_id()
            return message_id, self._dialect.authorize(ask.token, message_id), _Question(ask)
        status = self._statuses.peek()
        if status is not None:
            self._statuses.taken(status)
            message_id = self._new_id()
            return message_id, self._dialect.status(status, message_id, self._offset_ms()), _Told(status)
        row = self._delivery.due(now_ms)
        if self._registration.heartbeat_due(now_ms) or (row is not None and self._delivery.needs_proof):
            self._registration.beaten(now_ms)
            message_id = self._new_id()
            return message_id, self._dialect.heartbeat(message_id), _Beat()
        if row is not None and row.frame is not None:
            return row.message_id, row.frame, _Delivered(row.message_id)
        return None

    def _answered(self, purpose: _Purpose | None, answer: CallResult | CallError, now_ms: int) -> None:
        match purpose:
            case _Boot():
                self._booted(answer, now_ms)
            case _Question(ask):
                self._questions.answered(ask, self._verdict(answer))
            case _Told(status):
                self._statuses.confirmed(status)
            case _Beat():
                if isinstance(answer, CallResult):
                    self._offer_time(self._dialect.read_wall_time(answer.payload))
            case _Delivered(message_id) if message_id == self._delivery.message_id:
                self._delivery.answered(answer, self._options(), now_ms)
            case _Delivered() | None:
                pass
            case _:
                assert_never(purpose)

    def _late(self, answer: CallResult | CallError, now_ms: int) -> None:
        """A late acceptance of a boot or of the head still counts; other late answers find nobody."""
        self._silences = 0
        if isinstance(answer, CallResult) and isinstance(self._late_purpose, _Boot | _Delivered):
            self._answered(self._late_purpose, answer, now_ms)
        else:
            self.output.note_rarely("frame_dropped", "an answer that came too late")

    def _timed_out(self, timed_out: TimedOut, now_ms: int) -> None:
        """A transaction message that met silence for the first time does not count: the link is at fault."""
        purpose, self._purpose = self._purpose, None
        self._late_purpose = purpose
        self._silences = self._silences + 1 if timed_out.silent else 0
        self.output.note_rarely("call_unanswered", "a call of the station was not answered in time")
        match purpose:
            case _Boot():
                self._registration.boot_failed(now_ms)
            case _Question(ask):
                self._questions.answered(ask, None)
            case _Delivered() if not self._delivery.unanswered(timed_out.silent, self._options(), now_ms):
                self.fault = "a transaction message was not answered, and nothing else came"
        if self._silences >= SILENT_TIME_OUTS:
            self.fault = "nothing comes from the peer"

    def _booted(self, answer: CallResult | CallError, now_ms: int) -> None:
        try:
            if isinstance(answer, CallError):
                raise Unusable(f"CALLERROR {answer.code[:40]!a}")
            boot = self._dialect.read_boot(answer.payload)
        except Unusable as unusable:
            self._registration.boot_failed(now_ms)
            self.output.note("boot_failed", str(unusable))
            return
        self._registration.boot_answered(boot.status, boot.interval_s, self._options().heartbeat_interval_s, now_ms)
        self._offer_time(boot.wall_ms)
        if boot.status is Registration.ACCEPTED:
            self._statuses.listen(now_ms, all_of_them=True)
        self.output.note("registration", f"{boot.status.value}, interval {boot.interval_s} s")
        self._report(True)

    def _verdict(self, answer: CallResult | CallError) -> Verdict | None:
        if isinstance(answer, CallError):
            return None
        try:
            return self._dialect.read_authorize(answer.payload)
        except Unusable:
            return None

    def _offer_time(self, wall_ms: int | None) -> None:
        if wall_ms is not None:
            self.output.times.append(wall_ms)

    def _report(self, connected: bool) -> None:
        self.output.inputs.append(UpstreamChanged(self._upstream, connected, self._registration.registration))
