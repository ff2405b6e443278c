"""Scripted backends: real OCPP 1.6-J WebSocket servers on the `ocpp` package, each with a ledger.

Theory of operation
-------------------
A `ScriptedBackend` listens on 127.0.0.1 and serves each connection at a `Desk`. What it answers is its `Script`; what
crossed the wire is its `Ledger`; what its people ask is inherited from `Operator`. Transaction ids come from a range of
its own, so that an id of one backend is never taken for that of another.
"""

from __future__ import annotations

import asyncio
import base64
import http
import socket
import ssl as tls
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

from websockets.asyncio.server import Server, ServerConnection, serve, unix_serve
from websockets.http11 import Request, Response

from agent.vocabulary.moments import iso8601
from tests.rig.desk import QUIET, Desk
from tests.rig.ledger import Frame, Ledger
from tests.rig.operator import FileOperator, Operator, SecurityOperator
from tests.rig.script import Script
from tests.rig.virtual_time import wall_ms


@dataclass(frozen=True, slots=True)
class Handshake:
    """One that came in, and how it was answered."""

    path: str
    http_status: int
    authorization: str | None
    """The header as it was sent."""
    tls_version: str = ""
    cipher: str = ""
    certificate: bytes = b""
    """The client's certificate in DER."""


class ScriptedBackend(Operator, FileOperator, SecurityOperator):
    """One backend. `async with ScriptedBackend("primary", first_transaction_id=2000) as backend:`."""

    def __init__(
        self,
        name: str,
        *,
        first_transaction_id: int,
        identity: str = "CP1",
        password: bytes | str | None = None,
        ssl: tls.SSLContext | None = None,
        port: int = 0,
        script: Script | None = None,
        subprotocols: tuple[str, ...] = ("ocpp1.6",),
        call_timeout_s: float = 30.0,
        unix: Path | None = None,
    ) -> None:
        """`unix`: listen on this Unix socket and not on TCP; it delivers at once, whatever the machine does."""
        self.name = name
        self.identity = identity
        self.ledger = Ledger(name)
        self.script = script or Script()
        self.call_timeout_s = call_timeout_s
        self.connected = asyncio.Event()
        self.connections = 0
        self.handshakes: list[tuple[str, int]] = []
        """Path and HTTP status of every handshake that came in."""
        self.handshakes_in_full: list[Handshake] = []
        self.complaints: list[str] = []
        """Errors of the `ocpp` package itself; a clean run has none."""
        self.on_frame: Callable[[Frame], None] = lambda frame: None
        """Told of every frame of the station when it has come, and before it is answered."""
        self.password = password.encode() if isinstance(password, str) else password
        """The only one that is let in; None: nobody is asked. May be changed at any time."""
        self.ssl = ssl
        """Counts from the next `start` on."""
        self._port = port
        self._unix = unix
        self._subprotocols = subprotocols
        self._next_transaction_id = first_transaction_id
        self._ids: dict[str, int] = {}
        self._desk: Desk | None = None
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """Where it listens; stays the same over stop and start."""
        return self._port

    @property
    def url(self) -> str:
        """What a station is configured with; the identity is appended by the station."""
        return f"{'wss' if self.ssl else 'ws'}://127.0.0.1:{self._port}/ocpp"

    async def start(self) -> None:
        """Listen."""
        options: dict[str, Any] = {
            "ssl": self.ssl,
            "subprotocols": list(self._subprotocols) or None,
            "process_request": self._admit,
            "compression": None,
            "ping_interval": None,
            "logger": QUIET,
        }
        if self._unix is not None:
            self._unix.unlink(missing_ok=True)
            self._server = await unix_serve(self._serve, str(self._unix), **options)
            return
        self._server = await serve(self._serve, "127.0.0.1", self._port, **options)
        self._port = self._server.sockets[0].getsockname()[1]

    async def dial(self) -> socket.socket:
        """A connection to the Unix socket, for a station whose way of dialling is replaced. Raises OSError."""
        assert self._unix is not None
        dialled = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        dialled.setblocking(False)
        try:
            dialled.connect(str(self._unix))
        except OSError:
            dialled.close()
            raise
        return dialled

    async def stop(self) -> None:
        """Close every connection with 1001 and listen no more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def drop(self) -> None:
        """Reset the present connection."""
        if self._desk is not None:
            self._desk.hang_up()

    async def close(self, code: int = 1001) -> None:
        """Close the present connection in order."""
        if self._desk is not None:
            await self._desk.close(code)

    async def send_text(self, text: str) -> None:
        """Send any text as a frame: for hostile ones."""
        await self.line().send(text)

    def transaction_id(self, message_id: str) -> int:
        """The id for a start; the same for a repeat if this backend remembers."""
        if message_id in self._ids and self.script.remembers:
            return self._ids[message_id]
        self._ids[message_id] = self._next_transaction_id
        self._next_transaction_id += 1
        return self._ids[message_id]

    def give_next(self, transaction_id: int) -> None:
        """The next start gets this id, the one after it the next higher one."""
        self._next_transaction_id = transaction_id

    def now(self) -> str:
        """The backend's wall time."""
        return iso8601(wall_ms())

    def time_s(self) -> float:
        """The time of the ledger: that of the loop."""
        return asyncio.get_running_loop().time()

    def line(self) -> Desk:
        """The present connection."""
        if self._desk is None:
            raise ConnectionError(f"no station is connected to {self.name}")
        return self._desk

    async def _serve(self, connection: ServerConnection) -> None:
        self.connections += 1
        desk = Desk(self, connection, self.connections)
        self._desk = desk
        self.connected.set()
        try:
            await desk.serve()
        finally:
            self.ledger.close_codes.append(connection.close_code)
            if self._desk is desk:
                self._desk = None
                self.connected.clear()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        status = self._admission(request)
        self.handshakes.append((request.path, status))
        self.handshakes_in_full.append(_handshake(connection, request, status))
        return None if status == http.HTTPStatus.OK else connection.respond(http.HTTPStatus(status), "no\n")

    def _admission(self, request: Request) -> int:
        if self.script.http_status:
            return self.script.http_status
        if unquote(request.path.rpartition("/")[2]) != self.identity:
            return http.HTTPStatus.NOT_FOUND
        if self.password is not None:
            wanted = base64.b64encode(self.identity.encode() + b":" + self.password).decode()
            if request.headers.get("Authorization") != f"Basic {wanted}":
                return http.HTTPStatus.UNAUTHORIZED
        return http.HTTPStatus.OK


def _handshake(connection: ServerConnection, request: Request, status: int) -> Handshake:
    authorization = request.headers.get("Authorization")
    tls_object = connection.transport.get_extra_info("ssl_object")
    if tls_object is None:
        return Handshake(request.path, status, authorization)
    certificate = tls_object.getpeercert(binary_form=True) or b""
    return Handshake(request.path, status, authorization, tls_object.version(), tls_object.cipher()[0], certificate)
