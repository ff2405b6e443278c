"""The floors under the figures, measured on this machine in the same run: transport, interpreter, durable write."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from tests.bench.report import Figure, milliseconds

ROUNDS = 2_000


async def tcp_echo() -> list[float]:
    """Round trips of 64 bytes over loopback TCP, in seconds."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1024):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
    samples = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        writer.write(b"x" * 64)
        await reader.readexactly(64)
        samples.append(time.perf_counter() - start)
    writer.close()
    await writer.wait_closed()
    server.close()
    return samples


async def websocket_echo() -> list[float]:
    """Round trips of 64 characters over a loopback WebSocket, in seconds."""

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with serve(echo, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}", compression=None, proxy=None) as client:
            samples = []
            for _ in range(ROUNDS):
                start = time.perf_counter()
                await client.send("x" * 64)
                await client.recv()
                samples.append(time.perf_counter() - start)
    return samples


def interpreter_start() -> list[float]:
    """Start and end of an interpreter that does nothing, in seconds."""
    samples = []
    for _ in range(20):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-c", "pass"], check=True)
        samples.append(time.perf_counter() - start)
    return samples


def durable_write() -> list[float]:
    """Append 4 KiB to a preallocated file and `fdatasync`, in seconds."""
    samples = []
    with tempfile.TemporaryDirectory() as folder:
        descriptor = os.open(Path(folder) / "floor", os.O_RDWR | os.O_CREAT)
        os.posix_fallocate(descriptor, 0, 4096 * 300)
        for index in range(200):
            start = time.perf_counter()
            os.pwrite(descriptor, b"x" * 4096, index * 4096)
            os.fdatasync(descriptor)
            samples.append(time.perf_counter() - start)
        os.close(descriptor)
    return samples


def measure() -> list[Figure]:
    """All floors."""
    return [
        Figure("floor", "TCP echo", "", milliseconds(asyncio.run(tcp_echo()))),
        Figure("floor", "websockets echo", "", milliseconds(asyncio.run(websocket_echo()))),
        Figure("floor", "interpreter start and end", "", milliseconds(interpreter_start())),
        Figure("floor", "durable write of 4 KiB (fdatasync)", "", milliseconds(durable_write())),
    ]
