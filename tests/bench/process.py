"""A process under measurement: started, listened to, weighed, ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
COMPILED = ROOT / ".run" / "compiled"
"""An image ships compiled files; here the first start of each kind makes them, and is not counted."""
END_S = 15.0
WATCHDOG_S = 1.0


class Process:
    """One child. Its words go to a log; its life signs (sd_notify(3)) are stamped."""

    def __init__(self, process: asyncio.subprocess.Process, begun_s: float, signs: LifeSigns) -> None:
        self.begun_s = begun_s
        """Just before it was started, in seconds of the monotonic clock."""
        self.signs = signs
        self._process = process

    @classmethod
    async def start(cls, arguments: Sequence[str], log: Path, watchdog_s: float = 10.0) -> Self:
        """`python ARGUMENTS` in the folder of the project."""
        signs = LifeSigns(log.with_suffix(".notify"))
        environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            "PYTHONPYCACHEPREFIX": str(COMPILED),
            "NOTIFY_SOCKET": str(signs.path),
            "WATCHDOG_USEC": str(round(watchdog_s * 1_000_000)),
        }
        with log.open("ab") as output:
            begun_s = time.monotonic()
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                cwd=ROOT,
                env=environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=output,
            )
        return cls(process, begun_s, signs)

    @property
    def cpu_s(self) -> float:
        """Processor time of all its threads, to the nanosecond (clock_getcpuclockid(3))."""
        return time.clock_gettime(~self._process.pid << 3 | 2)

    @property
    def resident_mib(self) -> float:
        """Resident set (`VmRSS`)."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) / 1024

    def has_mapped(self, package: str) -> bool:
        """A shared object of the package is in its memory."""
        return f"/{package}/" in Path(f"/proc/{self._process.pid}/maps").read_text()

    def tell(self, line: str) -> None:
        """A line for its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")

    async def hear(self) -> str:
        """A line of its standard output. Raises RuntimeError when there will be none."""
        assert self._process.stdout is not None
        async with asyncio.timeout(END_S):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process has ended; see its log")
        return line.decode().strip()

    async def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        await self._process.communicate()
        self.signs.close()

    async def stop(self) -> None:
        """End it in order; kill it if it does not."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.communicate(), END_S)
        except TimeoutError:
            self._process.kill()
            await self._process.communicate()
        self.signs.close()


class LifeSigns:
    """The service manager's end of `NOTIFY_SOCKET`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.feeds: list[float] = []
        """When each `WATCHDOG=1` came."""
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(path))
        asyncio.get_running_loop().add_reader(self._socket, self._listen)

    def close(self) -> None:
        """Listen no more."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self.path.unlink(missing_ok=True)

    def _listen(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                if b"WATCHDOG=1" in self._socket.recv(4096):
                    self.feeds.append(time.monotonic())
