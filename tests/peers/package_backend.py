"""The Python package `ocpp` as a backend: its own class, its own receive loop and its own validation, as shipped.

What the package logs as an error is a complaint. A real backend of this kind ends its connection at the first frame
that its loop chokes on; so does this one, and that is a complaint as well.
"""

from __future__ import annotations

import asyncio
import base64
import http
import logging
from typing import Any, Self

from ocpp.charge_point import camel_to_snake_case, remove_nones, serialize_as_dict, snake_to_camel_case
from ocpp.exceptions import OCPPError
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.datatypes import IdTagInfo
from ocpp.v16.enums import Action, AuthorizationStatus, DataTransferStatus, RegistrationStatus
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from agent.vocabulary.moments import iso8601
from tests.peers.peer import IDENTITY, PASSWORD
from tests.rig.ledger import RECEIVED, SENT, Ledger
from tests.rig.virtual_time import wall_ms

FIRST_TRANSACTION_ID = 8000
ANSWER_S = 10
ACCEPTED = IdTagInfo(AuthorizationStatus.accepted)


class CentralSystem(ChargePoint):  # type: ignore[misc]
    """What a user of the package writes: a handler per message of the station."""

    transactions: dict[str, int]

    @on(Action.boot_notification)
    def _boot(self, **_: Any) -> call_result.BootNotification:
        return call_result.BootNotification(iso8601(wall_ms()), 300, RegistrationStatus.accepted)

    @on(Action.heartbeat)
    def _heartbeat(self) -> call_result.Heartbeat:
        return call_result.Heartbeat(iso8601(wall_ms()))

    @on(Action.status_notification)
    def _status(self, **_: Any) -> call_result.StatusNotification:
        return call_result.StatusNotification()

    @on(Action.authorize)
    def _authorize(self, **_: Any) -> call_result.Authorize:
        return call_result.Authorize(ACCEPTED)

    @on(Action.start_transaction)
    def _start(self, call_unique_id: str, **_: Any) -> call_result.StartTransaction:
        number = self.transactions.setdefault(call_unique_id, FIRST_TRANSACTION_ID + len(self.transactions))
        return call_result.StartTransaction(number, ACCEPTED)

    @on(Action.stop_transaction)
    def _stop(self, **_: Any) -> call_result.StopTransaction:
        return call_result.StopTransaction(ACCEPTED)

    @on(Action.meter_values)
    def _meter_values(self, **_: Any) -> call_result.MeterValues:
        return call_result.MeterValues()

    @on(Action.data_transfer)
    def _data_transfer(self, **_: Any) -> call_result.DataTransfer:
        return call_result.DataTransfer(DataTransferStatus.unknown_vendor_id)

    @on(Action.security_event_notification)
    def _security_event(self, **_: Any) -> call_result.SecurityEventNotification:
        return call_result.SecurityEventNotification()


class _Wire:
    """The connection as the package sees it, with every frame written down."""

    def __init__(self, connection: ServerConnection, ledger: Ledger, number: int) -> None:
        self._connection = connection
        self._ledger = ledger
        self._number = number

    async def recv(self) -> str | bytes:
        return self._noted(RECEIVED, await self._connection.recv())

    async def send(self, text: str) -> None:
        await self._connection.send(self._noted(SENT, text))

    def _noted(self, direction: str, text: Any) -> Any:
        self._ledger.add(asyncio.get_running_loop().time(), direction, str(text), self._number)
        return text


class _Complaints(logging.Handler):
    """What the package logs as a warning or worse."""

    def __init__(self, complaints: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._complaints = complaints

    def emit(self, record: logging.LogRecord) -> None:
        self._complaints.append(record.getMessage())


class PackageBackend:
    """One server of it in this process. `async with PackageBackend("primary") as backend:`; a `Peer`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ledger = Ledger(name)
        self.connected = asyncio.Event()
        self.complaints: list[str] = []
        self._logger = logging.Logger(f"peer.{name}")
        self._logger.addHandler(_Complaints(self.complaints))
        self._transactions: dict[str, int] = {}
        self._connections = 0
        self._station: CentralSystem | None = None
        self._server: Server

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve, "127.0.0.1", 0, subprotocols=["ocpp1.6"], process_request=_admit, logger=self._logger
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """What the station is configured with."""
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/ocpp"

    async def ask(self, action: str, **payload: Any) -> dict[str, Any]:
        """Send a request in the spelling of the wire; its answer. Raises AssertionError for a CALLERROR."""
        assert self._station is not None, f"no station is connected to {self.name}"
        request = getattr(call, action)(**camel_to_snake_case(payload))
        try:
            answer = await self._station.call(request, suppress=False)
        except OCPPError as error:
            raise AssertionError(f"{action}: {error!r}") from error
        return dict(snake_to_camel_case(remove_nones(serialize_as_dict(answer))))

    async def _serve(self, connection: ServerConnection) -> None:
        self._connections += 1
        wire = _Wire(connection, self.ledger, self._connections)
        station = CentralSystem(IDENTITY, wire, response_timeout=ANSWER_S, logger=self._logger)
        station.transactions = self._transactions
        self._station = station
        self.connected.set()
        try:
            await station.start()
        except ConnectionClosed:
            pass
        except Exception as error:
            self.complaints.append(f"its loop ended: {error!r}")
        finally:
            if self._station is station:
                self._station = None
                self.connected.clear()


def _admit(connection: ServerConnection, request: Request) -> Response | None:
    wanted = "Basic " + base64.b64encode(f"{IDENTITY}:{PASSWORD}".encode()).decode()
    known = request.path == f"/ocpp/{IDENTITY}" and request.headers.get("Authorization") == wanted
    return None if known else connection.respond(http.HTTPStatus.UNAUTHORIZED, "no\n")
