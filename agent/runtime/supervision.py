"""Keeps the tasks of the agent running, and knows which of them it cannot live without.

Theory of operation
-------------------
A *kept* task (an upstream, a control connection, a transfer) that fails is started again after a pause that grows; the
others do not notice. A *vital* task (engine, writer, bus) that fails, or ends, ends `run`: the process then stops in
order with `EXIT_FAILED`, and the service manager switches everything off and starts it again. Nobody here restarts a
vital task: what state it left behind is unknown, and recovery from the disk is the tested way.

Time and chance are injected through `Pace`; the pauses are pure (`pause_s`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

EXIT_OK = 0
EXIT_FAILED = 70
"""A vital task failed (EX_SOFTWARE of sysexits.h)."""
EXIT_SETTINGS = 78
"""The factory file cannot be used (EX_CONFIG of sysexits.h)."""

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
SETTLED_S = 60.0
"""A task that ran this long has recovered: its next failure counts as the first."""

Start = Callable[[], Awaitable[None]]
Tell = Callable[..., None]
"""The log: `tell(event_id, **fields)`."""


def pause_s(failures: int, chance: float) -> float:
    """Seconds before a task is started again after so many failures in a row; `chance` in [0, 1) spreads them."""
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures - 1, 16))
    return longest * (0.5 + chance / 2)


@dataclass(frozen=True, slots=True)
class Pace:
    """Time and chance of the supervisor."""

    chance: Callable[[], float]
    monotonic_s: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True, slots=True)
class Failure:
    """Which vital task ended the process, and why."""

    task: str
    error: str


class Supervisor:
    """Runs kept and vital tasks until a vital one ends or somebody calls `stop`."""

    def __init__(self, pace: Pace, tell: Tell) -> None:
        self._pace = pace
        self._tell = tell
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._vital: set[str] = set()
        self._failures: Counter[str] = Counter()
        self._stopped = asyncio.Event()

    @property
    def restarts(self) -> Mapping[str, int]:
        """How often each kept task had to be started again since the start of the process."""
        return dict(self._failures)

    def keep(self, name: str, start: Start) -> None:
        """Start a task and start it again whenever it fails. Raises ValueError for a name that runs already."""
        self._add(name, self._kept(name, start))

    def require(self, name: str, start: Start) -> None:
        """Start a task that the station cannot be without. Raises ValueError for a name that runs already."""
        self._vital.add(name)
        self._add(name, start())

    def stop(self) -> None:
        """Let `run` return without a failure; it cancels what still runs."""
        self._stopped.set()

    async def run(self) -> Failure | None:
        """Wait until a vital task ends (returns what happened) or `stop` was called (None); then cancel the rest."""
        stopped = asyncio.ensure_future(self._stopped.wait())
        vital = {self._tasks[name] for name in self._vital}
        try:
            await asyncio.wait({stopped, *vital}, return_when=asyncio.FIRST_COMPLETED)
            return self._failure()
        finally:
            await self._cancel_all([stopped, *self._tasks.values()])

    def _add(self, name: str, work: Awaitable[None]) -> None:
        if name in self._tasks:
            if asyncio.iscoroutine(work):
                work.close()
            raise ValueError(f"a task named {name} runs already; give the new one another name")
        self._tasks[name] = asyncio.ensure_future(work)

    def _failure(self) -> Failure | None:
        for name in sorted(self._vital):
            task = self._tasks[name]
            if task.done():
                error = "it was cancelled" if task.cancelled() else describe(task.exception())
                self._tell("agent.failed", task=name, error=error)
                return Failure(name, error)
        return None

    async def _kept(self, name: str, start: Start) -> None:
        failures = 0
        while True:
            began = self._pace.monotonic_s()
            error = await self._outcome(start)
            failures = 1 if self._pace.monotonic_s() - began >= SETTLED_S else failures + 1
            self._failures[name] += 1
            delay = pause_s(failures, self._pace.chance())
            self._tell("agent.task_restarted", task=name, delay_s=round(delay, 1), error=error)
            await self._pace.sleep(delay)

    async def _outcome(self, start: Start) -> str:
        """Run a kept task to its end, whatever that is; only our own cancellation passes through."""
        task = asyncio.ensure_future(start())
        try:
            await asyncio.wait({task})
        finally:
            await self._cancel_all([task])
        return "it was cancelled" if task.cancelled() else describe(task.exception())

    async def _cancel_all(self, tasks: Sequence[asyncio.Future[Any]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def describe(error: BaseException | None) -> str:
    """An exception in one line, with the place it comes from; `it ended by itself` without one."""
    if error is None:
        return "it ended by itself"
    place = ""
    trace = error.__traceback__
    while trace is not None:
        place = f" at {trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}: {error}{place}"
