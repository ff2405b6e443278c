"""A TLS server of blocking sockets that answers one WebSocket handshake per connection, in a thread of its own.

Servers on asyncio drop the connection when a handshake fails; this one sends the alert that OpenSSL makes, as servers
in the field do, and lets the peer read it.
"""

from __future__ import annotations

import base64
import hashlib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PATIENCE_S = 5.0

Admit = Callable[[Mapping[str, Any], str], int]
"""HTTP status for a peer with this certificate (as of `getpeercert`) and this request; 101 lets it in."""


class TlsServer:
    """`with TlsServer(context) as port:`."""

    def __init__(self, context: ssl.SSLContext, admit: Admit = lambda certificate, request: 101) -> None:
        self.requests: list[str] = []
        """What was asked by peers that got so far."""
        self._context = context
        self._admit = admit
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE_S)
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            accepted.settimeout(PATIENCE_S)
            with accepted, accepted.dup() as beside:
                try:
                    self._serve(accepted)
                except OSError:
                    _drain(beside)

    def _serve(self, accepted: socket.socket) -> None:
        with self._context.wrap_socket(accepted, server_side=True) as peer:
            request = b""
            while b"\r\n\r\n" not in request:
                request += peer.recv(4096) or b"\r\n\r\n"
            text = request.decode()
            self.requests.append(text)
            status = self._admit(peer.getpeercert() or {}, text)
            peer.sendall(_response(status, text))
            peer.recv(4096)  # its farewell


def _drain(beside: socket.socket) -> None:
    """Say no more, and read what the peer still says: else the alert would be lost in a reset."""
    try:
        beside.shutdown(socket.SHUT_WR)
        while beside.recv(4096):
            """Until the peer goes."""
    except OSError:
        """It has gone."""


def _response(status: int, request: str) -> bytes:
    if status != 101:
        return f"HTTP/1.1 {status} no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    lines = dict(line.lower().split(": ", 1) for line in request.split("\r\n") if ": " in line)
    key = next(line.split(": ", 1)[1] for line in request.split("\r\n") if line.lower().startswith("sec-websocket-key"))
    accept = base64.b64encode(hashlib.sha1(key.encode() + _MAGIC).digest()).decode()
    head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    protocol = lines["sec-websocket-protocol"]
    return f"{head}Sec-WebSocket-Protocol: {protocol}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode()
