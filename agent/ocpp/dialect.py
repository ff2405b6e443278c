"""What an OCPP version must be able to do for this agent, and the versions that there are.

A new version is one folder beside `v16/` and one line in `DIALECTS`; a contract test runs over all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from agent.ocpp.exchange import BootAnswer, Parsed, Refusal, RowAnswer, Status
from agent.ocpp.v16.dialect import V16
from agent.ocpp.wire import Call, JsonObject
from agent.vocabulary.commands import Result, TriggerKind
from agent.vocabulary.events import Condition, TransactionEvent
from agent.vocabulary.firmware import FirmwareState
from agent.vocabulary.ids import ConnectorId, IdToken
from agent.vocabulary.options import StationOptions
from agent.vocabulary.outbox import RowKind
from agent.vocabulary.records import Verdict
from agent.vocabulary.security import SecurityEvent
from agent.vocabulary.uploads import UploadState


class Statuses(Protocol):
    """What a peer was told about the connectors, and what it is to be told next."""

    def seen(self, condition: Condition) -> None:
        """The newest condition of a connector."""

    def listen(self, now_ms: int, all_of_them: bool) -> None:
        """The peer listens: after a boot it is told all, else what it does not know."""

    def stop_listening(self) -> None:
        """The link is gone."""

    def advance(self, now_ms: int, minimum_duration_s: int) -> None:
        """Let the dampings pass."""

    def peek(self) -> Status | None:
        """The next status to tell."""

    def taken(self, status: Status) -> None:
        """It is on its way."""

    def present(self, connector: ConnectorId, now_ms: int) -> Status | None:
        """How a connector is now, for who asks; None while nothing is known of it."""

    def confirmed(self, status: Status) -> None:
        """The peer has it."""

    def next_deadline(self, minimum_duration_s: int) -> int | None:
        """When `advance` is wanted again, in monotonic milliseconds."""


class Writes(Protocol):
    """Our calls as the frames of one version."""

    def frame(
        self, event: TransactionEvent, message_id: str, foreign_id: str | None, offset_ms: int | None
    ) -> str | None:
        """The whole CALL for a transaction event; None while it cannot be written. Deterministic."""

    def boot(self, message_id: str) -> str:
        """The registration call."""

    def heartbeat(self, message_id: str) -> str:
        """The sign of life."""

    def status(self, status: Status, message_id: str, offset_ms: int | None) -> str:
        """The status of a connector."""

    def authorize(self, token: IdToken, message_id: str) -> str:
        """The question about a card."""

    def idle(self, what: TriggerKind, message_id: str) -> str:
        """The status of a job (firmware, diagnostics, log) of which none is under way."""

    def security_event(self, event: SecurityEvent, message_id: str, offset_ms: int | None) -> str | None:
        """The whole CALL for a security event; None while its wall time is unknown. Deterministic."""

    def upload(self, what: TriggerKind, state: UploadState, message_id: str) -> str:
        """How far an upload is; `what` names the message."""

    def firmware(self, what: TriggerKind, state: FirmwareState, message_id: str) -> str:
        """How far an update is; `what` names the message."""

    def sign_certificate(self, csr_pem: str, message_id: str) -> str:
        """The request to sign a certificate."""


class Reads(Protocol):
    """Confirmations of our calls, read tolerantly."""

    def read_boot(self, payload: JsonObject) -> BootAnswer:
        """Raises Unusable."""

    def read_wall_time(self, payload: JsonObject) -> int | None:
        """The peer's time, if it can be believed."""

    def read_authorize(self, payload: JsonObject) -> Verdict:
        """Raises Unusable."""

    def read_row(self, kind: RowKind, payload: JsonObject) -> RowAnswer:
        """The answer to a row of the outbox. Raises Unusable for a start that got no id."""

    def read_sign_certificate(self, payload: JsonObject) -> bool:
        """True if the peer will sign."""


class Dialect(Writes, Reads, Protocol):
    """One OCPP version, as the upstream task and the store's renderer see it."""

    subprotocol: str

    def parse(self, call: Call, registered: bool) -> Parsed:
        """A command, a ready answer or a refusal; total over all calls."""

    def answer(self, call: Call, result: Result, heartbeat_interval_s: int) -> JsonObject | Refusal:
        """The confirmation of a call that became a command, or a refusal where its confirmation has no word for one."""

    def retiring(self) -> Dialect:
        """The same for an upstream that is no longer configured: it is told, and may ask for nothing."""

    def status_board(self) -> Statuses:
        """A fresh memory of statuses for one upstream."""


DIALECTS: Final[Mapping[str, Callable[[StationOptions], Dialect]]] = {V16.subprotocol: V16}
"""WebSocket subprotocol to dialect, in order of preference."""
