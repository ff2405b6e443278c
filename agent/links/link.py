"""One WebSocket connection: the only file that knows the `websockets` package (15, 16 and 17 are supported).

What the package would do by itself and a charging station must not: no proxy from the environment, no compression, no
redirect (a backend must not send the station and its password elsewhere), no unbounded message, no pings of its own
(ours have a deadline and an interval that the backend may change), no end of the link for a text that is not UTF-8.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI, NegotiationError
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol

from agent.credentials.tls_failures import explain
from agent.links.address import Dial
from agent.links.allowance import Allowance
from agent.links.intake import Intake
from agent.links.ports import CUT, LinkLost, LinkRefused
from agent.ocpp.wire import MAXIMUM_FRAME_BYTES

OPEN_TIMEOUT_S: Final = 10.0
SEND_TIMEOUT_S: Final = 30.0
UNTIMED_CHARACTERS: Final = 4_096
"""A text of this length fits behind an empty buffer without waiting for the peer, so that it needs no timer."""
CLOSE_TIMEOUT_S: Final = 2.0
MOST_FRAGMENTS: Final = 4_096
"""Of one message."""
MOST_UNSENT_BYTES: Final = 1 << 20
"""Far more than all that we say ourselves before we wait for the peer to take it."""
_REDIRECTS: Final = range(300, 400)
_ON_PURPOSE: Final = (1000, 1001)
"""Codes with which the station itself closes; any other is the package's answer to what it cannot take."""
_HUNG_UP: Final = (
    ConnectionResetError | ConnectionAbortedError | BrokenPipeError | ssl.SSLEOFError | ssl.SSLZeroReturnError
)
"""The server was reached and hung up without a word; in TLS perhaps because of our certificate (see `Choice`)."""

OpenSocket = Callable[[str, int], Awaitable[socket.socket]]
"""Connect to host and port some other way; for tests on virtual time and for uplinks of their own."""

_LOG = logging.getLogger("stationd.websockets")
_LOG.setLevel(logging.CRITICAL)  # the package would log frames; what matters is told by the upstream task


class _Connection(ClientConnection):
    """Remembers of each message whether it began as text, so that bad UTF-8 and binary cost a message, not the link;
    and shows the package what came no faster than `Intake` gives it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.allowance = Allowance(asyncio.get_running_loop().time)
        self._intake = Intake(self.allowance, super().data_received)
        self.texts: deque[bool] = deque()
        self._fragments = 0
        self.lost: Exception | None = None
        """Why the transport has ended, if not in order: the package tells of it less than it knows."""

    @property
    def more_waits(self) -> bool:
        """The peer has sent more than was looked at."""
        return self._intake.more_waits or len(self.recv_messages.frames) > 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called once by the transport: the package holds and releases the intake in its place."""
        super().connection_made(transport)
        self._intake.opened(self.transport)
        self.recv_messages.pause, self.recv_messages.resume = self._intake.hold, self._intake.release

    def data_received(self, data: bytes) -> None:
        """Called by the transport."""
        self._intake.take(data)

    def eof_received(self) -> None:
        """Called by the transport."""
        self._intake.ended()
        super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called once by the transport."""
        self._intake.lost()
        self.lost = exc
        super().connection_lost(exc)

    def process_event(self, event: Any) -> None:
        """Called by the package for every frame, in order. Cuts a peer that would have us hoard for it without end:
        fragments without content, which no limit of size ends, or pongs that it does not read."""
        self.allowance.spend(1)
        if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY):
            self.texts.append(event.opcode is Opcode.TEXT)
            self._fragments = 0
        self._fragments += isinstance(event, Frame) and event.opcode is Opcode.CONT
        if self._fragments > MOST_FRAGMENTS or self.transport.get_write_buffer_size() > MOST_UNSENT_BYTES:
            self.transport.abort()
            return
        super().process_event(event)


class _Dialler(connect):
    """`connect` that follows no redirect."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """The answer stays the failure that it is."""
        return exc


class WebSocketLink:
    """An open connection (see `agent.links.ports.Link`)."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    @property
    def anchor(self) -> str:
        """SHA-256 in hex of the root that vouches for the server; empty without TLS."""
        return getattr(self._connection.transport.get_extra_info("ssl_object"), "anchor", "")

    async def receive(self) -> str | bytes:
        """The next message: text if it was UTF-8 text, else bytes. Raises LinkLost."""
        try:
            data = await self._connection.recv(decode=False)
        except ConnectionClosed as closed:
            raise _lost(closed) from None
        if not self._connection.texts.popleft():
            return data
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data

    def charge(self, units: int) -> bool:
        """What the last message cost beyond its frame; true if the peer is not read for a while.

        A peer that waits for its answer before it sends more floods nobody: it pays for its frames alone.
        """
        self._connection.allowance.spend(units if units < 0 or self._connection.more_waits else 0)
        return self._connection.allowance.wait_s() > 0

    async def send(self, text: str) -> None:
        """Send a text message. Raises LinkLost, also when the peer takes nothing for too long."""
        idle = len(text) <= UNTIMED_CHARACTERS and not self._connection.transport.get_write_buffer_size()
        try:
            async with nullcontext() if idle else asyncio.timeout(SEND_TIMEOUT_S):
                await self._connection.send(text)
        except ConnectionClosed as closed:
            raise _lost(closed) from None
        except TimeoutError:
            raise LinkLost("the peer takes no data") from None

    async def ping(self, deadline_s: float) -> None:
        """Ping; raises LinkLost without a pong in time."""
        try:
            async with asyncio.timeout(deadline_s):
                pong = await self._connection.ping()
                await pong
        except ConnectionClosed as closed:
            raise _lost(closed) from None
        except TimeoutError:
            raise LinkLost(f"no pong within {deadline_s:g} s") from None

    async def close(self, code: int, why: str) -> None:
        """Close in order; what does not end in time is cut."""
        with suppress(TimeoutError, OSError, ConnectionClosed):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._connection.close(code, why)
                return
        self._connection.transport.abort()


