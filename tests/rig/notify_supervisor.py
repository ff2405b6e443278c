"""A small stand-in for the service manager: starts the agent, listens for its life signs, kills, switches off.

Theory of operation
-------------------
`Runner` does for one process what `systemd/stationd.service` promises: it waits for `READY=1`, kills with SIGABRT (and
SIGKILL after that) when no `WATCHDOG=1` came in time, runs `python -m hal.safe_off RUN` after *every* end of the
process, and starts it again. It also stands for the machine: it passes `--boot-id`, and when the file `reboot-request`
appears in the run directory it ends the process in order, empties the run directory and goes on with a new boot id.
`power_cut` is the same without order, and without the switching off: then nothing runs that could switch.

It shares no code with the agent. Library part for tests and for the demonstration; as a program:
`python -m tests.rig.notify_supervisor --run DIR [--watchdog S] -- COMMAND ...`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SAFE_OFF = (sys.executable, "-m", "hal.safe_off")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run, and how patient to be. The defaults are those of the unit file, but for the shorter restart."""

    command: Sequence[str]
    """The agent without `--boot-id` and `--run`, which are added."""
    run: Path
    """The run directory; emptied at every new boot."""
    watchdog_s: float = 10.0
    restart_s: float = 0.5
    stop_s: float = 20.0
    abort_s: float = 2.0
    """Between SIGABRT and SIGKILL."""
    safe_off: Sequence[str] = SAFE_OFF
    safe_off_s: float = 10.0
    output: Path | None = None
    """Where the output of the process goes (appended); None: where ours goes."""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Death:
    """One end of the process."""

    pid: int
    boot_id: str
    code: int
    """Exit status; negative: the signal."""
    by_watchdog: bool
    safe_off: int | None
    """Exit status of the switching off; None: the power was cut, nothing ran."""


