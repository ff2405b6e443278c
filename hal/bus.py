"""One serial line and the one task that owns it: one request in flight, gaps, one retry, backoff per unit.

Theory of operation
-------------------
`submit` may be called at any time from the loop; the outcome comes by callback, and no device makes anything raise. The
task opens the line when there is something to say and opens it again after it was lost, at most every `REOPEN_S`, but
always tries for an actuation. A unit that let `FAILURES_TO_REST` tries in a row pass and was silent for
`SILENCE_TO_REST_S` rests: polls of it are skipped for 5, then 10 seconds, so that a dead meter costs its neighbours one
time-out in ten seconds. Actuations are always tried, once while it rests: who needs them tries again.

A request that timed out lets the line settle before the next one, so that a late answer is flushed and not mistaken
for another's. Between two requests or tries goes first whose turn is before (`hal.bus_queue`). Garbled answers show
that the unit is there: they are tried again sooner and once more, and the unit does not rest for them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hal import modbus
from hal.bus_queue import WHENEVER, BusQueue, Due, Job, Outcome, Priority, Result
from hal.modbus import Receiver, Recent, Refusal, Reply, Request
from hal.serial_port import PortFactory, SerialPort, SerialSettings

ANSWER_S = 0.4
"""Longest wait for an answer beyond its time on the wire."""
TRIES = 2
TRIES_OF_GARBLED = 3
SETTLE_S = 0.1
GARBLED_S = 0.1
"""How much longer to wait once as many bytes came as the answer is long, and they were not it."""
FAILURES_TO_REST = 4
SILENCE_TO_REST_S = 1.5
"""A unit on a noisy line does not rest: it must have been silent for so long as well."""
DOUBTFUL_S = 1.0
FIRST_REST_S = 5.0
LONGEST_REST_S = 10.0
REOPEN_S = 2.0
PATIENCE_S = 1.0
"""After so long a turn is due of what is no poll and no actuation: the light, a session of a meter that signs."""
Log = Callable[[str], None]


@dataclass(slots=True)
class _UnitHealth:
    """How a unit has answered lately."""

    good_at: float
    failures: int = 0
    rest_s: float = 0.0
    rests_until: float = 0.0

    @property
    def resting(self) -> bool:
        """It is only looked after from time to time."""
        return self.rest_s > 0

    def doubtful(self, now: float) -> bool:
        """It has not answered for so long that a second try of a poll would only cost its neighbours time."""
        return self.failures > TRIES and now - self.good_at >= DOUBTFUL_S

    def good(self, now: float) -> None:
        self.good_at, self.failures, self.rest_s, self.rests_until = now, 0, 0.0, 0.0

    def bad(self, now: float) -> None:
        self.failures += 1
        if self.failures >= FAILURES_TO_REST and now - self.good_at >= SILENCE_TO_REST_S:
            self.rest_s = min(LONGEST_REST_S, 2 * self.rest_s) if self.rest_s else FIRST_REST_S
            self.rests_until = now + self.rest_s


class Bus:
    """A line at `address` with its settings. `run` owns it; everything else only puts jobs into the queue."""

    def __init__(self, name: str, address: str, settings: SerialSettings, ports: PortFactory, log: Log) -> None:
        self.name = name
        self.address = address
        self.settings = settings
        self._ports = ports
        self._log = log
        self._queue = BusQueue()
        self._wake = asyncio.Event()
        self._port: SerialPort | None = None
        self._health: dict[int, _UnitHealth] = {}
        self._reopen_at = 0.0
        self._free_at = 0.0
        self._echoing = False
        self._recent = Recent()
        self._port_trouble = ""
        self.turns = 0
        """How often the task has come round; a supervisor may watch it grow."""

    def submit(self, job: Job) -> None:
        """Queue a job. Never raises for a device; the outcome comes by `job.done`, perhaps before this returns."""
        job.submitted_at = self._now()
        if job.due is WHENEVER and job.priority >= Priority.PILOT:
            job.due = Due.within(PATIENCE_S, job.submitted_at)
        self._queue.put(job)
        self._wake.set()

    def revoke(self, connector: int, grant: int) -> None:
        """Drop the power writes of a connector below `grant`, waiting or yet to come."""
        self._queue.revoke(connector, grant)

    async def ask(
        self,
        unit: int,
        requests: Sequence[Request],
        priority: Priority,
        gap_s: float,
        due: Due = WHENEVER,
        *,
        once: bool = False,
    ) -> Outcome:
        """Submit a job and wait for its outcome."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Outcome] = loop.create_future()

        def done(outcome: Outcome) -> None:
            if not answer.done():
                answer.set_result(outcome)

        self.submit(Job(unit, requests, priority, done, gap_s=gap_s, due=due, once=once))
        return await answer

    async def run(self) -> None:
        """Serve jobs until cancelled."""
        try:
            while True:
                self.turns += 1
                job = self._queue.take(self._now())
                if job is None:
                    self._wake.clear()
                    await self._wake.wait()
                else:
                    await self._serve(job)
        finally:
            await self._close()

    async def _serve(self, job: Job) -> None:
        """Send the requests of a job as long as it is its turn and its grant is current."""
        if self._rests(job):
            job.end(Result.SKIPPED, f"unit {job.unit} has not answered; left alone for a while")
            return
        while not job.finished:
            await self._silence(max(job.gap_s, self.settings.silence_s))
            if self._queue.stale(job):
                job.end(Result.REVOKED, "grant is no longer current")
                return
            if self._queue.actuation_waits_before(job.priority):
                self._queue.put_back(job)  # were it for any poll, meters with long gaps would starve
                return
            if not await self._step(job):
                return
            if not job.finished and self._queue.waits_before(job, self._now()):
                self._queue.put_back(job)
                return
        self._health_of(job.unit).good(self._now())
        job.end(Result.DONE)

    async def _step(self, job: Job) -> bool:
        """Send one request once. False: the job has ended."""
        try:
            answer = await self._exchange(job)
        except OSError as error:
            await self._lost(error)
            job.end(Result.NO_PORT, str(error))
            return False
        if isinstance(answer, Reply):
            job.replies.append(answer.words)
            job.attempts = 0
            job.due = Due.within(job.due.period_s, self._now())  # each request of a long job waits for a turn
            return True
        if isinstance(answer, Refusal):
            self._health_of(job.unit).good(self._now())
            job.end(Result.REFUSED, f"unit {job.unit}: {answer}", answer.code)
            return False
        return self._timed_out(job)

    def _timed_out(self, job: Job) -> bool:
        if self._queue.stale(job):
            return True  # revoked on the way: the loop of `_serve` ends it as such
        job.attempts += 1
        health = self._health_of(job.unit)
        if not job.garbled:
            health.bad(self._now())
        once = job.once or health.resting or (health.doubtful(self._now()) and job.priority >= Priority.PILOT)
        if job.attempts < (TRIES_OF_GARBLED if job.garbled else TRIES) and not once:
            return True
        told = "answers with errors only" if job.garbled else "does not answer"
        job.end(Result.SILENT, f"unit {job.unit} {told}")
        return False

    async def _exchange(self, job: Job) -> Reply | Refusal | None:
        """One request and its answer; None: no right answer in time. Raises `OSError` when the line is gone."""
        port = await self._open(job.priority)
        if self._queue.stale(job):
            return None  # revoked while the line was opened: the loop of `_serve` ends it as such
        if job.waited_s is None:
            job.waited_s = self._now() - job.submitted_at
        request = job.next_request
        receiver = Receiver(request, self._echoing, self._recent)
        sent = modbus.encode(request)
        await port.flush()
        await port.write(sent)
        wire_s = (len(sent) + modbus.response_length(request)) * self.settings.character_s
        answer = await self._answer(port, receiver, ANSWER_S + wire_s)
        job.garbled = receiver.garbled
        self._echoing = receiver.echoed or (self._echoing and answer is None)
        self._free_at = self._now() + (SETTLE_S if answer is None else 0)
        return answer

    async def _answer(self, port: SerialPort, receiver: Receiver, patience_s: float) -> Reply | Refusal | None:
        deadline = self._now() + patience_s
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline) as patience:
                while True:
                    data = await port.read()
                    if not data:
                        raise OSError(f"{self.address}: the line is gone")
                    if (answer := receiver.feed(data)) is not None:
                        return answer
                    if receiver.full:
                        patience.reschedule(min(deadline, self._now() + GARBLED_S))
        return None

    async def _silence(self, gap_s: float) -> None:
        wait_s = self._free_at + gap_s - self._now()
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    async def _open(self, priority: Priority) -> SerialPort:
        if self._port is None:
            if self._now() < self._reopen_at and priority >= Priority.PILOT:
                raise OSError(self._port_trouble)
            self._port = await self._ports(self.address, self.settings)
            self._echoing = False
            if self._port_trouble:
                self._log(f"bus {self.name}: {self.address} is back")
                self._port_trouble = ""
        return self._port

    async def _lost(self, error: OSError) -> None:
        if not self._port_trouble:
            self._log(f"bus {self.name}: {error}")
        if self._now() >= self._reopen_at:
            self._reopen_at = self._now() + REOPEN_S
        self._port_trouble = str(error)
        await self._close()

    async def _close(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            with contextlib.suppress(OSError):
                await port.close()

    def _rests(self, job: Job) -> bool:
        return job.priority >= Priority.PILOT and self._now() < self._health_of(job.unit).rests_until

    def _health_of(self, unit: int) -> _UnitHealth:
        if unit not in self._health:
            self._health[unit] = _UnitHealth(self._now())
        return self._health[unit]

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
