"""Remote procedure calls of one connection: who asked what, and which frame answers it. Pure; times are passed in.

Theory of operation
-------------------
At most one own CALL is in flight (OCPP-J 1.6 4.1.1); calls of the peer cross it freely and are answered at once. An
answer counts once, and only for the call in flight; the answer to one of the last own calls that timed out, or whose
link was cut, is told as `Late`, any other is told as `Dropped`. A CALL whose id was answered before gets the very same
answer again and is not executed a second time; that memory outlives the connection, since ids are unique over all
connections (errata). There are peers that count from one on every connection all the same: an answer is only remembered
for as long as a peer may repeat its call, and the same id with another call is refused on the same connection only.

Verbs: `send` an own call, `receive` what came, `answer` a call of the peer, `expire` what timed out.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from agent.ocpp.wire import Call, CallError, CallResult, ErrorCode, Unreadable, read, write

REMEMBERED_ANSWERS: Final = 64
REMEMBERED_MS: Final = 300_000
REMEMBERED_CALLS: Final = 16
"""Own calls without an answer whose answer may still come."""
OPEN_CALLS: Final = 16
"""Calls of the peer that may wait for their answer at the same time."""

_ordered: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Asked:
    """The peer calls; exactly one `Rpc.answer` must follow (or none at all, if the registration forbids it)."""

    call: Call


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to the own call in flight."""

    answer: CallResult | CallError


@dataclass(frozen=True, slots=True)
class Late:
    """The answer to an own call that got none in time or on its link; the caller decides whether it still matters."""

    answer: CallResult | CallError


@dataclass(frozen=True, slots=True)
class Reply:
    """A text to send as it is: a repeated answer, or a CALLERROR for what cannot be understood."""

    text: str
    why: str
    invalid: bool = False
    """What came is no OCPP message."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """Nothing to do but to count it."""

    why: str
    invalid: bool = False
    """What came is no OCPP message."""


Received = Asked | Answered | Late | Reply | Dropped


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The own call in flight got no answer. `silent`: no CALL, CALLRESULT or CALLERROR came since it was sent."""

    message_id: str
    silent: bool


@dataclass(frozen=True, slots=True)
class Remembered:
    """A call of the peer, by its fingerprint (it may hold a password or a card), and the answer it got."""

    call: bytes
    text: str
    connection: int
    at_ms: int


class AnswerMemory:
    """What outlives the connections of one upstream, bounded in number and age: the last answers given to the peer by
    message id, and the ids of the last own calls that got no answer."""

    def __init__(self, limit: int = REMEMBERED_ANSWERS) -> None:
        self.connection = 0
        """The present one; every `Rpc` is one."""
        self._limit = limit
        self._now_ms = 0
        self._answers: OrderedDict[str, Remembered] = OrderedDict()
        self._unanswered: OrderedDict[str, None] = OrderedDict()

    def advance(self, now_ms: int) -> None:
        """Forget what is too old to be repeated."""
        self._now_ms = now_ms
        while self._answers and next(iter(self._answers.values())).at_ms <= now_ms - REMEMBERED_MS:
            self._answers.popitem(last=False)

    def remember(self, call: Call, text: str) -> None:
        """Keep the answer, at the price of the oldest."""
        self._answers.pop(call.message_id, None)
        self._answers[call.message_id] = Remembered(_fingerprint(call), text, self.connection, self._now_ms)
        while len(self._answers) > self._limit:
            self._answers.popitem(last=False)

    def find(self, message_id: str) -> Remembered | None:
        """The call of that id and the answer it got, if still known."""
        return self._answers.get(message_id)

    def expect(self, message_id: str) -> None:
        """An own call went out."""
        self._unanswered[message_id] = None
        self._unanswered.move_to_end(message_id)
        while len(self._unanswered) > REMEMBERED_CALLS:
            self._unanswered.popitem(last=False)

    def settle(self, message_id: str) -> bool:
        """An answer came. True if it is the first one to a call of ours."""
        known = message_id in self._unanswered
        self._unanswered.pop(message_id, None)
        return known


