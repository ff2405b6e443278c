"""Calls of the peer: answered at once where no station is needed, else numbered until the station answers. Pure.

What the registration forbids is Rejected or not answered at all (OCPP 1.6 4.2). A command that the station does not
answer in time gets a CALLERROR; one whose link is gone is forgotten, since its answer would reach nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent.links.output import Output
from agent.ocpp.dialect import Dialect
from agent.ocpp.exchange import Parsed, Ready, Refusal
from agent.ocpp.registration import Gate, RegistrationState
from agent.ocpp.rpc import Rpc
from agent.ocpp.wire import Call, CallError, CallResult, ErrorCode
from agent.vocabulary.commands import Command, RenewCertificate, ResultStatus, SetOption
from agent.vocabulary.effects import Answer
from agent.vocabulary.inputs import CommandReceived

ANSWER_DEADLINE_MS: Final = 20_000
"""Shorter than the 30 s that peers wait, so that a station whose disk refuses to write still answers in time."""


@dataclass(frozen=True, slots=True)
class _Open:
    call: Call
    command: Command
    deadline_ms: int


class PeerCalls:
    """The calls of one upstream, over all its connections. Numbers are never used twice."""

    def __init__(
        self,
        dialect: Dialect,
        registration: RegistrationState,
        output: Output,
        signing_asked_for: Callable[[], None] = lambda: None,
    ) -> None:
        """`signing_asked_for` is called when the peer may expect a certificate request."""
        self._signing_asked_for = signing_asked_for
        self._dialect = dialect
        self._registration = registration
        self._output = output
        self._last = 0
        self._open: dict[int, _Open] = {}

    @property
    def busy(self) -> bool:
        """A call of the peer waits for its answer."""
        return bool(self._open)

    def asked(self, call: Call, rpc: Rpc, now_ms: int) -> None:
        """A call came."""
        gate = self._registration.gate(now_ms)
        if gate is Gate.SILENT:
            rpc.forget(call.message_id)
            self._output.note_rarely("call_unanswered", "a call came while this upstream has rejected the station")
            return
        parsed = self._parsed(call, registered=gate is Gate.SERVE)
        match parsed:
            case Ready(payload, why):
                self._reply(CallResult(call.message_id, payload), rpc, now_ms)
                self._output.note_rarely("call_refused", f"{call.action[:40]}: {why}")
            case Refusal(code, why):
                self._reply(CallError(call.message_id, code.value, why), rpc, now_ms)
                self._output.note_rarely("call_refused", f"{call.action[:40]!a}: {why}")
            case _:
                self._last += 1
                self._open[self._last] = _Open(call, parsed, now_ms + ANSWER_DEADLINE_MS)
                self._output.inputs.append(CommandReceived(self._output.upstream, self._last, parsed))

    def answered(self, effect: Answer, rpc: Rpc | None, now_ms: int) -> None:
        """The station has answered; nobody waits if the call timed out or its link is gone."""
        entry = self._open.pop(effect.call, None)
        if entry is None or rpc is None:
            return
        command, accepted = entry.command, effect.result.status is ResultStatus.ACCEPTED
        if accepted and isinstance(command, SetOption) and command.name == "heartbeat_interval_s":
            self._registration.heartbeat_interval_s = int(str(command.value))
        if accepted and isinstance(command, RenewCertificate):
            self._signing_asked_for()
        said = self._dialect.answer(entry.call, effect.result, self._registration.heartbeat_interval_s)
        key = entry.call.message_id
        reply = CallError(key, said.code.value, said.why) if isinstance(said, Refusal) else CallResult(key, said)
        self._reply(reply, rpc, now_ms)

    def expire(self, rpc: Rpc | None, now_ms: int) -> None:
        """Answer the calls that waited too long."""
        for number in [number for number, entry in self._open.items() if entry.deadline_ms <= now_ms]:
            call = self._open.pop(number).call
            error = CallError(call.message_id, ErrorCode.INTERNAL_ERROR.value, "the station did not decide in time")
            if rpc is not None:
                self._reply(error, rpc, now_ms)
            self._output.note("call_timed_out", f"{call.action} was not decided in time")

    def forget(self) -> None:
        """The link is gone."""
        self._open.clear()

    def next_deadline(self) -> int | None:
        """When `expire` is wanted, in monotonic milliseconds."""
        return min((entry.deadline_ms for entry in self._open.values()), default=None)

    def _parsed(self, call: Call, registered: bool) -> Parsed:
        """A mistake of ours in one parser costs that call, not the link."""
        try:
            return self._dialect.parse(call, registered)
        except Exception as mistake:
            self._output.note("upstream_bug", f"parsing {call.action[:40]!a}: {type(mistake).__name__}")
            return Refusal(ErrorCode.INTERNAL_ERROR, "internal error")

    def _reply(self, answer: CallResult | CallError, rpc: Rpc, now_ms: int) -> None:
        text = rpc.answer(answer)
        if text is not None:
            self._output.texts.append(text)
            self._registration.exchanged(now_ms)
