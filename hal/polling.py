"""Who is asked when: the rounds of a board and of a meter, and when their silence is a fault.

A round is due one period after it began to wait for the line. A round that fails changes nothing but the clock: once
the last good one is older than three periods (at least 3 s) the device is told as offline, once; the first good round
after that tells it as recovered, once. The time that a meter was not asked, since its line was busy with others, is no
silence of the meter and does not count. Of a board it does: a pilot that nobody looks at is as good as unknown.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hal.api import Fault
from hal.bus_queue import Due, Outcome, Priority
from hal.changes import FaultKeeper
from hal.profile import Register
from hal.register_reader import RegisterReader
from hal.registers import Value


@dataclass(frozen=True, slots=True)
class Pace:
    """Periods in seconds."""

    session_s: float
    idle_s: float


BOARD_PACE = Pace(0.2, 0.5)
METER_PACE = Pace(1.0, 10.0)
LEAST_STALE_S = 3.0
ASKED_S = 0.2
"""A reading that a session waits for to begin or to end is as urgent as a pilot."""
SLOW_EVERY = 10
"""In a session, slow registers are read in every tenth round."""


class Freshness:
    """How old the last good round is, told as one fault."""

    def __init__(self, fault: Fault, faults: FaultKeeper, now: float) -> None:
        self._fault = fault
        self._faults = faults
        self._good_at = now
        self._silent = False

    def good(self, now: float) -> bool:
        """A round succeeded. True when it ended a silence that was told."""
        self._good_at = now
        was_silent, self._silent = self._silent, False
        self._faults.set(self._fault, "silence", False, now)
        return was_silent

    def not_asked(self, seconds: float) -> None:
        """For so much of the time since then the line had no time for the device."""
        self._good_at += seconds

    def bad(self, now: float, period_s: float, detail: str) -> None:
        """A round failed."""
        if now - self._good_at >= max(3 * period_s, LEAST_STALE_S):
            self._silent = True
            self._faults.set(self._fault, "silence", True, now, detail)


class Poller:
    """Common to boards and meters: a loop with two paces that can be woken early."""

    def __init__(self, pace: Pace, fault: Fault, reader: RegisterReader, faults: FaultKeeper) -> None:
        self._pace = pace
        self._fault = fault
        self._reader = reader
        self._faults = faults
        self._wake = asyncio.Event()
        self._in_session = False

    def session_pace(self, in_session: bool) -> None:
        """See `Hardware.session_pace`."""
        if in_session is not self._in_session:
            self._in_session = in_session
            self._wake.set()

    @property
    def period_s(self) -> float:
        """The present period."""
        return self._pace.session_s if self._in_session else self._pace.idle_s

    async def run(self) -> None:
        """Poll until cancelled."""
        freshness = Freshness(self._fault, self._faults, self._now())
        while True:
            started = self._now()
            await self._round(freshness)
            self._faults.tick(self._now())
            await self._rest(started)

    async def _round(self, freshness: Freshness) -> None:
        raise NotImplementedError

    def _next_at(self, started: float) -> float:
        return started + self.period_s

    async def _rest(self, started: float) -> None:
        wait_s = max(self._next_at(started) - self._now(), 0.001)
        try:
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


class BoardPoller(Poller):
    """`take(values, now)` gets each good round; `recheck_at` says when the pilot wants a look before the next one."""

    def __init__(
        self,
        reader: RegisterReader,
        registers: Sequence[Register],
        faults: FaultKeeper,
        take: Callable[[Mapping[str, Value], float], None],
        recheck_at: Callable[[], float | None],
        is_back: Callable[[], None],
    ) -> None:
        super().__init__(BOARD_PACE, Fault.CONTROLLER_OFFLINE, reader, faults)
        self._registers = registers
        self._take = take
        self._recheck_at = recheck_at
        self._is_back = is_back

    async def _round(self, freshness: Freshness) -> None:
        priority = Priority.PILOT if self._in_session else Priority.IDLE
        with self._growing_old(freshness):
            values = await self._reader.read(self._registers, priority, Due.within(self.period_s, self._now()))
        if isinstance(values, Outcome):
            freshness.bad(self._now(), self.period_s, values.detail)
            return
        if freshness.good(self._now()):
            self._is_back()
        self._take(values, self._now())

    @contextlib.contextmanager
    def _growing_old(self, freshness: Freshness) -> Iterator[None]:
        """While a round waits for its line, what was read last grows old all the same."""
        loop = asyncio.get_running_loop()

        def late() -> None:
            freshness.bad(self._now(), self.period_s, "its line is busy with others")
            waits[0] = loop.call_later(LEAST_STALE_S, late)

        waits = [loop.call_later(LEAST_STALE_S, late)]
        try:
            yield
        finally:
            waits[0].cancel()

    def _next_at(self, started: float) -> float:
        recheck = self._recheck_at()
        regular = super()._next_at(started)
        return regular if recheck is None else min(regular, recheck)


class MeterPoller(Poller):
    """`take(values, requests, now)` gets each good round with the tokens that were waiting when it began."""

    def __init__(
        self,
        reader: RegisterReader,
        wanted: Callable[[bool], Sequence[Register]],
        faults: FaultKeeper,
        take: Callable[[Mapping[str, Value], Iterable[int], float], None],
        failed: Callable[[str], None],
    ) -> None:
        super().__init__(METER_PACE, Fault.METER_OFFLINE, reader, faults)
        self._wanted = wanted
        self._take = take
        self._failed = failed
        self._requests: list[int] = []
        self._count = 0

    def request(self, token: int) -> None:
        """Read afresh: a whole round that begins after this call."""
        self._requests.append(token)
        self._wake.set()

    async def _round(self, freshness: Freshness) -> None:
        asked, self._requests = self._requests, []
        slow_too = not self._in_session or self._count % SLOW_EVERY == 0
        self._count += 1
        waited_s = self._reader.waited_s
        values = await self._reader.read(self._wanted(slow_too), *self._turn(bool(asked)))
        if isinstance(values, Outcome):
            freshness.not_asked(self._reader.waited_s - waited_s)
            freshness.bad(self._now(), self.period_s, values.detail)
            if asked:
                self._failed(values.detail)
            return
        freshness.good(self._now())
        self._take(values, asked or (0,), self._now())

    def _turn(self, asked: bool) -> tuple[Priority, Due]:
        priority = Priority.METER if asked or self._in_session else Priority.IDLE
        return priority, Due.within(ASKED_S if asked else self.period_s, self._now())
