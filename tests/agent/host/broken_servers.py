"""Real servers of files that break at a chosen stage: by a reset, by closing in good order, or by falling silent."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any

from tests.agent.host.file_servers import ftp_server, tcp_server

RESET, CLOSE, STALL = "reset", "close", "stall"
_PATIENCE_S = 5.0


@dataclass(frozen=True)
class Break:
    """Where a server breaks, and how.

    Over HTTP the stages are `connect`, `handshake`, `request` (half of a request has come), `answer` (before the first
    byte of the answer), `status` and `headers` (in the midst of them) and `body`, after `offset` bytes of it: of the
    file that is got, or of the one that is put. Over FTP they are `welcome`, the name of a command, and `data`.
    """

    stage: str
    how: str
    offset: int = 0


def lingering_never(connection: Any) -> None:
    """Closing it resets it."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@dataclass
class Source:
    """An HTTP server of one file, to be got or put, that speaks in bytes of its own."""

    content: bytes
    breaks: list[Break] = field(default_factory=list)
    """One for each connection, in order; those after are served whole."""
    contexts: list[ssl.SSLContext] = field(default_factory=list)
    """TLS of each connection, in order, the last for the rest; none: no TLS."""
    etag: str = '"v1"'
    modified: str = ""
    answers: list[Callable[[dict[str, str]], bytes]] = field(default_factory=list)
    """Instead of the good answer, for each connection in order: what is said to these headers."""
    farewell: bool = True
    """TLS ends with its farewell."""
    port: int = 0
    requests: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    silent: threading.Event = field(default_factory=threading.Event)
    """It has come to where it says nothing more."""
    over: threading.Event = field(default_factory=threading.Event)
    """The client has gone: it need not be silent any longer."""

    def speak(self, connection: socket.socket) -> None:
        broken = self.breaks.pop(0) if self.breaks else None
        with connection:
            if self._ends(connection, broken, "connect"):
                return
            if not self.contexts:
                self._serve(connection, broken)
                return
            if broken is not None and broken.stage == "handshake":
                connection.recv(40)
                self._ends(connection, broken, "handshake")
                return
            context = self.contexts.pop(0) if len(self.contexts) > 1 else self.contexts[0]
            with context.wrap_socket(connection, server_side=True) as secured:
                self._serve(secured, broken)
                if self.farewell and broken is None:
                    with suppress(OSError):
                        secured.unwrap()

    def _serve(self, connection: socket.socket, broken: Break | None) -> None:
        got = connection.recv(20)
        if self._ends(connection, broken, "request"):
            return
        while b"\r\n\r\n" not in got:
            got += _received(connection)
        head, _, body = got.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        self.requests.append(headers)
        put = lines[0].startswith("PUT")
        if put and not self._take(connection, broken, body, int(headers["content-length"])):
            return
        if self._ends(connection, broken, "answer"):
            return
        answer = self.answers.pop(0)(headers) if self.answers else self._answer(headers, put)
        self._say(connection, broken, answer)

    def _take(self, connection: socket.socket, broken: Break | None, body: bytes, length: int) -> bool:
        end = broken.offset if broken is not None and broken.stage == "body" else length
        while len(body) < end:
            body += _received(connection, end - len(body))
        if self._ends(connection, broken, "body"):
            return False
        self.bodies.append(body)
        return True

    def _answer(self, headers: dict[str, str], put: bool) -> bytes:
        if put:
            return b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
        begin, size = 0, len(self.content)
        named = {name: value for name, value in (("ETag", self.etag), ("Last-Modified", self.modified)) if value}
        if "range" in headers and headers.get("if-range") in named.values():
            begin = int(headers["range"].removeprefix("bytes=").removesuffix("-"))
            named["Content-Range"] = f"bytes {begin}-{size - 1}/{size}"
        return answer(206 if begin else 200, self.content[begin:], named)

    def _say(self, connection: socket.socket, broken: Break | None, answer: bytes) -> None:
        body = answer.index(b"\r\n\r\n") + 4 if b"\r\n\r\n" in answer else 0
        stages = {"status": 5, "headers": body - 10, "body": body + (broken.offset if broken else 0)}
        if broken is None or broken.stage not in stages:
            connection.sendall(answer)
            return
        connection.sendall(answer[: stages[broken.stage]])
        self._ends(connection, broken, broken.stage)

    def _ends(self, connection: socket.socket, broken: Break | None, stage: str) -> bool:
        """True if this is where it breaks; it has by then."""
        if broken is None or broken.stage != stage:
            return False
        if broken.how == STALL:
            self.silent.set()
            self.over.wait(_PATIENCE_S)
        elif broken.how == RESET:
            lingering_never(connection)
        connection.close()
        return True


