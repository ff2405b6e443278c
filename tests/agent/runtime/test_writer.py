"""The writer: never waits, commits in groups, says when a record is safe, survives a disk that refuses."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.runtime.inline_writer import Disk, InlineWriter
from agent.runtime.writer import QUIET_S, STALL_LIMIT_S, ThreadWriter
from agent.store.database import Database
from agent.store.errors import StoreError
from agent.store.store import Store
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import ConnectorId, UpstreamId
from agent.vocabulary.inputs import Input, RecordFailed, SecurityEventSeen, Synced
from agent.vocabulary.records import SaveHold
from agent.vocabulary.security import SecurityEventKind
from tests.rig.crash_store import FailingStore
from tests.rig.sessions import render, session
from tests.rig.virtual_time import run_virtual

M, P = UpstreamId("management"), UpstreamId("primary")
HOLD = SaveHold(M, ConnectorId(1), True)
LAZY, BARRIER = Record((HOLD,), barrier=False), Record((HOLD,), barrier=True)


def real_time(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Runs a test of the thread on a real event loop; it waits for events, never for time."""

    @functools.wraps(test)
    def run(*arguments: object, **named: object) -> None:
        asyncio.run(test(*arguments, **named))  # type: ignore[arg-type]

    return run


@dataclass
class Heard:
    """What the writer told."""

    posted: list[Input] = field(default_factory=list)
    changed: list[UpstreamId] = field(default_factory=list)
    crashed: list[BaseException] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def post(self, given: Input) -> None:
        self.posted.append(given)
        self.news.set()

    def ring(self, upstream: UpstreamId) -> None:
        self.changed.append(upstream)
        self.news.set()

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not true():
                self.news.clear()
                await self.news.wait()


