"""Lazy commits survive the process at once and the power after a sync, whole, in order, and never twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.store.database import Database
from agent.store.errors import StoreError
from agent.store.lazy_log import LazyLog, Statement, read_statements
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.records import Acknowledge
from tests.rig.crash_store import CrashStore
from tests.rig.sessions import render, session

M = UpstreamId("management")
ENTRIES: list[list[Statement]] = [
    [("INSERT INTO meta VALUES (?, ?)", ("a", 1)), ("SELECT ?", (b"\x00\xff",))],
    [("x", (None, -(2**63), 1.5, "é\ud800"))],
    [("y", ())],
]
INSERT = "INSERT INTO meta (name, value) VALUES (?, ?)"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[LazyLog]:
    made = LazyLog(tmp_path / "log", 4096)
    assert made.open(1) == []
    yield made
    made.close()


def names(database: Database) -> list[str]:
    return [row[0] for row in database.rows("SELECT name FROM meta WHERE name GLOB '[0-9]*' ORDER BY name")]


def test_statements_come_back_in_order(log: LazyLog) -> None:
    assert all(log.append(1, entry) for entry in ENTRIES)
    assert read_statements(log.path, 1) == [statement for entry in ENTRIES for statement in entry]
    log.close()
    assert len(log.open(1)) == 4
    assert log.append(1, [("z", ())])
    assert read_statements(log.path, 1)[-1] == ("z", ()), "behind what was there"


def test_another_generation_means_nothing(log: LazyLog) -> None:
    for entry in ENTRIES:
        log.append(1, entry)
    assert read_statements(log.path, 2) == []
    log.restart()
    log.append(2, ENTRIES[2])
    assert read_statements(log.path, 2) == ENTRIES[2], "what is left of the older one behind it does not count"


def test_any_changed_byte_ends_the_log_before_its_entry(log: LazyLog, tmp_path: Path) -> None:
    ends = [0]
    for entry in ENTRIES:
        log.append(1, entry)
        ends.append(log._position)
    whole = log.path.read_bytes()
    damaged = tmp_path / "damaged"
    for at in range(ends[-1]):
        damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        kept = sum(end <= at for end in ends) - 1
        assert read_statements(damaged, 1) == [s for entry in ENTRIES[:kept] for s in entry], at
        damaged.write_bytes(whole[:at])
        assert read_statements(damaged, 1) == [s for entry in ENTRIES[:kept] for s in entry], at


def test_a_full_log_says_so(log: LazyLog) -> None:
    noise = random.Random(1).randbytes(1500)
    assert [log.append(1, [("x", (noise,))]) for _ in range(4)] == [True, True, False, False]


def test_a_full_log_makes_a_lazy_commit_a_real_one(tmp_path: Path) -> None:
    rig = CrashStore(tmp_path / "disk")
    database = Database(rig.path, on_sync=rig.synced)
    database.open()
    chance = random.Random(1)
    for number in range(30):
        with database.transaction(barrier=False):
            database.execute(INSERT, (f"{number:03}", chance.randbytes(8000)))
    assert 3 <= rig.syncs < 10
    killed = rig.kill()
    database.abandon()
    again = Database(killed.path)
    again.open()
    assert len(names(again)) == 30
    again.close()


def test_what_was_sent_before_a_kill_is_sent_again_with_the_same_bytes(tmp_path: Path) -> None:
    rig = CrashStore(tmp_path / "disk")
    store = rig.store(render)
    store.open("boot-1")
    records = list(session((M,), 0, samples=2))
    for record in records[:3]:
        store.commit([record])
    head = store.head(M)
    assert head is not None
    killed = rig.kill()
    store.abandon()
    again = killed.store(lambda *_: "rendered by a later release")
    again.open("boot-1")
    assert again.head(M) == head
    again.commit([Record((Acknowledge(M, head.message_id),), False)])
    assert again.head(M) is None
    once_more = killed.kill()
    again.abandon()
    last = once_more.store(render)
    last.open("boot-1")
    assert last.head(M) is None, "acknowledged once, acknowledged for ever"
    last.close()


def test_synced_lazy_commits_survive_a_cut(tmp_path: Path) -> None:
    rig = CrashStore(tmp_path / "disk")
    database = Database(rig.path, on_sync=rig.synced)
    database.open()
    for number in range(6):
        with database.transaction(barrier=number == 2):
            database.execute(INSERT, (f"{number}", 0))
        if number == 4:
            database.sync()
    survivor = Database(rig.cut().path)
    survivor.open()
    assert names(survivor) == ["0", "1", "2", "3", "4"]
    survivor.close()
    database.close()


def test_a_step_that_fails_leaves_the_pending_ones_in_place(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db")
    database.open()
    with database.transaction(barrier=False):
        database.execute(INSERT, ("1", 0))

    def fail(barrier: bool) -> None:
        with database.transaction(barrier):
            database.execute(INSERT, ("2", 0))
            database.execute(INSERT, ("1", 0))

    for barrier in (False, True):
        with pytest.raises(StoreError, match="UNIQUE"):
            fail(barrier)
        assert names(database) == ["1"]
    with database.transaction(barrier=True):
        database.execute(INSERT, ("3", 0))
    assert names(database) == ["1", "3"]
    database.close()


def test_a_log_that_cannot_be_written_fails_the_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(tmp_path / "a.db")
    database.open()

    def refuse(*_: object) -> bool:
        raise OSError(28, "No space left on device")

    def write() -> None:
        with database.transaction(barrier=False):
            database.execute(INSERT, ("1", 0))

    with monkeypatch.context() as patch:
        patch.setattr(LazyLog, "append", refuse)
        with pytest.raises(StoreError, match="No space left"):
            write()
    assert names(database) == []
    write()
    assert names(database) == ["1"]
    database.close()


def test_lazy_commits_write_nothing_into_the_wal(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db")
    database.open()
    before = database.wal_frames()
    for number in range(50):
        with database.transaction(barrier=False):
            database.execute(INSERT, (f"{number:03}", 0))
            database.execute("DELETE FROM meta WHERE name = ?", (f"{number:03}",))
    database.sync()
    assert database.wal_frames() == before
    database.close()
