"""A small HTTP proxy that knows CONNECT and nothing else, for tests of uplinks."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class ConnectProxy:
    """Keeps what it was asked; tunnels to where it was asked, whatever name that has, at 127.0.0.1."""

    login: str = ""
    answer: bytes = b""
    """Instead of a tunnel: these bytes, and then the end."""
    asked: list[str] = field(default_factory=list)
    carried: bytearray = field(default_factory=bytearray)
    """What the station sent through the tunnel."""
    port: int = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        async with _closing(writer):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
            self.asked.append(head)
            if self.answer or not self._knows(head):
                writer.write(self.answer or b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            else:
                await self._tunnel(int(head.split(" ")[1].rpartition(":")[2]), reader, writer)

    def _knows(self, head: str) -> bool:
        wanted = "Proxy-Authorization: Basic " + base64.b64encode(self.login.encode()).decode()
        return not self.login or wanted in head.split("\r\n")

    async def _tunnel(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        beyond_reader, beyond_writer = await asyncio.open_connection("127.0.0.1", port)
        async with _closing(beyond_writer):
            writer.write(b"HTTP/1.1 200 Connection established\r\nVia: rig\r\n\r\n")
            there = asyncio.create_task(_pump(reader, beyond_writer, self.carried))
            back = asyncio.create_task(_pump(beyond_reader, writer, bytearray()))
            try:
                await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                there.cancel()
                back.cancel()
                await asyncio.gather(there, back, return_exceptions=True)


@asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        try:
            yield
        finally:
            writer.close()
            await writer.wait_closed()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter, seen: bytearray) -> None:
    while data := await source.read(4_096):
        seen += data
        target.write(data)
        await target.drain()


@asynccontextmanager
async def connect_proxy(proxy: ConnectProxy) -> AsyncIterator[ConnectProxy]:
    """The proxy listens on 127.0.0.1 inside the block; at its end every connection is closed."""
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(proxy.handle(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        async with server:
            yield proxy
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
