"""A TCP proxy between the station and one backend, to cut, stall, blind or delay the link.

It runs on any asyncio loop, virtual or real. `async with LinkCutter(lambda: backend.port) as cutter:` then the station
dials `cutter.port`.

| mode | new connections | running ones |
|---|---|---|
| `PASS` | joined to the backend | bytes pass, after `delay_s` each way |
| `REFUSE` | reset at once | untouched; `cut()` ends them |
| `HALF_OPEN` | accepted, nothing passes | nothing passes in either direction, nobody is told |
| `BLACK_HOLE` | accepted, nothing is ever answered | bytes of the station vanish, those of the backend too |
| `DRIP` | joined to the backend | one byte a second each way |

`HALF_OPEN` keeps what it holds back and hands it on when the mode returns to `PASS`, as a network does whose packets
are repeated; `BLACK_HOLE` throws it away, and a connection that lost bytes so is reset when the mode changes.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import Any, Self

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_PING = 0x89
"""First byte of a ping (RFC 6455 5.2)."""


class Mode(StrEnum):
    """What happens to the link; the table is above."""

    PASS = "pass"
    REFUSE = "refuse"
    HALF_OPEN = "half_open"
    BLACK_HOLE = "black_hole"
    DRIP = "drip"


class LinkCutter:
    """One proxy."""

    def __init__(self, backend_port: Callable[[], int], *, port: int = 0, delay_s: float = 0.0) -> None:
        self.delay_s = delay_s
        self.accepted = 0
        """Connections that came in."""
        self.port = port
        self.pings: list[float] = []
        """Loop times at which a ping of the station came."""
        self._backend_port = backend_port
        self._mode = Mode.PASS
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def mode(self) -> Mode:
        """The present mode."""
        return self._mode

    def set(self, mode: Mode) -> None:
        """Change the mode for what comes from now on."""
        self._mode = mode
        self._changed.set()
        self._changed = asyncio.Event()

    def cut(self) -> None:
        """Reset every running connection towards both ends."""
        for task in tuple(self._tasks):
            task.cancel()

    @property
    def running(self) -> int:
        """Connections that are joined or held right now."""
        return len(self._tasks)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (asyncio.CancelledError, OSError):
            pass  # cut, or one end reset: both ends get a reset below
        finally:
            _reset(writer)
            self._tasks.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode is Mode.REFUSE:
            return
        while self._mode not in (Mode.PASS, Mode.DRIP):
            await self._changed.wait()
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._backend_port())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, far_writer, self.pings))
                group.create_task(self._pump(far_reader, writer))
        except* OSError:
            pass
        finally:
            _reset(far_writer)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pings: list[float] | None = None
    ) -> None:
        while data := await reader.read(65_536):
            if pings is not None and data[0] == _PING:
                pings.append(asyncio.get_running_loop().time())
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            while self._mode is Mode.HALF_OPEN:
                await self._changed.wait()
            if self._mode is Mode.BLACK_HOLE:
                while self._mode is Mode.BLACK_HOLE:
                    await self._changed.wait()
                raise ConnectionResetError("bytes were lost on the way")
            while self._mode is Mode.DRIP and data:
                writer.write(data[:1])
                data = data[1:]
                await asyncio.sleep(1)
            writer.write(data)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None and not writer.transport.is_closing():
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
