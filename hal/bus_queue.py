"""The waiting line of one bus: turns, replacement, and grants that can be revoked. Synchronous, no clock.

Theory of operation
-------------------
A job is a short list of requests to one unit. What stops and actuates leaves first. Of the rest that leaves first which
is past due by the most of its own periods; while nothing is past due, the priority says: pilots of sessions, meters of
sessions, what is idle, the light; first come first served within one. So a line that has more to do than it can slows
all its devices down by the same factor, and none of them is left out.

A job with a `key` replaces a waiting job of the same key: the newer command is the whole truth. A job with a `grant` is
a power write: below its connector's floor it is dropped, when it is submitted, while it waits, and again each time the
bus is about to send one of its requests.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from hal.modbus import Request


class Priority(IntEnum):
    """Smaller leaves first, as long as nothing is past due; from `PILOT` on by turns when something is."""

    STOP = 0
    ACTUATE = 1
    PILOT = 2
    METER = 3
    IDLE = 4
    COSMETIC = 5


@dataclass(frozen=True, slots=True)
class Due:
    """By when a job wants its turn, on the clock of the loop, and how often such a turn is wanted, in seconds."""

    at: float
    period_s: float

    @classmethod
    def within(cls, period_s: float, now: float) -> Due:
        """A turn that is wanted a period from now at the latest."""
        return cls(now + period_s, period_s)

    def late(self, now: float) -> float:
        """By how many of its periods it is past due; negative: it is not yet."""
        return (now - self.at) / self.period_s


WHENEVER = Due(math.inf, 1.0)


class Result(StrEnum):
    """How a job ended."""

    DONE = "done"
    REFUSED = "refused"  # the device answered with an exception
    SILENT = "silent"  # no right answer after the retry
    NO_PORT = "no_port"  # the line is gone or cannot be opened
    REVOKED = "revoked"  # a power write whose grant is no longer current
    REPLACED = "replaced"  # a newer job of the same key took its place
    SKIPPED = "skipped"  # the unit has been silent and is left alone for a while


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job. `replies` has the words of each request that was answered, in order."""

    result: Result
    replies: tuple[tuple[int, ...], ...] = ()
    code: int = 0
    """The exception code where `result` is REFUSED."""
    detail: str = ""
    waited_s: float = field(default=0.0, compare=False)
    """How long the line had no time to send its first request: that is no silence of the device."""

    @property
    def done(self) -> bool:
        """Every request was answered rightly."""
        return self.result is Result.DONE

    @property
    def for_now(self) -> bool:
        """Refused by a device that is busy (exceptions 5 and 6, MODBUS Application Protocol 7): ask again later."""
        return self.result is Result.REFUSED and self.code in (5, 6)

    @property
    def failed(self) -> bool:
        """The device, the line or the refusal of either is to blame; not our own change of mind."""
        return self.result in (Result.REFUSED, Result.SILENT, Result.NO_PORT, Result.SKIPPED)


@dataclass(slots=True, eq=False)
class Job:
    """Requests to one unit that belong together. `done` is called exactly once and must not raise."""

    unit: int
    requests: Sequence[Request]
    priority: Priority
    done: Callable[[Outcome], None]
    connector: int = 0
    key: str = ""
    grant: int | None = None
    gap_s: float = 0.02
    """Silence that the unit wants before each request."""
    attempts: int = 0
    """Tries of the request that is next."""
    garbled: bool = False
    """Something came in answer to it, though nothing right: the unit is there, the line is bad."""
    due: Due = WHENEVER
    once: bool = False
    """A device would refuse, or do twice, what it is sent a second time: only who submitted it can try again."""
    submitted_at: float = 0.0
    waited_s: float | None = None
    """Between being submitted and its first request; None: nothing was sent yet."""
    replies: list[tuple[int, ...]] = field(default_factory=list)

    @property
    def next_request(self) -> Request:
        """The request to send now."""
        return self.requests[len(self.replies)]

    @property
    def finished(self) -> bool:
        """All requests were answered."""
        return len(self.replies) == len(self.requests)

    def end(self, result: Result, detail: str = "", code: int = 0) -> None:
        """Tell the outcome."""
        self.done(Outcome(result, tuple(self.replies), code, detail, self.waited_s or 0.0))


class BusQueue:
    """The waiting jobs of one bus and the floors of its connectors' grants."""

    def __init__(self) -> None:
        self._lines: dict[Priority, deque[Job]] = {one: deque() for one in Priority}
        self._floors: dict[int, int] = {}

    def __len__(self) -> int:
        return sum(len(line) for line in self._lines.values())

    def put(self, job: Job) -> None:
        """Append a job, in place of a waiting one of the same unit and key."""
        if self.stale(job):
            job.end(Result.REVOKED, "grant is no longer current")
            return
        if job.key:
            self._drop(lambda one: (one.unit, one.key) == (job.unit, job.key), Result.REPLACED)
        self._lines[job.priority].append(job)

    def put_back(self, job: Job) -> None:
        """A job that has still requests to send goes to the head of its line, unless a newer one has its key."""
        if job.key and any((one.unit, one.key) == (job.unit, job.key) for one in self._waiting()):
            job.end(Result.REPLACED)
        else:
            self._lines[job.priority].appendleft(job)

    def take(self, now: float) -> Job | None:
        """The job to serve next; stale power writes on the way are dropped."""
        while job := min(self._waiting(), key=lambda one: _turn(one, now), default=None):
            self._lines[job.priority].remove(job)
            if not self.stale(job):
                return job
            job.end(Result.REVOKED, "grant is no longer current")
        return None

    def waits_before(self, job: Job, now: float) -> bool:
        """True when a job waits whose turn is before that of `job`."""
        return any(_turn(one, now) < _turn(job, now) for one in self._waiting())

    def actuation_waits_before(self, priority: Priority) -> bool:
        """True when a job waits that stops or actuates, and is of a higher priority."""
        return any(self._lines[one] for one in Priority if one < min(priority, Priority.PILOT))

    def revoke(self, connector: int, grant: int) -> None:
        """Delete the power writes of a connector with a number below `grant`, now and in future."""
        self._floors[connector] = max(grant, self._floors.get(connector, 0))
        self._drop(self.stale, Result.REVOKED)

    def stale(self, job: Job) -> bool:
        """True for a power write whose grant is no longer current."""
        return job.grant is not None and job.grant < self._floors.get(job.connector, 0)

    def _waiting(self) -> Iterator[Job]:
        return (one for line in self._lines.values() for one in line)

    def _drop(self, doomed: Callable[[Job], bool], result: Result) -> None:
        gone: list[Job] = []
        for priority, line in self._lines.items():
            gone += [job for job in line if doomed(job)]
            self._lines[priority] = deque(job for job in line if not doomed(job))
        for job in gone:
            job.end(result)


def _turn(job: Job, now: float) -> tuple[int, float]:
    """Smaller leaves first: actuations, then what is past due by how much it is, then the rest by priority."""
    if job.priority < Priority.PILOT:
        return (0, job.priority)
    late = job.due.late(now)
    return (1, -late) if late >= 0 else (2, job.priority)
