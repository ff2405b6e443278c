"""Requests as bytes over in-memory streams: no sockets."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass

import pytest

from hal.simulator.http import HttpServer, serve_connection
from tests.rig.virtual_time import run_virtual


@dataclass(frozen=True)
class Said:
    """What a handler answers."""

    status: int
    text: bytes

    def body(self) -> bytes:
        return self.text


def handler(method: str, target: str, body: bytes) -> Said:
    return Said(404 if target == "/none" else 200, method.encode() + b" " + target.encode() + b" " + body)


def exchange(*pieces: bytes) -> bytes:
    """Send pieces on one connection; everything that comes back until it is closed."""

    async def story() -> bytes:
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        serving = asyncio.ensure_future(serve_connection(*await asyncio.open_connection(sock=theirs), handler))
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.01)
        writer.write_eof()
        received = await reader.read()
        await serving
        writer.close()
        await writer.wait_closed()
        return received

    return run_virtual(story())


def test_one_request() -> None:
    received = exchange(b"POST /v1/cards HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Type: application/json" in head
    assert body == b"POST /v1/cards {}"


def test_several_requests_in_pieces_on_one_connection() -> None:
    received = exchange(b"GET /a HT", b"TP/1.1\r\n\r\nGET /none HTTP/1.1\r\n", b"\r\n")
    assert received.count(b"HTTP/1.1 ") == 2
    assert b"404 Not Found" in received


def test_a_chunked_body_and_expect() -> None:
    received = exchange(
        b"POST /a HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
    )
    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert received.endswith(b"POST /a abc")


def test_connection_close_is_obeyed() -> None:
    received = exchange(b"GET /a HTTP/1.1\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\n\r\n")
    assert received.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"hello\r\n\r\n",
        b"GET / SPDY/3\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\n" + b"x" * 100_000,
    ],
)
def test_what_is_no_request_ends_the_connection(request_bytes: bytes) -> None:
    received = exchange(request_bytes)
    assert received.startswith(b"HTTP/1.1 400 ")


@pytest.mark.rung3
def test_leaving_the_server_hangs_up() -> None:
    async def story() -> bytes:
        async with HttpServer(handler, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET /a HTTP/1.1\r\n\r\n")
            await reader.readuntil(b"GET /a ")
        rest = await reader.read()
        writer.close()
        await writer.wait_closed()
        return rest

    assert asyncio.run(story()) == b""