class GatedStore(Store):
    """A store whose commits wait until the test opens the gate."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, render)
        self.gate = threading.Event()
        self.began = threading.Event()
        self.batches: list[int] = []

    def commit(self, records: Sequence[Record]) -> frozenset[UpstreamId]:
        self.batches.append(len(records))
        self.began.set()
        assert self.gate.wait(10)
        return super().commit(records)


@asynccontextmanager
async def writing(store: Store, **options: object) -> AsyncIterator[tuple[ThreadWriter, Heard]]:
    store.open("boot-1")
    heard = Heard()
    writer = ThreadWriter(store, heard.post, heard.ring, heard.crashed.append, **options)  # type: ignore[arg-type]
    writer.start()
    try:
        yield writer, heard
    finally:
        await writer.close()


@real_time
async def test_a_barrier_is_told_when_it_is_safe(tmp_path: Path) -> None:
    async with writing(Store(Database(tmp_path / "a.db"), render)) as (writer, heard):
        numbers = [writer.submit(record) for record in session((M, P), 0, samples=1, online=False)]
        assert numbers == [1, 2, 3]
        await heard.until(lambda: Synced(3) in heard.posted and set(heard.changed) == {M, P})
        assert await writer.depth(P) == 3
        head = await writer.head(M)
        assert head is not None
        assert "StartTransaction" in (head.frame or "")
        assert len(await writer.sessions()) == 1


@real_time
async def test_what_waits_is_committed_together(tmp_path: Path) -> None:
    store = GatedStore(Database(tmp_path / "a.db"))
    async with writing(store) as (writer, heard):
        writer.submit(BARRIER)
        assert await asyncio.to_thread(store.began.wait, 10)
        for _ in range(20):
            writer.submit(BARRIER)
        assert heard.posted == [], "submit did not wait for the disk"
        store.gate.set()
        await heard.until(lambda: Synced(21) in heard.posted)
        assert store.batches == [1, 20]
        assert heard.posted == [Synced(1), Synced(21)]


@real_time
async def test_a_refusing_disk_is_told_once_and_nothing_is_lost(tmp_path: Path) -> None:
    store = FailingStore(Database(tmp_path / "a.db"), render)
    store.failing = True
    async with writing(store) as (writer, heard):
        for record in session((M, P), 0, samples=1, online=False):
            writer.submit(record)
        await heard.until(lambda: bool(heard.posted))
        assert heard.posted == [RecordFailed(1, "disk full (of the rig)")]
        assert await writer.depth(M) == 0, "questions are answered all the same"
        store.failing = False
        await heard.until(lambda: Synced(3) in heard.posted)
        assert await writer.depth(M) == 3
        assert len(heard.posted) == 3


@real_time
async def test_closing_writes_what_waits(tmp_path: Path) -> None:
    store = GatedStore(Database(tmp_path / "a.db"))
    async with writing(store) as (writer, heard):
        for record in session((M, P), 0, samples=3, online=False):
            writer.submit(record)
        store.gate.set()
    assert Synced(5) in heard.posted
    again = Store(Database(tmp_path / "a.db"), render)
    again.open("boot-2")
    assert again.depth(P) == 5
    again.close()


@real_time
async def test_closing_on_a_dead_disk_says_so(tmp_path: Path) -> None:
    store = FailingStore(Database(tmp_path / "a.db"), render)
    store.failing = True
    store.open("boot-1")
    heard = Heard()
    writer = ThreadWriter(store, heard.post, heard.ring, heard.crashed.append)
    writer.start()
    writer.submit(BARRIER)
    with pytest.raises(StoreError, match="disk full"):
        await writer.close()
    assert heard.crashed == []


@real_time
async def test_a_question_that_fails_fails_its_asker_only(tmp_path: Path) -> None:
    def wrong(store: Store) -> None:
        raise KeyError("nothing here")

    async with writing(Store(Database(tmp_path / "a.db"), render)) as (writer, heard):
        with pytest.raises(KeyError):
            await writer.ask(wrong)
        assert await writer.depth(M) == 0
        assert heard.crashed == []


@real_time
async def test_our_own_bug_is_not_taken_for_a_bad_disk(tmp_path: Path) -> None:
    async with writing(Store(Database(tmp_path / "a.db"), render)) as (writer, heard):
        writer.submit(Record((object(),), True))  # type: ignore[arg-type]
        async with asyncio.timeout(10):
            while not heard.crashed:
                await asyncio.to_thread(lambda: None)
        assert isinstance(heard.crashed[0], TypeError)


@real_time
async def test_a_stalled_disk_is_a_storage_fault_after_its_limit(tmp_path: Path) -> None:
    now = 100.0
    store = GatedStore(Database(tmp_path / "a.db"))
    async with writing(store, monotonic=lambda: now) as (writer, heard):
        assert writer.stalled_for_s() == 0
        writer.submit(BARRIER)
        assert await asyncio.to_thread(store.began.wait, 10)
        now += STALL_LIMIT_S - 1
        assert writer.stalled_for_s() == STALL_LIMIT_S - 1
        assert heard.posted == []
        now += 2
        for _ in range(3):
            writer.stalled_for_s()
        assert [type(given) for given in heard.posted] == [RecordFailed]
        store.gate.set()
        await heard.until(lambda: Synced(1) in heard.posted)
        async with asyncio.timeout(10):
            while writer.stalled_for_s():
                await asyncio.to_thread(lambda: None)


@real_time
async def test_the_thread_syncs_lazy_records_after_a_minute(tmp_path: Path) -> None:
    now = 100.0
    async with writing(Store(Database(tmp_path / "a.db"), render), monotonic=lambda: now) as (writer, heard):
        writer.submit(LAZY)
        assert await writer.depth(M) == 0, "the record is committed before the question is answered"
        assert heard.posted == []
        now += 61
        await writer.depth(M)
        await heard.until(lambda: heard.posted == [Synced(1)])


# ------------------------------------------------------------------------------------------------------- inline


def inline(tmp_path: Path, disk: Disk, heard: Heard) -> InlineWriter:
    store = Store(Database(tmp_path / "a.db"), render)
    store.open("boot-1")
    return InlineWriter(store, heard.post, heard.ring, disk=disk)


def test_inline_commits_at_once_and_tells_a_moment_later(tmp_path: Path) -> None:
    async def scenario() -> None:
        heard = Heard()
        writer = inline(tmp_path, Disk(), heard)
        for record in session((M, P), 0, samples=0, online=False):
            writer.submit(record)
        assert heard.posted == []
        assert await writer.depth(M) == 2
        await asyncio.sleep(0)
        assert heard.posted == [Synced(1), Synced(2)]
        assert set(heard.changed) == {M, P}
        await writer.close()

    run_virtual(scenario())


def test_lazy_records_are_safe_within_a_minute_or_with_the_next_barrier(tmp_path: Path) -> None:
    async def scenario() -> None:
        heard = Heard()
        writer = inline(tmp_path, Disk(), heard)
        writer.submit(LAZY)
        await asyncio.sleep(59)
        writer.submit(Record((SaveHold(P, ConnectorId(1), True),), barrier=False))
        assert heard.posted == []
        await asyncio.sleep(2)
        assert heard.posted == [Synced(2)]
        writer.submit(LAZY)
        writer.submit(BARRIER)
        await asyncio.sleep(3600)
        assert heard.posted == [Synced(2), Synced(4)]
        await writer.close()

    run_virtual(scenario())


def test_inline_on_a_disk_that_stalls(tmp_path: Path) -> None:
    async def scenario() -> None:
        heard = Heard()
        writer = inline(tmp_path, Disk(stall_s=5.0), heard)
        writer.submit(BARRIER)
        await asyncio.sleep(4.9)
        writer.submit(BARRIER)
        assert heard.posted == []
        assert writer.stalled_for_s() == pytest.approx(4.9)
        await asyncio.sleep(0.2)
        assert heard.posted == [Synced(1)]
        await asyncio.sleep(5)
        assert heard.posted == [Synced(1), Synced(2)]
        assert writer.stalled_for_s() == 0
        await writer.close()

    run_virtual(scenario())


def test_inline_on_a_disk_that_refuses_and_recovers(tmp_path: Path) -> None:
    async def scenario() -> None:
        heard, disk = Heard(), Disk(failing=True)
        writer = inline(tmp_path, disk, heard)
        writer.submit(LAZY)
        writer.submit(BARRIER)
        await asyncio.sleep(60)
        assert [type(given) for given in heard.posted] == [RecordFailed]
        disk.failing = False
        await asyncio.sleep(10)
        assert heard.posted[1:] == [Synced(2)]
        await writer.close()

    run_virtual(scenario())


def test_inline_tells_nothing_after_a_cut(tmp_path: Path) -> None:
    async def scenario() -> None:
        heard = Heard()
        writer = inline(tmp_path, Disk(), heard)
        writer.submit(BARRIER)
        writer.cut()
        await asyncio.sleep(60)
        assert heard.posted == []
        await writer.close()

    run_virtual(scenario())


@pytest.mark.rule("ocpp16.X27")
@real_time
async def test_what_a_full_queue_lost_is_posted_as_memory_exhaustion(tmp_path: Path) -> None:
    store = Store(Database(tmp_path / "a.db"), render)
    store._tables.limits._most_rows = 5
    async with writing(store) as (writer, heard):
        for record in session((M,), 0, samples=9, online=False):
            writer.submit(record)
        await heard.until(lambda: any(isinstance(given, SecurityEventSeen) for given in heard.posted))
        alarms = [given for given in heard.posted if isinstance(given, SecurityEventSeen)]
        assert {alarm.kind for alarm in alarms} == {SecurityEventKind.MEMORY_EXHAUSTION}
        assert "the queue of management is full" in alarms[0].tech_info


@pytest.mark.rule("ocpp16.X27")
@real_time
async def test_what_a_full_disk_cost_is_posted_once_the_house_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    store = Store(Database(tmp_path / "a.db"), render)
    async with writing(store, monotonic=lambda: now) as (writer, heard):
        for record in session((P, M), 0, samples=9, online=False):
            writer.submit(record)
        await writer.depth(M)
        monkeypatch.setattr("agent.store.store.room_bytes", lambda database: 0)
        now = QUIET_S + 1
        await writer.depth(M)
        await heard.until(lambda: any(isinstance(given, SecurityEventSeen) for given in heard.posted))
        assert await writer.depth(P) == 7
