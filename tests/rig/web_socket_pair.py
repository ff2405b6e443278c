"""A real WebSocket server and client of the `websockets` package, joined by a socket pair in one loop.

Tests of links use it where no TCP is wanted: `async with served(handler) as connect:` then `await connect(...)`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve

Handler = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def server_on_loopback(handler: Handler, port: int = 0, **options: Any) -> AsyncIterator[tuple[Server, int]]:
    """A WebSocket server on 127.0.0.1; yields it with its port. `options` as of `websockets.serve`."""
    options.setdefault("compression", None)
    options.setdefault("ping_interval", None)
    async with serve(handler, "127.0.0.1", port, **options) as server:
        yield server, server.sockets[0].getsockname()[1]


@asynccontextmanager
async def link_pair(handler: Handler, *, path: str = "/CP1", **options: Any) -> AsyncIterator[ClientConnection]:
    """A connected client whose far end runs `handler`; both ends are gone when the block ends."""
    options.setdefault("subprotocols", ["ocpp1.6"])
    async with server_on_loopback(handler, subprotocols=options["subprotocols"]) as (_, port):
        client = await connect(f"ws://127.0.0.1:{port}{path}", compression=None, ping_interval=None, **options)
        try:
            yield client
        finally:
            await client.close()


def stream_pair() -> tuple[socket.socket, socket.socket]:
    """Two joined non-blocking stream sockets that deliver at once; for byte-level fakes."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    near.setblocking(False)
    far.setblocking(False)
    return near, far


async def opened(end: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """asyncio streams on one end of a `stream_pair`."""
    return await asyncio.open_connection(sock=end)
