"""Just enough HTTP/1.1 for the control interface: requests with a length, answers in JSON, connections that persist."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

LONGEST_HEAD = 16 * 1024
LONGEST_BODY = 256 * 1024
IDLE_S = 60.0


class HttpAnswer(Protocol):
    """What a handler returns."""

    @property
    def status(self) -> int:
        """HTTP status code."""

    def body(self) -> bytes:
        """JSON text."""


Handler = Callable[[str, str, bytes], HttpAnswer]
"""Method, target and body to an answer; must not block."""


class Malformed(Exception):
    """The bytes are no request that this server understands; the connection ends."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request."""

    method: str
    target: str
    body: bytes
    keep_alive: bool


async def serve_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> None:
    """Answer the requests of one connection until it ends."""
    try:
        with contextlib.suppress(TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            while True:
                async with asyncio.timeout(IDLE_S):
                    request = await read_request(reader, writer)
                writer.write(render(handler(request.method, request.target, request.body), request.keep_alive))
                await writer.drain()
                if not request.keep_alive:
                    break
    except Malformed:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> HttpRequest:
    """Read one request. Raises Malformed, or IncompleteReadError at the end of the connection."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError:
        raise Malformed from None
    lines = head.split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise Malformed
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    if fields.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    keep_alive = fields.get("connection", "").lower() != "close" and words[2] != "HTTP/1.0"
    return HttpRequest(words[0], words[1], await _read_body(reader, fields), keep_alive)


def render(answer: HttpAnswer, keep_alive: bool) -> bytes:
    """An answer as bytes."""
    body = answer.body()
    head = (
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
    )
    return head.encode() + body


async def _read_body(reader: asyncio.StreamReader, fields: dict[str, str]) -> bytes:
    if fields.get("transfer-encoding", "").lower() == "chunked":
        return await _read_chunks(reader)
    length = fields.get("content-length", "0")
    if not length.isdecimal() or int(length) > LONGEST_BODY:
        raise Malformed
    return await reader.readexactly(int(length))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while True:
        try:
            size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        except (ValueError, asyncio.LimitOverrunError):
            raise Malformed from None
        if size < 0 or len(body) + size > LONGEST_BODY:
            raise Malformed
        body += await reader.readexactly(size)
        await reader.readexactly(2)
        if size == 0:
            return body


class HttpServer:
    """Listens while it is entered; leaving it ends every connection."""

    def __init__(self, handler: Handler, host: str, port: int) -> None:
        self._handler = handler
        self._host = host
        self.port = port
        """The real one once it listens, where 0 was asked for."""
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> HttpServer:
        """Listen. Raises OSError when the address is taken."""
        self._server = await asyncio.start_server(self._connected, self._host, self.port, limit=LONGEST_HEAD)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening and hang up."""
        assert self._server is not None
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await serve_connection(reader, writer, self._handler)
        except asyncio.CancelledError:
            pass  # hung up by us: streams would report it as an error
        finally:
            self._connections.discard(task)
