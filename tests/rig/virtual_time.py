"""An asyncio event loop on virtual time, for whole-agent tests with no `sleep` in them.

Theory of operation
-------------------
`loop.time()` is a number that only this file moves. Whenever no callback is ready and no socket has data, the loop
jumps straight to its next timer, so that an hour of waiting costs as long as its callbacks take.

Sockets are real. What was sent on a TCP socket may be under way inside the kernel for a moment; a jump must not
overtake it. So every socket that the loop turns into a transport is watched: after a send, a connect or a close the
loop waits up to `GRACE_S` of *real* time for its effect before it jumps. Unix socket pairs deliver at once and need no
grace. Threads are not used: `run_in_executor` runs its function inline.

A loop with nothing ready, no timer and no data would wait for ever: that is `VirtualDeadlock`, with the list of the
tasks and where each one waits. A guard ends a run that takes too much real time.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")

START_S = 1000.0
"""Virtual time at which a loop begins: far from zero, so that a forgotten zero shows."""
EPOCH_MS = 1_767_225_600_000
"""Wall time at the start of a virtual run: 2026-01-01T00:00:00Z."""
GRACE_S = 0.001
"""Real seconds that data on a loopback TCP socket may take before a short jump."""
LONG_JUMP_S = 0.05
"""A jump farther than this waits for loopback data twice as long."""
LAST_GRACE_S = 0.2
"""Real seconds to wait for data when there is no timer at all, before the run counts as stuck."""
DEFAULT_LIMIT_S = 24 * 3600.0
DEFAULT_REAL_LIMIT_S = 60.0


class VirtualDeadlock(RuntimeError):
    """Nothing is ready, no timer is set and no data comes: every task waits for another one."""


class VirtualTimeLimit(TimeoutError):
    """The run wanted to wait past its limit of virtual time."""


class RealTimeLimit(RuntimeError):
    """The run used more real time than allowed: a busy loop, or a test that is too long."""


class _WatchedSocket(socket.socket):
    """A socket that tells its loop when something went into the kernel."""

    touched: Callable[[], None]

    def send(self, *arguments: Any) -> int:
        """As `socket.send`; marks the loop."""
        self.touched()
        return super().send(*arguments)

    def sendmsg(self, *arguments: Any) -> int:
        """As `socket.sendmsg`; marks the loop."""
        self.touched()
        return super().sendmsg(*arguments)

    def shutdown(self, how: int) -> None:
        """As `socket.shutdown`; marks the loop."""
        self.touched()
        super().shutdown(how)

    def close(self) -> None:
        """As `socket.close`; marks the loop."""
        self.touched()
        super().close()


class _JumpingSelector(selectors.BaseSelector):
    """Polls the real selector and, when it has nothing, moves the loop's time instead of waiting."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.loop: VirtualTimeLoop | None = None

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Passed on."""
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Passed on."""
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Passed on."""
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Any:
        """Passed on."""
        return self._real.get_map()

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        """Passed on."""
        return self._real.get_key(fileobj)

    def close(self) -> None:
        """Passed on."""
        self._real.close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now; else the time of the loop has moved by `timeout`."""
        loop = self.loop
        assert loop is not None
        loop.check_real_time()
        events = self._real.select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        if loop.in_flight:
            grace = GRACE_S if timeout is not None and timeout <= LONG_JUMP_S else 2 * GRACE_S
            events = self._real.select(grace)
            if events:
                return events
            loop.in_flight = False
        if timeout is None:
            events = self._real.select(LAST_GRACE_S)
            if not events:
                raise VirtualDeadlock(_waiting(loop))
            return events
        loop.jump(timeout)
        return events


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The loop itself. `time()` is virtual seconds; `elapsed_s` counts them from the start of the run."""

    def __init__(self, *, limit_s: float = DEFAULT_LIMIT_S, real_limit_s: float = DEFAULT_REAL_LIMIT_S) -> None:
        self._now_s = START_S
        self._end_s = START_S + limit_s
        self._real_end_s = time.monotonic() + real_limit_s
        self._real_limit_s = real_limit_s
        self.in_flight = False
        """Something was sent on a TCP socket since the kernel was last seen quiet."""
        selector = _JumpingSelector()
        super().__init__(selector)
        selector.loop = self
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Virtual seconds."""
        return self._now_s

    @property
    def elapsed_s(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now_s - START_S

    def jump(self, seconds: float) -> None:
        """Move the time. Only the selector calls this. Raises `VirtualTimeLimit` instead of passing the limit."""
        if self._now_s + seconds > self._end_s:
            limit_s, self._end_s = self._end_s - START_S, float("inf")  # the clean-up after it may still run
            raise VirtualTimeLimit(f"more than {limit_s:g} virtual seconds\n{_waiting(self)}")
        self._now_s += seconds

    def touch(self) -> None:
        """Something went into the kernel."""
        self.in_flight = True

    def check_real_time(self) -> None:
        """Raise once the run has used up its real time."""
        if time.monotonic() > self._real_end_s:
            self._real_end_s = float("inf")  # the clean-up after it may still run
            raise RealTimeLimit(
                f"more than {self._real_limit_s:g} s of real time for {self.elapsed_s:.3f} virtual seconds"
                f"\n{_waiting(self)}"
            )

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        """Inline: a thread would be overtaken by the next jump."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # handed to whoever awaits the future
            future.set_exception(error)
        return future

    async def sock_connect(self, sock: Any, address: Any) -> None:
        """As in asyncio; marks the loop."""
        self.touch()
        await super().sock_connect(sock, address)

    def _make_socket_transport(self, sock: Any, *args: Any, **options: Any) -> Any:
        return super()._make_socket_transport(self._watched(sock), *args, **options)  # type: ignore[misc]

    def _make_ssl_transport(self, rawsock: Any, *args: Any, **options: Any) -> Any:
        return super()._make_ssl_transport(self._watched(rawsock), *args, **options)  # type: ignore[misc]

    def _watched(self, sock: socket.socket) -> socket.socket:
        self.touch()
        if sock.family == socket.AF_UNIX:
            return sock
        watched = _WatchedSocket(sock.family, sock.type, sock.proto, sock.detach())
        watched.touched = self.touch
        watched.setblocking(False)
        return watched


def run_virtual(
    coroutine: Coroutine[Any, Any, T],
    *,
    limit_s: float = DEFAULT_LIMIT_S,
    real_limit_s: float = DEFAULT_REAL_LIMIT_S,
) -> T:
    """Run a coroutine on a fresh virtual-time loop and return its result.

    Raises `VirtualTimeLimit` after `limit_s` virtual seconds, `RealTimeLimit` after `real_limit_s` real ones, and
    `VirtualDeadlock` when everything waits for everything. Tasks that are left over are cancelled and awaited.
    """
    try:
        with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(limit_s=limit_s, real_limit_s=real_limit_s)) as runner:
            return runner.run(coroutine)
    finally:
        coroutine.close()


def now_s() -> float:
    """Virtual seconds since the start of the run (inside `run_virtual`), or loop time on another loop."""
    loop = asyncio.get_running_loop()
    return loop.elapsed_s if isinstance(loop, VirtualTimeLoop) else loop.time()


def wall_ms() -> int:
    """Wall time of whoever plays the outside world: virtual on a virtual loop, else the machine's."""
    loop = asyncio.get_running_loop()
    return EPOCH_MS + round(loop.elapsed_s * 1000) if isinstance(loop, VirtualTimeLoop) else round(time.time() * 1000)


async def until(condition: Callable[[], object], *, within_s: float, poll_s: float = 0.05, what: str = "") -> float:
    """Wait until `condition()` is true; returns how many seconds it took. Raises AssertionError when it does not."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    while not condition():
        if loop.time() - began_s >= within_s:
            raise AssertionError(f"not within {within_s:g} s: {what or getattr(condition, '__name__', condition)}")
        await asyncio.sleep(poll_s)
    return loop.time() - began_s


async def settle(rounds: int = 20) -> None:
    """Let everything that is ready run, without letting time pass."""
    for _ in range(rounds):
        await asyncio.sleep(0)


async def cancelled(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until they are gone; an error of theirs is raised."""
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task


def _waiting(loop: asyncio.AbstractEventLoop) -> str:
    lines = []
    for task in asyncio.all_tasks(loop):
        frames = task.get_stack(limit=1)
        where = f"{frames[-1].f_code.co_filename}:{frames[-1].f_lineno}" if frames else "?"
        lines.append(f"  {task.get_name()}: {getattr(task.get_coro(), '__qualname__', '?')} at {where}")
    return "tasks that wait:\n" + "\n".join(sorted(lines))
