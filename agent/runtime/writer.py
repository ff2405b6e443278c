"""The writer: one thread that owns the store, so that a slow disk delays granting power and nothing else.

Theory of operation
-------------------
`submit` numbers a record and returns. The thread commits everything that waits in one transaction, synced if a barrier
is among it. `Synced(n)` says that all records up to n are on the disk: at once after a barrier, for lazy records with
the next barrier or after a minute. A commit that fails leaves its records at the head; `RecordFailed` is posted once
for a head, and it is tried again with backoff, alone. Questions are answered on the same thread, after what was
submitted before them.

What the thread has to tell is handed to the event loop; `post` and `changed` are only called there.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from agent.runtime.backlog import Backlog
from agent.runtime.queries import Queries
from agent.store.errors import StoreError
from agent.store.history import Session
from agent.store.store import Store
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import Input, RecordFailed, SecurityEventSeen, Synced
from agent.vocabulary.outbox import NoticeRow, OutboxRow
from agent.vocabulary.security import SecurityEventKind

T = TypeVar("T")

LAZY_SYNC_S = 60.0
"""Lazy records are on the disk after this time at the latest."""
STALL_LIMIT_S = 30.0
"""A disk that has not answered for so long is a storage fault."""
QUIET_S = 5.0
"""Housekeeping waits for so long a pause."""


class Writer(Protocol):
    """What the agent needs of whoever writes its records. `submit` never waits."""

    def submit(self, record: Record) -> int:
        """Queue a record; its sequence, which `Synced` and `RecordFailed` will name."""

    async def head(self, upstream: UpstreamId) -> OutboxRow | None:
        """The oldest committed row of this upstream that is neither done nor parked."""

    async def head_notice(self, upstream: UpstreamId) -> NoticeRow | None:
        """The oldest security event that this upstream is still to be told."""

    async def depth(self, upstream: UpstreamId) -> int:
        """How many rows its outbox has."""

    async def sessions(self, limit: int = 100) -> list[Session]:
        """The newest sessions with their receipts."""

    async def ask(self, question: Callable[[Store], T]) -> T:
        """Anything else, asked of the store by its owner. Raises what the question raises."""

    def stalled_for_s(self) -> float:
        """How long the present disk operation has been running; 0 while none is."""

    async def close(self) -> None:
        """Write and sync everything that waits, and close the store. Raises StoreError if that is not possible."""


class ThreadWriter(Queries):
    """The writer of the running agent. Made on the event loop, with a store that is open; owns it from `start` on.

    `post` takes inputs, `changed` is told for whom something else may wait, `crashed` gets what is our bug.
    """

    def __init__(
        self,
        store: Store,
        post: Callable[[Input], None],
        changed: Callable[[UpstreamId], None],
        crashed: Callable[[BaseException], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._post, self._changed, self._crashed = post, changed, crashed
        self._monotonic = monotonic
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._wake = threading.Condition()
        self._backlog = Backlog()
        self._questions: deque[tuple[Callable[[Store], Any], asyncio.Future[Any]]] = deque()
        self._closing = False
        self._busy_since: float | None = None
        self._retry_at = 0.0
        self._lazy_since: float | None = None
        self._lazy_sequence = 0
        self._tidy_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def submit(self, record: Record) -> int:
        """See `Writer`."""
        with self._wake:
            sequence = self._backlog.add(record)
            self._wake.notify()
        return sequence

    async def ask(self, question: Callable[[Store], T]) -> T:
        """See `Writer`."""
        future: asyncio.Future[T] = self._loop.create_future()
        with self._wake:
            if self._closing:
                raise StoreError("the writer is closing")
            self._questions.append((question, future))
            self._wake.notify()
        return await future

    def stalled_for_s(self) -> float:
        """See `Writer`. A stall of more than `STALL_LIMIT_S` is posted as a failure of the head."""
        since = self._busy_since
        stalled = 0.0 if since is None else self._monotonic() - since
        if stalled > STALL_LIMIT_S:
            with self._wake:
                failure = self._backlog.stuck(f"the disk has not answered for {stalled:.0f} s")
            if failure is not None:
                self._post(failure)
        return stalled

    async def close(self) -> None:
        """See `Writer`."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        await self._ended
        self._thread.join()

    def _run(self) -> None:
        failure: BaseException | None = None
        try:
            while self._step():
                pass
            self._close_store()
        except BaseException as error:
            failure = error
            self._store.abandon()
            if not isinstance(error, StoreError):
                self._tell(self._crashed, error)
        self._tell(self._finish, failure)

    def _step(self) -> bool:
        """Wait for work and do it, what was submitted before what was asked; False when it is time to end."""
        with self._wake:
            while not self._has_work():
                if self._closing:
                    return False
                self._wake.wait(self._pause())
            batch = self._backlog.batch() if self._may_write() else []
            asked = len(self._questions)
        self._busy_since = self._monotonic()
        try:
            if batch:
                self._write(batch)
            for _ in range(asked):
                self._answer(*self._questions.popleft())
            if not batch and not asked:
                self._keep_house()
        finally:
            self._busy_since = None
        return True

    def _has_work(self) -> bool:
        due = [at for at in (self._sync_at(), self._tidy_at) if at is not None]
        return bool(self._questions) or self._may_write() or any(at <= self._monotonic() for at in due)

    def _may_write(self) -> bool:
        return len(self._backlog) > 0 and (self._closing or self._monotonic() >= self._retry_at)

    def _pause(self) -> float | None:
        """Seconds until something is due by itself; None: nothing is, sleep until woken."""
        due = [at for at in (self._sync_at(), self._tidy_at) if at is not None]
        if len(self._backlog):
            due.append(self._retry_at)
        return max(0.0, min(due) - self._monotonic()) if due else None

    def _sync_at(self) -> float | None:
        return None if self._lazy_since is None else max(self._lazy_since + LAZY_SYNC_S, self._retry_at)

    def _write(self, batch: list[Record]) -> None:
        try:
            touched = self._store.commit(batch)
        except StoreError as error:
            self._failed(error)
            return
        with self._wake:
            last = self._backlog.written(len(batch))
        self._retry_at = 0.0
        self._tidy_at = self._monotonic() + QUIET_S
        for upstream in touched:  # before what was held behind the record: a row goes before what follows from it
            self._tell(self._changed, upstream)
        self._raise_alarms()
        if any(record.barrier for record in batch):
            self._synced(last)
        else:
            self._lazy_sequence = last
            self._lazy_since = self._lazy_since if self._lazy_since is not None else self._monotonic()

    def _failed(self, error: StoreError) -> None:
        with self._wake:
            failure = self._backlog.failed(str(error))
            self._retry_at = self._monotonic() + self._backlog.retry_s
        self._tell_failure(failure)
        if self._closing:
            raise error

    def _keep_house(self) -> None:
        sync_at = self._sync_at()
        try:
            if sync_at is not None and sync_at <= self._monotonic():
                self._store.sync()
                self._synced(self._lazy_sequence)
            else:
                self._tidy_at = None
                self._store.tidy()
                self._raise_alarms()
        except StoreError:
            self._retry_at = self._monotonic() + QUIET_S  # nothing is lost; the next commit will report the disk

    def _raise_alarms(self) -> None:
        while self._store.alarms:
            self._tell(self._post, SecurityEventSeen(SecurityEventKind.MEMORY_EXHAUSTION, self._store.alarms.pop(0)))

    def _synced(self, sequence: int) -> None:
        self._lazy_since = None
        self._tell(self._post, Synced(sequence))

    def _answer(self, question: Callable[[Store], Any], future: asyncio.Future[Any]) -> None:
        try:
            result = question(self._store)
        except Exception as error:
            self._tell(_set_exception, future, error)
        else:
            self._tell(_set_result, future, result)

    def _close_store(self) -> None:
        self._store.sync()
        if self._lazy_since is not None:
            self._synced(self._lazy_sequence)
        self._store.close()

    def _finish(self, failure: BaseException | None) -> None:
        for _, future in self._questions:
            _set_exception(future, StoreError("the writer has ended"))
        if self._ended.done():
            return
        if isinstance(failure, StoreError):
            self._ended.set_exception(failure)
        else:
            self._ended.set_result(None)

    def _tell_failure(self, failure: RecordFailed | None) -> None:
        if failure is not None:
            self._tell(self._post, failure)

    def _tell(self, function: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(function, *arguments)


def _set_result(future: asyncio.Future[Any], result: object) -> None:
    if not future.done():
        future.set_result(result)


def _set_exception(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
