"""Lines of the plant for masters in the same process: no tty, no thread, exact on a virtual-time loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hal.simulator.wire.line import LineFormat, LineSettings, SerialEnd

FindLine = Callable[[str], SerialEnd | None]


class InProcessPort:
    """What a master holds of an open line."""

    def __init__(self, line: SerialEnd) -> None:
        self._line = line
        self._received = bytearray()
        self._readable = asyncio.Event()
        self._gone = False
        self._deliver = self._take
        line.attach(self._deliver)

    @property
    def waiting(self) -> int:
        """Bytes that can be read at once."""
        return len(self._received)

    async def read(self) -> bytes:
        """Wait for at least one byte; `b""` once the line is gone."""
        await self._readable.wait()
        data = bytes(self._received)
        self._received.clear()
        if not self._gone:
            self._readable.clear()
        return data

    async def write(self, data: bytes) -> None:
        """Hand bytes to the line. Raises OSError when it is gone."""
        if self._gone:
            raise OSError("the serial line is gone")
        self._line.receive(data)

    async def flush(self) -> None:
        """Forget what was not read yet."""
        self._received.clear()
        if not self._gone:
            self._readable.clear()

    async def close(self) -> None:
        """Give the line back."""
        self._line.detach(self._deliver)
        self.vanish()

    def vanish(self) -> None:
        """The adapter is pulled out: reads end, writes fail."""
        self._gone = True
        self._readable.set()

    def _take(self, data: bytes) -> None:
        if not self._gone:
            self._received += data
            self._readable.set()


class InProcessPorts:
    """Opens lines by address: `plant:NAME`, or the port that the factory file names for the line."""

    def __init__(self, find: FindLine) -> None:
        self._find = find
        self.opened: list[InProcessPort] = []

    async def __call__(self, address: str, settings: LineSettings) -> InProcessPort:
        """Open a line with the settings of a master. Raises OSError where there is none."""
        line = self._find(address.removeprefix("plant:"))
        if line is None:
            raise OSError(f"{address}: the plant has no such line")
        line.format = LineFormat(settings.baud, settings.parity, settings.stop_bits)
        port = InProcessPort(line)
        self.opened.append(port)
        return port
