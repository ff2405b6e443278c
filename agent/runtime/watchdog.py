"""Feeds the service manager's watchdog, only while the station is truly alive; and watches the writer.

Theory of operation
-------------------
The manager kills the process when it hears nothing for ten seconds. A process whose event loop turns may still be dead
where it matters, so a feed needs *progress*: every counter (engine, each bus) has moved since the last feed. The
feeder pokes the engine with a tick each round, so that an idle engine counts too; buses poll by themselves. The disk is
no reason to starve: a writer that stalls longer than `WRITER_LIMIT_S` is a storage fault, told once and recovered once,
and the station goes on opening contactors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

WRITER_LIMIT_S = 30.0
ROUNDS_PER_INTERVAL = 4
"""Rounds within one watchdog interval: two in a row may be late without a kill."""

Counter = Callable[[], int]


class ProgressBook:
    """Pure: which counters have moved since the last feed."""

    def __init__(self) -> None:
        self._fed: dict[str, int] = {}

    def stuck(self, counts: Mapping[str, int]) -> tuple[str, ...]:
        """Names without progress; if there are none, the present counts become those of the last feed."""
        stuck = tuple(name for name, count in sorted(counts.items()) if self._fed.get(name) == count)
        if not stuck:
            self._fed = dict(counts)
        return stuck


class WriterLimit:
    """Pure: turns how long the writer has been stalled into one alarm and one recovery."""

    def __init__(self, limit_s: float = WRITER_LIMIT_S) -> None:
        self._limit_s = limit_s
        self._stalled = False

    def judge(self, stalled_s: float) -> bool | None:
        """True: a storage fault begins. False: it is over. None: nothing new."""
        stalled = stalled_s > self._limit_s
        if stalled is self._stalled:
            return None
        self._stalled = stalled
        return stalled


@dataclass(frozen=True, slots=True)
class Watched:
    """What the feeder looks at and talks to."""

    counters: Mapping[str, Counter]
    """Progress of engine and buses by name; each only ever counts up."""
    poke: Callable[[], None]
    """Give the engine something to do (`Engine.tick`)."""
    feed: Callable[[], None]
    """`Notifier.watchdog`."""
    writer_stalled_s: Callable[[], float]
    """Seconds since the writer took up the record it is working on; 0 while it has none."""
    on_writer: Callable[[bool], None]
    """Told True when the storage fault begins, False when it is over."""
    tell: Callable[..., None]
    """The log."""


class Watchdog:
    """The task that feeds. `round` is one look; `run` does one per period for ever."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._book = ProgressBook()
        self._writer = WriterLimit()
        self._starving: tuple[str, ...] = ()

    def round(self) -> None:
        """Look once: poke, then feed if everything moved."""
        self._watched.poke()
        stuck = self._book.stuck({name: counter() for name, counter in self._watched.counters.items()})
        if not stuck:
            self._watched.feed()
        elif stuck != self._starving:
            self._watched.tell("agent.starved", what=", ".join(stuck))
        self._starving = stuck
        change = self._writer.judge(self._watched.writer_stalled_s())
        if change is not None:
            self._watched.on_writer(change)

    async def run(self, interval_s: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Look several times per watchdog interval, for ever."""
        while True:
            self.round()
            await sleep(interval_s / ROUNDS_PER_INTERVAL)
