"""One attempt to bring one file to one place: what is asked for, how it is cut off, and how it fails."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from agent.host.destination import Destination
from agent.settings.transfers import Allowance
from agent.vocabulary.uploads import UploadStatus

CONNECT_S: Final = 15.0
STALL_S: Final = 30.0
"""A server that neither takes nor says anything for so long is given up."""
CHUNK: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Order:
    """One attempt."""

    destination: Destination
    content: bytes = field(repr=False)
    allowed: frozenset[Allowance]
    context: Callable[[], ssl.SSLContext]
    """Makes the TLS context; may raise ValueError or OSError."""


class UploadFailed(Exception):
    """The file is not there. `status` is what the backend is told; the text is for the log."""

    def __init__(self, status: UploadStatus, why: str, lasting: bool = False) -> None:
        """`lasting`: trying again is of no use."""
        super().__init__(why)
        self.status = status
        self.lasting = lasting


class Cut:
    """Ends the connections of an upload from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_cut = False

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
        """The upload has ended: there is nothing to cut any more."""
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