async def open_link(
    dial: Dial,
    subprotocol: str,
    authorization: str | None = None,
    tls: ssl.SSLContext | None = None,
    open_socket: OpenSocket | None = None,
) -> WebSocketLink:
    """Dial once. Raises LinkRefused with the cause in plain words; never holds a password in it."""
    made: list[_Connection] = []
    try:
        connection = await _open(dial, subprotocol, authorization, tls, open_socket, made)
    except Exception as error:
        ended = next((one.lost for one in made if isinstance(one.lost, ssl.SSLError)), error)
        refused = _refused(ended)
        if refused is None:
            raise
        raise refused from None
    if connection.subprotocol != subprotocol:
        await WebSocketLink(connection).close(1002, "no common subprotocol")
        raise LinkRefused("subprotocol", f"the server does not speak {subprotocol}")
    return WebSocketLink(connection)


async def _open(
    dial: Dial,
    subprotocol: str,
    authorization: str | None,
    tls: ssl.SSLContext | None,
    open_socket: OpenSocket | None,
    made: list[_Connection],
) -> _Connection:
    options: dict[str, Any] = {}
    if dial.tls:
        options |= {"ssl": tls, "server_hostname": dial.host.removesuffix(".")}  # no certificate names the last dot
    if open_socket is not None:
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            options["sock"] = await open_socket(dial.host, dial.port)

    def make(*arguments: Any, **keywords: Any) -> _Connection:
        made.append(_Connection(*arguments, **keywords))
        return made[-1]

    options["create_connection"] = make
    connection = await _Dialler(
        dial.url,
        subprotocols=[Subprotocol(subprotocol)],
        compression=None,
        additional_headers={"Authorization": authorization} if authorization else None,
        user_agent_header="stationd",
        proxy=None,
        open_timeout=OPEN_TIMEOUT_S,
        ping_interval=None,
        close_timeout=CLOSE_TIMEOUT_S,
        max_size=MAXIMUM_FRAME_BYTES,
        logger=_LOG,
        **options,
    )
    assert isinstance(connection, _Connection)
    return connection


def _refused(error: Exception) -> LinkRefused | None:
    """The failure in our words, the more special first; None for what can only be our own mistake."""
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        cause = "redirect" if status in _REDIRECTS else "http"
        return LinkRefused(cause, f"the server answered HTTP {status}", status)
    if isinstance(error, NegotiationError):
        return LinkRefused("subprotocol", "the server chose a subprotocol that was not offered")
    if isinstance(error, InvalidURI):
        return LinkRefused("address", "the address cannot be dialled")
    if isinstance(error, InvalidHandshake | EOFError | ConnectionClosed | _HUNG_UP):
        return LinkRefused("handshake", "the server is no WebSocket server, or closed at once")
    if isinstance(error, TimeoutError):
        return LinkRefused("timeout", f"no answer within {OPEN_TIMEOUT_S:g} s")
    if isinstance(error, ssl.SSLError):
        failure = explain(error)
        return LinkRefused("tls", failure.text, security=failure.event)
    if isinstance(error, socket.gaierror):
        return LinkRefused("resolve", "the host name cannot be resolved")
    if isinstance(error, OSError):
        return LinkRefused("connect", error.strerror or type(error).__name__)
    return None


def _lost(closed: ConnectionClosed) -> LinkLost:
    """What the peer sent last may have forced the package to close: for what was on its way that is like a cut."""
    if closed.rcvd is not None and (closed.sent is None or closed.rcvd_then_sent):
        return LinkLost(f"closed by the peer with code {closed.rcvd.code}", closed.rcvd.code)
    if closed.sent is not None:
        ours = closed.sent.code in _ON_PURPOSE
        return LinkLost(f"closed by the station with code {closed.sent.code}", None if ours else CUT)
    return LinkLost("cut without a closing handshake", CUT)
