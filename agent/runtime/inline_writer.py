"""A writer without a thread, for tests on virtual time: commits inside `submit`, tells about it a moment later."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from agent.runtime.backlog import Backlog
from agent.runtime.queries import Queries
from agent.runtime.writer import LAZY_SYNC_S, QUIET_S, STALL_LIMIT_S
from agent.store.errors import StoreError
from agent.store.store import Store
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import Input, SecurityEventSeen, Synced
from agent.vocabulary.security import SecurityEventKind

T = TypeVar("T")


@dataclass(slots=True)
class Disk:
    """What is wrong with the disk; a test changes it while things run."""

    stall_s: float = 0.0
    """Every commit takes so long, in the time of the loop."""
    failing: bool = False
    """Every commit fails."""


class InlineWriter(Queries):
    """Same promises as `ThreadWriter`, on the event loop that it is made on (or given)."""

    def __init__(
        self,
        store: Store,
        post: Callable[[Input], None],
        changed: Callable[[UpstreamId], None],
        loop: asyncio.AbstractEventLoop | None = None,
        disk: Disk | None = None,
    ) -> None:
        self.disk = disk or Disk()
        self._store = store
        self._post, self._changed = post, changed
        self._loop = loop or asyncio.get_running_loop()
        self._backlog = Backlog()
        self._busy_since: float | None = None
        self._attempt: asyncio.TimerHandle | None = None
        self._lazy: asyncio.TimerHandle | None = None
        self._quiet: asyncio.TimerHandle | None = None
        self._lazy_sequence = 0
        self._closed = False

    def submit(self, record: Record) -> int:
        """Queue a record and, if the disk is well and idle, commit it before returning."""
        sequence = self._backlog.add(record)
        if self._attempt is None:
            self._begin()
        return sequence

    async def ask(self, question: Callable[[Store], T]) -> T:
        """See `Writer`."""
        return question(self._store)

    def stalled_for_s(self) -> float:
        """See `Writer`."""
        stalled = 0.0 if self._busy_since is None else self._loop.time() - self._busy_since
        if stalled > STALL_LIMIT_S:
            failure = self._backlog.stuck(f"the disk has not answered for {stalled:.0f} s")
            if failure is not None:
                self._post(failure)
        return stalled

    async def close(self) -> None:
        """See `Writer`."""
        self.cut()
        while len(self._backlog):
            self._write(self._backlog.batch())
            if self._backlog.retry_s:
                raise StoreError("records could not be written before the end")
        self.cut()
        self._store.close()

    def cut(self) -> None:
        """The power is gone: nothing more is written or told. The store is left as it is."""
        self._closed = True
        for timer in (self._attempt, self._lazy, self._quiet):
            if timer is not None:
                timer.cancel()
        self._attempt = self._lazy = self._quiet = self._busy_since = None

    def _begin(self) -> None:
        """Start the next commit: now, or when the stalling disk answers."""
        self._attempt = None
        batch = self._backlog.batch()
        if not batch:
            return
        if self.disk.stall_s > 0:
            self._busy_since = self._loop.time()
            self._attempt = self._loop.call_later(self.disk.stall_s, self._finish, batch)
        else:
            self._finish(batch)

    def _finish(self, batch: list[Record]) -> None:
        self._attempt = self._busy_since = None
        self._write(batch)
        if len(self._backlog) and not self._closed:
            self._attempt = self._loop.call_later(self._backlog.retry_s, self._begin)

    def _write(self, batch: list[Record]) -> None:
        try:
            if self.disk.failing:
                raise StoreError("the disk refuses to write")
            touched = self._store.commit(batch)
        except StoreError as error:
            failure = self._backlog.failed(str(error))
            if failure is not None:
                self._loop.call_soon(self._tell, failure)
            return
        last = self._backlog.written(len(batch))
        for upstream in touched:
            self._loop.call_soon(self._changed, upstream)
        self._raise_alarms()
        if not self._closed:
            self._quiet = self._quiet or self._loop.call_later(QUIET_S, self._tidy)
        if any(record.barrier for record in batch):
            self._synced(last)
        else:
            self._lazy_sequence = last
            self._lazy = self._lazy or self._loop.call_later(LAZY_SYNC_S, self._sync)

    def _tidy(self) -> None:
        self._quiet = None
        if self.disk.failing or self._busy_since is not None:
            return
        with contextlib.suppress(StoreError):  # nothing is lost; the next commit will report the disk
            self._store.tidy()
            self._raise_alarms()

    def _raise_alarms(self) -> None:
        while self._store.alarms:
            alarm = SecurityEventSeen(SecurityEventKind.MEMORY_EXHAUSTION, self._store.alarms.pop(0))
            self._loop.call_soon(self._tell, alarm)

    def _sync(self) -> None:
        self._lazy = None
        try:
            if self.disk.failing:
                raise StoreError("the disk refuses to sync")
            self._store.sync()
        except StoreError:
            self._lazy = self._loop.call_later(LAZY_SYNC_S, self._sync)
            return
        self._synced(self._lazy_sequence)

    def _synced(self, sequence: int) -> None:
        if self._lazy is not None:
            self._lazy.cancel()
            self._lazy = None
        self._loop.call_soon(self._tell, Synced(sequence))

    def _tell(self, given: Input) -> None:
        if not self._closed:
            self._post(given)
