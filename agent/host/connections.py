"""Connections of transfers: how they are dialled, how long they may be silent, how they are cut off from outside."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from typing import Final

CONNECT_S: Final = 15.0
STALL_S: float = 30.0
"""A server that neither takes nor says anything for so long is given up."""
CHUNK: Final = 16 * 1024


class Cut:
    """Ends the connections of one attempt from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_cut = False

    @property
    def is_cut(self) -> bool:
        """True once it has been cut: what a connection still says then is not the server's word."""
        return self._is_cut

    def watch(self, connection: socket.socket) -> None:
        """A connection to be ended with the rest, also once TLS has it. Raises OSError if that has happened already."""
        with self._lock:
            self._sockets.append(connection.dup())  # TLS takes the socket away from its object
            if self._is_cut:
                raise OSError("given up")

    def cut(self) -> None:
        """End them; whoever waits for one of them gets an error. Safe to call at any time."""
        with self._lock:
            self._is_cut = True
            for connection in self._sockets:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """The attempt has ended: there is nothing to cut any more."""
        with self._lock:
            while self._sockets:
                self._sockets.pop().close()


def connect(address: str, port: int, cut: Cut) -> socket.socket:
    """A TCP connection to an address that was judged. Raises OSError."""
    connection = socket.create_connection((address, port), timeout=CONNECT_S)
    try:
        cut.watch(connection)
    except OSError:
        connection.close()
        raise
    connection.settimeout(STALL_S)
    return connection


def reason_of(error: Exception) -> str:
    """What went wrong with a connection, in our words: what a server says could repeat a password."""
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {getattr(error, 'verify_message', '') or error.reason or type(error).__name__}"
    if isinstance(error, TimeoutError):
        return "the server took too long"
    if isinstance(error, OSError | EOFError):
        return f"the connection failed: {getattr(error, 'strerror', None) or type(error).__name__}"
    return f"it cannot be tried ({type(error).__name__})"