def _received(connection: socket.socket, most: int = 4096) -> bytes:
    got = connection.recv(most)
    if not got:
        raise ConnectionError("the client has gone")
    return got


def answer(status: int, body: bytes, headers: dict[str, str]) -> bytes:
    """An answer of HTTP; a Content-Length that is given stands."""
    named = {"Content-Length": str(len(body)), "Date": formatdate(0, usegmt=True)} | headers
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items() if value)
    return f"HTTP/1.1 {status} x\r\n{lines}\r\n".encode() + body


@contextmanager
def serving(source: Source) -> Iterator[Source]:
    """While it is needed."""
    with tcp_server(source.speak) as source.port:
        try:
            yield source
        finally:
            source.over.set()


@dataclass
class FtpSource:
    """What a breaking FTP server was asked, and what is to break."""

    breaks: list[Break] = field(default_factory=list)
    """One for each session, in order."""
    refused: tuple[str, ...] = ()
    """Commands that it does not know."""
    silent: threading.Event = field(default_factory=threading.Event)
    """It has come to where it says nothing more."""
    over: threading.Event = field(default_factory=threading.Event)
    """The client has gone; this server notices by itself."""
    port: int = 0
    lines: list[str] = field(default_factory=list)


@contextmanager
def serving_ftp(source: FtpSource, folder: Path, tls: Path | None = None) -> Iterator[FtpSource]:
    """A server of pyftpdlib that breaks. Skips the test if there is none."""
    with ftp_server(folder, tls=tls, change=lambda base: _breaking(source, base)) as source.port:
        yield source


def _breaking(source: FtpSource, base: Any) -> dict[str, Any]:
    from pyftpdlib.handlers import FTPHandler

    def close(channel: Any, how: str, plain: Any) -> None:
        if how == RESET:
            lingering_never(channel.socket)
        if how == STALL:
            source.silent.set()
        else:
            plain.close(channel)

    def handle(self: Any) -> None:
        self.broken = source.breaks.pop(0) if source.breaks else None
        if self.broken is not None and self.broken.stage == "welcome":
            close(self, self.broken.how, FTPHandler)
        else:
            base.handle(self)

    def pre_process_command(self: Any, line: str, cmd: str, arg: str) -> None:
        source.lines.append(line)
        if self.broken is not None and self.broken.stage == cmd:
            close(self, self.broken.how, FTPHandler)
        elif cmd in source.refused:
            self.respond("502 not here")
        else:
            base.pre_process_command(self, line, cmd, arg)

    return {
        "handle": handle,
        "pre_process_command": pre_process_command,
        "dtp_handler": _breaking_data(base.dtp_handler, close),
        "use_sendfile": False,
        "permit_foreign_addresses": False,
    }


def _breaking_data(base: Any, close: Callable[..., None]) -> Any:
    from pyftpdlib.handlers import DTPHandler
    from pyftpdlib.ioloop import _RetryError

    class Data(base):  # type: ignore[misc]
        moved = 0

        def limit(self) -> int | None:
            broken = self.cmd_channel.broken
            return broken.offset - self.moved if broken is not None and broken.stage == "data" else None

        def end(self) -> None:
            self._resp = ("426 it broke", lambda text: None)
            close(self, self.cmd_channel.broken.how, DTPHandler)

        def send(self, data: bytes) -> int:
            limit = self.limit()
            if limit is not None and limit <= 0:
                self.end()
                return 0
            sent: int = base.send(self, data if limit is None else bytes(data)[:limit])
            self.moved += sent
            return sent

        def recv(self, size: int) -> bytes:
            limit = self.limit()
            if limit is not None and limit <= 0:
                self.end()
                raise _RetryError
            data: bytes = base.recv(self, size)
            self.moved += len(data)
            return data

    return Data
