"""Real servers of files in this process: HTTP that answers as it is told, and FTP with and without TLS."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Web:
    """What an HTTP server took."""

    port: int = 0
    bodies: list[bytes] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Method, path and headers."""


@contextmanager
def web_server(
    status: int = 201, headers: dict[str, str] | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[Web]:
    """Takes every PUT, and answers with this status."""
    web = Web()

    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 5

        def do_PUT(self) -> None:
            web.requests.append((self.command, self.path, dict(self.headers.items())))
            web.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    class Server(http.server.ThreadingHTTPServer):
        def get_request(self) -> tuple[Any, Any]:
            connection, address = super().get_request()
            return (connection if tls is None else tls.wrap_socket(connection, server_side=True)), address

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Quiet: a client that goes away is meant."""

    with Server(("127.0.0.1", 0), Handler) as server:
        web.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield web
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def tcp_server(speak: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that does with each connection what the test wants."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(5)
            with connection:
                try:
                    speak(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()


@contextmanager
def ftp_server(
    folder: Path,
    permissions: str = "elradfmwMT",
    tls: Path | None = None,
    change: Callable[[Any], dict[str, Any]] = lambda handler: {},
) -> Iterator[int]:
    """A server of pyftpdlib with one user, `station` with the password `hunter2`.

    `change`: what is to be other than in the handler of the control connection that it is given.
    """
    import pytest

    pytest.importorskip("pyftpdlib")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyftpdlib.authorizers import DummyAuthorizer
        from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
        from pyftpdlib.ioloop import IOLoop
        from pyftpdlib.servers import FTPServer

    authorizer = DummyAuthorizer()
    authorizer.add_user("station", "hunter2", str(folder), perm=permissions)
    base: Any = FTPHandler if tls is None else TLS_FTPHandler
    values: dict[str, Any] = {"authorizer": authorizer, "auth_failed_timeout": 0.01}
    if tls is not None:
        values |= {"certfile": str(tls), "tls_control_required": True, "tls_data_required": True}
    handler = type("Handler", (base,), values | change(base))
    loop = IOLoop()
    server = FTPServer(("127.0.0.1", 0), handler, ioloop=loop)
    ending = threading.Event()

    def serve() -> None:
        while not ending.is_set():
            loop.loop(timeout=0.01, blocking=False)
        server.close_all()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.address[1]
    finally:
        ending.set()
        thread.join()