@dataclass(slots=True)
class _Flight:
    message_id: str
    sent_ms: int
    deadline_ms: int
    heard: bool = False


class Rpc:
    """One connection. Used by one task; raises RuntimeError when a second own call is sent before the first ended."""

    def __init__(self, memory: AnswerMemory) -> None:
        self._memory = memory
        memory.connection += 1
        self._flight: _Flight | None = None
        self._open: dict[str, Call] = {}

    @property
    def in_flight(self) -> str | None:
        """Message id of the own call that waits for its answer."""
        return self._flight.message_id if self._flight else None

    def next_deadline(self) -> int | None:
        """Monotonic milliseconds at which `expire` has something to say."""
        return self._flight.deadline_ms if self._flight else None

    def send(self, message_id: str, now_ms: int, timeout_ms: int) -> None:
        """An own call goes out now."""
        if self._flight is not None:
            raise RuntimeError("one own call at a time")
        self._flight = _Flight(message_id, now_ms, now_ms + timeout_ms)
        self._memory.expect(message_id)

    def set_timeout(self, timeout_ms: int) -> None:
        """Another time-out counts from now on, for the call in flight too."""
        if self._flight is not None:
            self._flight.deadline_ms = self._flight.sent_ms + timeout_ms

    def expire(self, now_ms: int) -> TimedOut | None:
        """The time-out of the own call, once it has come."""
        flight = self._flight
        if flight is None or now_ms < flight.deadline_ms:
            return None
        self._flight = None
        return TimedOut(flight.message_id, silent=not flight.heard)

    def receive(self, data: str | bytes) -> Received:
        """What a WebSocket message means; total over all input."""
        frame = read(data)
        if isinstance(frame, Unreadable):
            return self._unreadable(frame)
        if self._flight is not None:
            self._flight.heard = True
        return self._asked(frame) if isinstance(frame, Call) else self._answered(frame)

    def answer(self, answer: CallResult | CallError) -> str | None:
        """The text that answers an open call, remembered for repeats; None if no such call is open any more."""
        call = self._open.pop(answer.message_id, None)
        if call is None:
            return None
        text = write(answer)
        self._memory.remember(call, text)
        return text

    def forget(self, message_id: str) -> None:
        """The call will not be answered (not registered: OCPP 1.6 4.2)."""
        self._open.pop(message_id, None)

    def _unreadable(self, frame: Unreadable) -> Received:
        """Answered only where an id can be read and no own or open call could be confused with it."""
        if frame.message_id is None or frame.message_id in self._open:
            return Dropped(frame.why, invalid=not frame.ignorable)
        return Reply(write(CallError(frame.message_id, frame.code.value, frame.why)), frame.why, invalid=True)

    def _asked(self, call: Call) -> Received:
        if call.message_id in self._open:
            return Dropped("a call whose first copy is still being answered")
        known = self._memory.find(call.message_id)
        if known is not None:
            same = known.call == _fingerprint(call)
            if same or known.connection == self._memory.connection:
                return self._repeated(call, known, same)
        if len(self._open) >= OPEN_CALLS:
            error = CallError(call.message_id, ErrorCode.GENERIC_ERROR.value, "too many calls wait for their answer")
            return Reply(write(error), error.description)
        self._open[call.message_id] = call
        return Asked(call)

    @staticmethod
    def _repeated(call: Call, known: Remembered, same: bool) -> Received:
        if same:
            return Reply(known.text, "a repeated call gets the answer it got before")
        error = CallError(call.message_id, ErrorCode.GENERIC_ERROR.value, "the message id was used for another call")
        return Reply(write(error), error.description)

    def _answered(self, answer: CallResult | CallError) -> Received:
        known = self._memory.settle(answer.message_id)
        if self._flight is not None and self._flight.message_id == answer.message_id:
            self._flight = None
            return Answered(answer)
        return Late(answer) if known else Dropped("an answer to no call of ours")


def _fingerprint(call: Call) -> bytes:
    """Equal for equal calls, whatever the order of their fields."""
    return hashlib.blake2b(_ordered([call.action, call.payload]).encode(), digest_size=16).digest()
