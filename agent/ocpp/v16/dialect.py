"""OCPP 1.6 in one façade: what an upstream task and the store's renderer need of this version."""

from __future__ import annotations

from agent.ocpp.exchange import BootAnswer, Parsed, Refusal, RowAnswer, Status
from agent.ocpp.v16 import answers, confirmations, firmware, parse, render, triggers, uploads
from agent.ocpp.v16.keys import StationFacts
from agent.ocpp.v16.retiring import parse_retiring
from agent.ocpp.v16.status import StatusBoard
from agent.ocpp.wire import Call, JsonObject, write
from agent.vocabulary.commands import Result, TriggerKind
from agent.vocabulary.events import TransactionEvent
from agent.vocabulary.firmware import FirmwareState
from agent.vocabulary.ids import IdToken
from agent.vocabulary.options import StationOptions
from agent.vocabulary.outbox import RowKind
from agent.vocabulary.records import Verdict
from agent.vocabulary.security import SecurityEvent
from agent.vocabulary.uploads import UploadState


class _Writes:
    """Our calls."""

    def __init__(self, station: StationOptions) -> None:
        self._station = station
        self._facts = StationFacts.of(station)

    def frame(
        self, event: TransactionEvent, message_id: str, foreign_id: str | None, offset_ms: int | None
    ) -> str | None:
        """The CALL that tells a transaction event; None while its wall time or the foreign id is unknown."""
        rendered = render.transaction(event, foreign_id, offset_ms)
        return None if rendered is None else write(Call(message_id, *rendered))

    def boot(self, message_id: str) -> str:
        """BootNotification."""
        return write(Call(message_id, "BootNotification", render.boot(self._station)))

    def heartbeat(self, message_id: str) -> str:
        """Heartbeat."""
        return write(Call(message_id, "Heartbeat"))

    def status(self, status: Status, message_id: str, offset_ms: int | None) -> str:
        """StatusNotification."""
        return write(Call(message_id, "StatusNotification", render.status(status, offset_ms)))

    def authorize(self, token: IdToken, message_id: str) -> str:
        """Authorize."""
        return write(Call(message_id, "Authorize", render.authorize(token)))

    def idle(self, what: TriggerKind, message_id: str) -> str:
        """The status message of a job of which none is under way."""
        return write(Call(message_id, triggers.IDLE_ACTIONS[what], {"status": "Idle"}))

    def security_event(self, event: SecurityEvent, message_id: str, offset_ms: int | None) -> str | None:
        """SecurityEventNotification; None while its wall time is unknown."""
        rendered = render.security_event(event, offset_ms)
        return None if rendered is None else write(Call(message_id, "SecurityEventNotification", rendered))

    def upload(self, what: TriggerKind, state: UploadState, message_id: str) -> str:
        """DiagnosticsStatusNotification or LogStatusNotification."""
        return write(Call(message_id, *uploads.notification(what, state)))

    def firmware(self, what: TriggerKind, state: FirmwareState, message_id: str) -> str:
        """FirmwareStatusNotification or SignedFirmwareStatusNotification."""
        return write(Call(message_id, *firmware.notification(what, state)))

    def sign_certificate(self, csr_pem: str, message_id: str) -> str:
        """SignCertificate."""
        return write(Call(message_id, "SignCertificate", {"csr": csr_pem}))


class _Reads:
    """Their confirmations; nulls are dropped first."""

    def read_boot(self, payload: JsonObject) -> BootAnswer:
        """BootNotification.conf. Raises Unusable."""
        return confirmations.boot(parse.without_nulls(payload))

    def read_wall_time(self, payload: JsonObject) -> int | None:
        """The time in Heartbeat.conf, if it can be believed."""
        return confirmations.wall_time(parse.without_nulls(payload))

    def read_authorize(self, payload: JsonObject) -> Verdict:
        """Authorize.conf. Raises Unusable."""
        return confirmations.authorize(parse.without_nulls(payload))

    def read_row(self, kind: RowKind, payload: JsonObject) -> RowAnswer:
        """The answer to a transaction message. Raises Unusable for a start that got no id."""
        return confirmations.row(kind, parse.without_nulls(payload))

    def read_sign_certificate(self, payload: JsonObject) -> bool:
        """SignCertificate.conf."""
        return payload.get("status") == "Accepted"


class V16(_Writes, _Reads):
    """The dialect of one upstream that speaks OCPP 1.6-J. Equal arguments give equal bytes."""

    subprotocol = "ocpp1.6"

    def __init__(self, station: StationOptions) -> None:
        super().__init__(station)
        self._configuration = answers.Configuration(self._facts)

    def parse(self, call: Call, registered: bool) -> Parsed:
        """What a call of the peer asks for."""
        return parse.parse(call, self._facts, registered)

    def answer(self, call: Call, result: Result, heartbeat_interval_s: int) -> JsonObject | Refusal:
        """The confirmation of a call that became a command, or a refusal where its confirmation has no word for one."""
        if call.action == "GetConfiguration":
            return self._configuration.answer(call.payload.get("key") or (), result.options, heartbeat_interval_s)
        return answers.answer(call, result)

    def retiring(self) -> V16:
        """The same for an upstream that is only let go."""
        return RetiringV16(self._station)

    def status_board(self) -> StatusBoard:
        """A fresh memory of what the peer knows about the connectors."""
        return StatusBoard()


class RetiringV16(V16):
    """The dialect of an upstream that is no longer configured: it is told, and may ask for nothing."""

    def parse(self, call: Call, registered: bool) -> Parsed:
        """The refusal of a call."""
        return parse_retiring(call, self._facts)
