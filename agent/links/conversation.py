"""The talk with one upstream: what comes in, what goes out, and when it ends. Pure: the task has the socket.

Theory of operation
-------------------
One own call is in flight at a time (`Rpc`). When the line is free, the next one is chosen by `OwnCalls`. Calls of the
peer are answered at once, whatever is in flight.

The verbs are those of a core without I/O: `connected`, `receive`, `tell`, `head`, `advance`, `disconnected` take what
happens; then the task carries `output` away, closes the link if `fault` says so, and sleeps until `next_deadline`. A
conversation outlives its connections: registration, statuses, answers and the heads of the queues are remembered;
questions and commands are not. Of the own calls without an answer the last few are, since theirs may still come.

A wish to dial anew (`Reconnect`) waits, for a few seconds, until nothing is under way in either direction.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, assert_never

from agent.links.allowance import ANSWER_UNITS, CALL_UNITS
from agent.links.commands import PeerCalls
from agent.links.output import Output
from agent.links.own_calls import OwnCalls
from agent.links.purposes import Delivered, Noticed, OwnCall
from agent.ocpp.dialect import Dialect
from agent.ocpp.registration import Gate, RegistrationState
from agent.ocpp.rpc import REMEMBERED_CALLS, Answered, AnswerMemory, Asked, Dropped, Late, Reply, Rpc
from agent.ocpp.wire import CallError, CallResult
from agent.vocabulary.effects import (
    Answer,
    Ask,
    Effect,
    OptionsChanged,
    Publish,
    Reconnect,
    RequestCertificate,
    SendNow,
    TellUpload,
)
from agent.vocabulary.firmware_effects import TellFirmware
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import SecurityEventSeen, UpstreamChanged, UpstreamHeard
from agent.vocabulary.options import UpstreamOptions
from agent.vocabulary.outbox import NoticeRow, OutboxRow
from agent.vocabulary.security import SecurityEventKind

SILENT_TIME_OUTS: Final = 2
"""Time-outs in a row with nothing heard after which the link counts as dead."""
PARTING_MS: Final = 5_000
"""What is under way when the link is to be dialled anew has this long to end."""
HEARD_EVERY_MS: Final = 1_000
"""While an upstream has a lease for its limits, the station is told so often at most that it was heard."""
INVALID_EVERY_MS: Final = 60_000
"""A peer that sends nonsense is told to the security log so often at most."""


class Conversation:
    """One upstream's talk.

    `options`, `offset_ms` (of the wall clock) and `rows_to_come` (as of `OwnCalls`) are asked whenever they matter.
    """

    def __init__(
        self,
        upstream: UpstreamId,
        dialect: Dialect,
        options: Callable[[], UpstreamOptions],
        offset_ms: Callable[[], int | None],
        new_id: Callable[[], str],
        rows_to_come: Callable[[], bool] = lambda: False,
    ) -> None:
        self.output = Output(upstream)
        self.fault: str | None = None
        """Why this link should be closed and dialled anew."""
        self.silent = False
        """The fault is that nothing at all comes: a ping shows whether anybody is there."""
        self.proven = False
        """The station is registered, and a call was answered on this connection."""
        self._upstream = upstream
        self._options = options
        self._memory = AnswerMemory()
        self._rpc: Rpc | None = None
        self._registration = RegistrationState()
        self._own = OwnCalls(dialect, self._registration, self.output, options, offset_ms, new_id, rows_to_come)
        self._peer_calls = PeerCalls(dialect, self._registration, self.output, self._own.signing.asked_for)
        self._in_flight: OwnCall | None = None
        self._unanswered: OrderedDict[str, OwnCall] = OrderedDict()
        self._silences = 0
        self._parting: tuple[str, int] | None = None
        """Why the link is to be dialled anew, and until when that waits at most."""
        self._invalid_ms: int | None = None
        self._heard_ms = 0

    def connected(self, now_ms: int) -> None:
        """A link is up."""
        self._rpc = Rpc(self._memory)
        self._silences, self.fault, self.silent, self.proven = 0, None, False, False
        self._parting = self._invalid_ms = None
        self.output.new_link()
        self._own.connected(now_ms)
        self._report(True)
        self.advance(now_ms)

    def disconnected(self, now_ms: int, code: int | None = None) -> None:
        """The link is gone, closed with `code` or cut: what only made sense on it is dropped."""
        self._rpc = None
        self.output.new_link()
        call, self._in_flight = self._in_flight, None
        self._own.disconnected(call, code, now_ms)
        lasting = {key: call for key, call in self._unanswered.items() if isinstance(call.purpose, Delivered | Noticed)}
        self._unanswered = OrderedDict(lasting)
        self._peer_calls.forget()
        self._report(False)

    def receive(self, data: str | bytes, now_ms: int) -> int:
        """A message came; returns what it costs the peer beyond its frame (see `agent.links.allowance`)."""
        if self._rpc is None:
            return 0
        self._memory.advance(now_ms)
        received = self._rpc.receive(data)
        match received:
            case Asked(call):
                self._silences = 0
                self._peer_calls.asked(call, self._rpc, now_ms)
            case Answered(answer):
                self._answered(answer, now_ms)
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
        if isinstance(received, Reply | Dropped) and received.invalid:
            self._invalid(received.why, now_ms)
        if isinstance(received, Asked | Answered | Late):
            self._heard(now_ms)
        self.advance(now_ms)
        return CALL_UNITS if isinstance(received, Asked) else ANSWER_UNITS if isinstance(received, Answered) else 0

    def tell(self, effect: Effect, now_ms: int) -> None:
        """An effect of the station for this upstream."""
        match effect:
            case Ask():
                self._own.questions.asked(effect, now_ms, self._registration.accepted)
            case Answer():
                self._peer_calls.answered(effect, self._rpc, now_ms)
            case Publish(_, event):
                self._own.statuses.seen(event.condition)
            case RequestCertificate(_, csr_pem):
                self._own.signing.wanted(csr_pem, connected=self._rpc is not None)
            case SendNow() if self._rpc is not None:
                self._own.triggered.wanted(effect)
            case TellUpload() | TellFirmware():
                self._own.reports.wanted(effect, connected=self._rpc is not None)
            case Reconnect(_, why) if self._rpc is not None:
                self._parting = (why, now_ms + PARTING_MS)
            case OptionsChanged():
                self._options_changed()
        self.advance(now_ms)

    def head(self, row: OutboxRow | None, now_ms: int) -> None:
        """The head of the outbox as the store shows it."""
        self._own.delivery.head(row)
        self.advance(now_ms)

    def notice(self, row: NoticeRow | None, now_ms: int) -> None:
        """The head of the queue of security events as the store shows it."""
        self._own.notices.head(row)
        self.advance(now_ms)

    def advance(self, now_ms: int) -> None:
        """Let time pass: deadlines, dampings, and the next own call if the line is free. Safe to call at any time."""
        self._own.advance(now_ms)
        self._peer_calls.expire(self._rpc, now_ms)
        if self._rpc is None:
            return
        self._expire(self._rpc, now_ms)
        self._part(self._rpc, now_ms)
        if self._rpc.in_flight is None and self.fault is None and self._parting is None:
            self._send_next(self._rpc, now_ms)

    def next_deadline(self) -> int | None:
        """When `advance` is wanted, in monotonic milliseconds; None: only when something happens."""
        free = self._rpc is not None and self._rpc.in_flight is None and self._parting is None
        times = [
            self._own.next_deadline(free),
            self._peer_calls.next_deadline(),
            self._rpc.next_deadline() if self._rpc else None,
            self._parting[1] if self._rpc and self._parting and self.fault is None else None,
        ]
        return min((time for time in times if time is not None), default=None)

    def _send_next(self, rpc: Rpc, now_ms: int) -> None:
        call = self._own.next(now_ms)
        if call is None:
            return
        self._in_flight = self._unanswered[call.message_id] = call
        self._unanswered.move_to_end(call.message_id)
        while len(self._unanswered) > REMEMBERED_CALLS:
            self._unanswered.popitem(last=False)
        rpc.send(call.message_id, now_ms, 1000 * self._options().message_timeout_s)
        self.output.texts.append(call.text)

    def _answered(self, answer: CallResult | CallError, now_ms: int) -> None:
        self._silences = 0
        call, self._in_flight = self._in_flight, None
        self._unanswered.pop(answer.message_id, None)
        if call is not None:
            self._own.answered(call, answer, now_ms)
        self.proven = self.proven or self._registration.accepted

    def _late(self, answer: CallResult | CallError, now_ms: int) -> None:
        """Of use for a boot, a notice or a row; other late answers find nobody."""
        self._silences = 0
        call = self._unanswered.pop(answer.message_id, None)
        if call is None or not self._own.late(call, answer, now_ms):
            self.output.note_rarely("frame_dropped", "an answer that came too late")

    def _expire(self, rpc: Rpc, now_ms: int) -> None:
        timed_out = rpc.expire(now_ms)
        if timed_out is None:
            return
        call, self._in_flight = self._in_flight, None
        self._silences = self._silences + 1 if timed_out.silent else 0
        self.output.note_rarely("call_unanswered", "a call of the station was not answered in time")
        if call is not None and self._own.timed_out(call, timed_out.silent, now_ms):
            self.fault, self.silent = "a transaction message was not answered, and nothing else came", True
        if self._silences >= SILENT_TIME_OUTS:
            self.fault, self.silent = "nothing comes from the peer", True

    def _part(self, rpc: Rpc, now_ms: int) -> None:
        """Close for a new dial once nothing is under way, or that has taken long enough."""
        if self._parting is None or self.fault is not None:
            return
        why, until_ms = self._parting
        if now_ms >= until_ms or (rpc.in_flight is None and not self._peer_calls.busy):
            self.fault = why

    def _options_changed(self) -> None:
        if self._rpc is not None:
            self._rpc.set_timeout(1000 * self._options().message_timeout_s)
        if self._in_flight is None or not isinstance(self._in_flight.purpose, Delivered):
            self._own.delivery.options_changed()

    def _heard(self, now_ms: int) -> None:
        """The limits of this upstream hang on its voice: the station is told, now and then."""
        due_ms = self._heard_ms + HEARD_EVERY_MS
        if self._options().limit_lease_s and (self._heard_ms == 0 or now_ms >= due_ms):
            self._heard_ms = now_ms
            self.output.inputs.append(UpstreamHeard(self._upstream))

    def _invalid(self, why: str, now_ms: int) -> None:
        if self._invalid_ms is not None and now_ms < self._invalid_ms + INVALID_EVERY_MS:
            return
        self._invalid_ms = now_ms
        self.output.inputs.append(SecurityEventSeen(SecurityEventKind.INVALID_MESSAGES, why, self._upstream))

    def _report(self, connected: bool) -> None:
        self.output.inputs.append(UpstreamChanged(self._upstream, connected, self._registration.registration))
