"""One connection of a scripted backend, served by the `ocpp` package.

The package routes, checks every frame against its schemas and writes the answers; so whatever the station sends is
checked by somebody else's reading of the standard, and a frame that fails shows up in `ledger.errors()`.

Around the package: its receive loop is replaced (one bad frame would end it), its log of every frame is off, its
validation runs inline, answers nobody asked for are thrown away before each call, and no handler calls the station.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import ocpp.messages
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from ocpp.v16.datatypes import IdTagInfo
from ocpp.v16.enums import Action, AuthorizationStatus, GenericStatus, RegistrationStatus
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from tests.rig.ledger import CALL, RECEIVED, SENT, Frame, Ledger
from tests.rig.script import Delayed, Fails, HangsUp, Says, Script

ocpp.messages.ASYNC_VALIDATION = False
QUIET = logging.getLogger("tests.rig.ocpp")
QUIET.disabled = True


class House(Protocol):
    """What a desk needs of its backend."""

    identity: str
    ledger: Ledger
    script: Script
    complaints: list[str]
    call_timeout_s: float
    on_frame: Callable[[Frame], None]

    def transaction_id(self, message_id: str) -> int:
        """The id for a start."""

    def now(self) -> str:
        """Wall time as ISO 8601."""

    def time_s(self) -> float:
        """Time for the ledger."""


class Desk(ChargePoint):  # type: ignore[misc]
    """One connection, served by the package."""

    def __init__(self, backend: House, connection: ServerConnection, number: int) -> None:
        super().__init__(backend.identity, self, response_timeout=backend.call_timeout_s, logger=QUIET)
        self._backend = backend
        self._link = connection
        self._number = number
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Receive until the connection ends."""
        try:
            async for message in self._link:
                await self._receive(message if isinstance(message, str) else repr(message))
        except ConnectionClosed:
            pass
        finally:
            for task in tuple(self._tasks):
                task.cancel()

    async def send(self, text: str) -> None:
        """Write one frame; the package calls this as its connection."""
        self._backend.ledger.add(self._backend.time_s(), SENT, text, self._number)
        with suppress(ConnectionClosed):
            await self._link.send(text)

    async def request(self, payload: Any) -> Any:
        """A call to the station. Raises TimeoutError without an answer, OCPPError for a CALLERROR."""
        while not self._response_queue.empty():
            self._response_queue.get_nowait()
        return await self.call(payload, suppress=False)

    def hang_up(self) -> None:
        """End the TCP connection with a reset, without a closing handshake."""
        self._link.transport.abort()

    async def close(self, code: int) -> None:
        """End the connection in order."""
        await self._link.close(code)

    async def _receive(self, text: str) -> None:
        frame = self._backend.ledger.add(self._backend.time_s(), RECEIVED, text, self._number)
        self._backend.on_frame(frame)
        mood = self._backend.script.mood(frame.action) if frame.type == CALL else None
        if isinstance(mood, Delayed):
            self._start(self._later(mood.seconds, frame))
        elif mood is None or mood == HangsUp(after_answer=True):
            await self._route(frame)
        elif isinstance(mood, Fails):
            await self.send(ocpp.messages.CallError(frame.message_id, mood.code, "as scripted", {}).to_json())
        elif isinstance(mood, Says):
            await self.send(ocpp.messages.CallResult(frame.message_id, mood.payload).to_json())
        if isinstance(mood, HangsUp):
            self.hang_up()

    async def _later(self, seconds: float, frame: Frame) -> None:
        await asyncio.sleep(seconds)
        await self._route(frame)

    async def _route(self, frame: Frame) -> None:
        try:
            await self.route_message(frame.text)
        except Exception as error:  # a frame that the package chokes on must not end the desk
            self._backend.complaints.append(f"{type(error).__name__}: {error}")

    def _start(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @on(Action.boot_notification)
    def _boot(self, **_: Any) -> call_result.BootNotification:
        script = self._backend.script
        status = script.boot.popleft() if script.boot else "Accepted"
        return call_result.BootNotification(self._backend.now(), script.interval_s, RegistrationStatus(status))

    @on(Action.heartbeat)
    def _heartbeat(self) -> call_result.Heartbeat:
        return call_result.Heartbeat(self._backend.now())

    @on(Action.status_notification)
    def _status(self, **_: Any) -> call_result.StatusNotification:
        return call_result.StatusNotification()

    @on(Action.security_event_notification)
    def _security_event(self, **_: Any) -> call_result.SecurityEventNotification:
        return call_result.SecurityEventNotification()

    @on(Action.diagnostics_status_notification)
    def _diagnostics_status(self, **_: Any) -> call_result.DiagnosticsStatusNotification:
        return call_result.DiagnosticsStatusNotification()

    @on(Action.firmware_status_notification)
    def _firmware_status(self, **_: Any) -> call_result.FirmwareStatusNotification:
        return call_result.FirmwareStatusNotification()

    @on(Action.signed_firmware_status_notification)
    def _signed_firmware_status(self, **_: Any) -> call_result.SignedFirmwareStatusNotification:
        return call_result.SignedFirmwareStatusNotification()

    @on(Action.log_status_notification)
    def _log_status(self, **_: Any) -> call_result.LogStatusNotification:
        return call_result.LogStatusNotification()

    @on(Action.sign_certificate)
    def _sign_certificate(self, **_: Any) -> call_result.SignCertificate:
        return call_result.SignCertificate(GenericStatus(self._backend.script.signs))

    @on(Action.authorize)
    def _authorize(self, id_tag: str) -> call_result.Authorize:
        return call_result.Authorize(self._verdict(id_tag, self._backend.script.cards))

    @on(Action.start_transaction)
    def _start_transaction(self, id_tag: str, call_unique_id: str, **_: Any) -> call_result.StartTransaction:
        script = self._backend.script
        verdict = self._verdict(id_tag, {**script.cards, **script.starts})
        return call_result.StartTransaction(self._backend.transaction_id(call_unique_id), verdict)

    @on(Action.stop_transaction)
    def _stop_transaction(self, id_tag: str = "", **_: Any) -> call_result.StopTransaction:
        verdict = self._verdict(id_tag, self._backend.script.cards) if id_tag else None
        return call_result.StopTransaction(verdict)

    @on(Action.meter_values)
    def _meter_values(self, **_: Any) -> call_result.MeterValues:
        return call_result.MeterValues()

    @on(Action.data_transfer)
    def _data_transfer(self, **_: Any) -> call_result.DataTransfer:
        return call_result.DataTransfer("UnknownVendorId")

    def _verdict(self, id_tag: str, table: dict[str, str]) -> IdTagInfo:
        by_card = {card.casefold(): status for card, status in table.items()}
        status = by_card.get(id_tag.casefold(), self._backend.script.default)
        return IdTagInfo(AuthorizationStatus(status), parent_id_tag=self._backend.script.parents.get(id_tag))