class Runner:
    """Runs one process for ever. Start with `async with Runner(plan) as runner:`."""

    def __init__(self, plan: Plan, new_boot_id: Callable[[], str] = lambda: uuid.uuid4().hex) -> None:
        self._plan = plan
        self._new_boot_id = new_boot_id
        self.boot_id = new_boot_id()
        self.deaths: list[Death] = []
        self.status = ""
        """What the process last said with `STATUS=`."""
        self.starts = 0
        self._process: asyncio.subprocess.Process | None = None
        self._ready = asyncio.Event()
        self._died = asyncio.Condition()
        self._deadline_s: float | None = None
        """Loop time by which the next life sign, or the announced end, must have come."""
        self._power_is_cut = False
        self._stopping = False
        self._folder = tempfile.mkdtemp(prefix="notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Runner:
        self._plan.run.mkdir(parents=True, exist_ok=True)
        self._socket.bind(self._address)
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._listen)
        self._task = asyncio.ensure_future(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def pid(self) -> int | None:
        """Process id while the process runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def wait_ready(self) -> None:
        """Until the running process (or the next one) has said `READY=1`. The caller sets the deadline."""
        await self._ready.wait()

    async def wait_death(self, count: int = 1) -> Death:
        """Until so many deaths have been seen in all; returns that one."""
        async with self._died:
            await self._died.wait_for(lambda: len(self.deaths) >= count)
        return self.deaths[count - 1]

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to the process, if it runs."""
        if self.pid is not None:
            os.kill(self.pid, number)

    def power_cut(self) -> None:
        """The machine loses its power: the process is gone at once, nothing switches off, a new boot follows."""
        self._power_is_cut = True
        self.kill(signal.SIGKILL)

    async def stop(self) -> None:
        """End the process in order, switch off, and do not start it again."""
        self._stopping = True
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _address(self) -> str:
        return f"{self._folder}/socket"

    async def _run(self) -> None:
        while not self._stopping:
            self._process = await self._start()
            by_watchdog = await self._guard(self._process)
            await self._after_death(self._process, by_watchdog)
            if not self._stopping:
                await asyncio.sleep(self._plan.restart_s)

    async def _start(self) -> asyncio.subprocess.Process:
        plan = self._plan
        self._ready.clear()
        self._deadline_s = None
        self.starts += 1
        environment = {
            **os.environ,
            **plan.environment,
            "NOTIFY_SOCKET": self._address,
            "WATCHDOG_USEC": str(round(plan.watchdog_s * 1_000_000)),
        }
        command = [*plan.command, "--run", str(plan.run), "--boot-id", self.boot_id]
        with contextlib.ExitStack() as stack:
            output: Any = stack.enter_context(plan.output.open("ab")) if plan.output is not None else None
            return await asyncio.create_subprocess_exec(
                *command, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output
            )

    async def _guard(self, process: asyncio.subprocess.Process) -> bool:
        """Until the process is dead; True if the watchdog had to kill it."""
        ended = asyncio.ensure_future(process.wait())
        loop = asyncio.get_running_loop()
        by_watchdog = False
        while not ended.done():
            await asyncio.wait({ended}, timeout=0.05)
            if ended.done():
                break
            if self._deadline_s is not None and loop.time() > self._deadline_s:
                by_watchdog = True
                await self._kill_hung(process, ended)
            elif self._stopping or self._reboot_is_requested():
                await self._end_in_order()
        return by_watchdog

    async def _kill_hung(self, process: asyncio.subprocess.Process, ended: asyncio.Future[int]) -> None:
        for number in (signal.SIGABRT, signal.SIGCONT):
            _signal(process, number)
        await asyncio.wait({ended}, timeout=self._plan.abort_s)
        if not ended.done():
            _signal(process, signal.SIGKILL)
            await asyncio.wait({ended})

    async def _end_in_order(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        _signal(process, signal.SIGTERM)
        try:
            async with asyncio.timeout(self._plan.stop_s):
                await process.wait()
        except TimeoutError:
            _signal(process, signal.SIGKILL)
            await process.wait()

    async def _after_death(self, process: asyncio.subprocess.Process, by_watchdog: bool) -> None:
        cut, self._power_is_cut = self._power_is_cut, False
        switched_off = None if cut else await self._switch_off()
        code = process.returncode if process.returncode is not None else 0
        death = Death(process.pid, self.boot_id, code, by_watchdog, switched_off)
        if cut or self._reboot_is_requested():
            self.boot_id = self._new_boot_id()
            _empty(self._plan.run)
        self._ready.clear()
        async with self._died:
            self.deaths.append(death)
            self._died.notify_all()

    async def _switch_off(self) -> int:
        process = await asyncio.create_subprocess_exec(
            *self._plan.safe_off, str(self._plan.run), stdin=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(self._plan.safe_off_s):
                return await process.wait()
        except TimeoutError:
            _signal(process, signal.SIGKILL)
            return await process.wait()

    def _reboot_is_requested(self) -> bool:
        return (self._plan.run / "reboot-request").exists()

    def _listen(self) -> None:
        """Take the messages of the process (sd_notify(3))."""
        with contextlib.suppress(BlockingIOError):
            while True:
                for line in self._socket.recv(4096).decode("utf-8", "replace").split("\n"):
                    self._hear(line)

    def _hear(self, line: str) -> None:
        now = asyncio.get_running_loop().time()
        if line in ("READY=1", "WATCHDOG=1"):
            self._deadline_s = now + self._plan.watchdog_s
        if line == "READY=1":
            self._ready.set()
        elif line == "STOPPING=1":
            self._deadline_s = now + self._plan.stop_s
        elif line.startswith("STATUS="):
            self.status = line.removeprefix("STATUS=")


def _signal(process: asyncio.subprocess.Process, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


def _empty(folder: Path) -> None:
    """What a reboot does to a directory in memory."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


async def _main(plan: Plan) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with Runner(plan):
        await ended.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Run a process as systemd would.")
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="run directory")
    parser.add_argument("--watchdog", type=float, default=10.0, metavar="S", help="watchdog time (default 10)")
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="the agent, behind --")
    given = parser.parse_args()
    asyncio.run(_main(Plan(given.command, given.run, given.watchdog)))
