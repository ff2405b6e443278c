"""A backend that costs next to nothing: canned answers, no schemas, stamps in seconds of the monotonic clock.

The same server stands before the agent and before the peer, so that what differs between them is theirs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from agent.vocabulary.moments import iso8601

CALL = 2
RESET = struct.pack("ii", 1, 0)
ANSWER_S = 30.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """One call of the station, stamped when its frame was read."""

    at_s: float
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Traffic:
    """What went over a connection so far (tcp(7), TCP_INFO)."""

    received: int
    """Bytes above TCP."""
    acknowledged: int
    """The same, sent, and known to have come."""
    segments: int
    """Both ways, those without data included."""


class BenchBackend:
    """Listens on 127.0.0.1 for one station. `async with BenchBackend(1000) as backend:`."""

    def __init__(self, first_transaction_id: int, *, tls: ssl.SSLContext | None = None, heartbeat_s: int = 300) -> None:
        self.handshakes: list[float] = []
        """When each connection came about."""
        self.connected = asyncio.Event()
        """Set with every handshake; cleared by whoever waits for the next."""
        self.pings: list[float] = []
        """When each ping of the station came."""
        self.frames: list[tuple[float, str]] | None = None
        """Made a list: each call of the station as it came, with when."""
        self._next_transaction_id = first_transaction_id
        self._tls, self._heartbeat_s = tls, heartbeat_s
        self._arrivals: dict[str, asyncio.Queue[Arrival]] = defaultdict(asyncio.Queue)
        self._waiting: dict[str, asyncio.Future[float]] = {}
        self._connection: ServerConnection | None = None
        self._server: Server | None = None
        self._port = 0

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            0,
            ssl=self._tls,
            subprotocols=["ocpp1.6"],  # type: ignore[list-item]
            compression=None,
            ping_interval=None,
            create_connection=self._make_connection(),
        )
        self._port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """Without the identity."""
        return f"{'wss' if self._tls else 'ws'}://127.0.0.1:{self._port}/ocpp"

    async def arrival(self, action: str, within_s: float = ANSWER_S) -> Arrival:
        """The next call of this action that nobody has taken yet. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            return await self._arrivals[action].get()

    def forget(self) -> None:
        """Throw away what has come and was not taken."""
        self._arrivals.clear()

    async def ask(self, action: str, payload: dict[str, Any]) -> float:
        """Ask the station; seconds until the answer. Raises TimeoutError, ConnectionError."""
        if self._connection is None:
            raise ConnectionError("no station is connected")
        message_id = str(uuid.uuid4())
        frame = json.dumps([CALL, message_id, action, payload])
        answered: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting[message_id] = answered
        begin_s = time.monotonic()
        await self._connection.send(frame)
        async with asyncio.timeout(ANSWER_S):
            return await answered - begin_s

    async def send(self, text: str) -> None:
        """A frame of which nothing is expected; waits while the station does not take it."""
        if self._connection is None:
            raise ConnectionError("no station is connected")
        await self._connection.send(text)

    def stall(self) -> None:
        """From now on the station's bytes are not taken."""
        if self._connection is not None:
            self._connection.transport.pause_reading()

    async def ping(self) -> float:
        """Seconds until the pong. Raises TimeoutError, ConnectionError."""
        if self._connection is None:
            raise ConnectionError("no station is connected")
        begin_s = time.monotonic()
        async with asyncio.timeout(ANSWER_S):
            await (await self._connection.ping())
        return time.monotonic() - begin_s

    def reset(self) -> float:
        """Cut the connection with a TCP reset; when."""
        assert self._connection is not None
        transport = self._connection.transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        begin_s = time.monotonic()
        transport.abort()
        return begin_s

    def traffic(self) -> Traffic:
        """Of the present connection."""
        assert self._connection is not None
        sock = self._connection.transport.get_extra_info("socket")
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        return Traffic(_field(info, 128, "Q"), _field(info, 120, "Q"), _field(info, 136, "I") + _field(info, 140, "I"))

    def _make_connection(self) -> type[ServerConnection]:
        pings = self.pings

        class Connection(ServerConnection):
            """Notes pings."""

            def process_event(self, event: Any) -> None:
                """Called by the package for every frame."""
                if isinstance(event, Frame) and event.opcode is Opcode.PING:
                    pings.append(time.monotonic())
                super().process_event(event)

        return Connection

    async def _serve(self, connection: ServerConnection) -> None:
        self.handshakes.append(time.monotonic())
        self._connection = connection
        self.connected.set()
        with contextlib.suppress(ConnectionClosed):
            async for text in connection:
                await self._receive(connection, text, time.monotonic())
        if self._connection is connection:
            self._connection = None

    async def _receive(self, connection: ServerConnection, text: str | bytes, at_s: float) -> None:
        kind, message_id, *rest = json.loads(text)
        if kind == CALL:
            action, payload = rest
            if self.frames is not None:
                self.frames.append((at_s, str(text)))
            await connection.send(json.dumps([3, message_id, self._answer(action)]))
            self._arrivals[action].put_nowait(Arrival(at_s, payload))
        elif (waiting := self._waiting.pop(message_id, None)) is not None and not waiting.done():
            waiting.set_result(at_s)

    def _answer(self, action: str) -> dict[str, Any]:
        now = iso8601(round(time.time() * 1000))
        match action:
            case "BootNotification":
                return {"currentTime": now, "interval": self._heartbeat_s, "status": "Accepted"}
            case "Heartbeat":
                return {"currentTime": now}
            case "Authorize":
                return {"idTagInfo": {"status": "Accepted"}}
            case "StartTransaction":
                self._next_transaction_id += 1
                return {"transactionId": self._next_transaction_id, "idTagInfo": {"status": "Accepted"}}
        return {}


def _field(info: bytes, offset: int, kind: str) -> int:
    """A field of `struct tcp_info` (linux/tcp.h)."""
    found: int = struct.unpack_from(f"={kind}", info, offset)[0]
    return found
