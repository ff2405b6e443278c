"""Opening, migrating, refusing; commits under every kind of torn write."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from agent.store.database import Database
from agent.store.errors import DamagedStore, NewerStore, StoreError
from agent.store.schema import READER_VERSION, migrations
from agent.vocabulary.ids import UpstreamId
from tests.rig.crash_store import CrashStore
from tests.rig.sessions import render, session

INSERT = "INSERT INTO meta (name, value) VALUES (?, ?)"


def opened(path: Path, **options: int) -> Database:
    database = Database(path, **options)
    database.open()
    return database


def names(database: Database) -> list[str]:
    return [row[0] for row in database.rows("SELECT name FROM meta WHERE name GLOB '[0-9a]*' ORDER BY name")]


def edit(path: Path, *statements: str) -> None:
    """Change a closed file the way another release would have."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_a_new_file_has_the_newest_schema(tmp_path: Path) -> None:
    database = opened(tmp_path / "a.db")
    assert database.rows("PRAGMA user_version") == [(migrations()[-1][0],)]
    assert database.rows("PRAGMA journal_mode") == [("wal",)]
    assert database.rows("PRAGMA synchronous") == [(2,)], "FULL: a commit returns after its sync"
    assert not (tmp_path / "a.db-shm").exists(), "no third file for the kernel to write"
    database.close()


def test_migrations_run_once_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(tmp_path / "a.db").close()
    following = migrations()[-1][0] + 1
    later = [*migrations(), (following, "ALTER TABLE meta ADD COLUMN note TEXT; UPDATE meta SET note = 'seven';")]
    monkeypatch.setattr("agent.store.database.migrations", lambda: later)
    for _ in range(2):
        database = opened(tmp_path / "a.db")
        assert database.rows("SELECT note FROM meta") == [("seven",)]
        assert database.rows("PRAGMA user_version") == [(following,)]
        database.close()


def test_a_failing_migration_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(tmp_path / "a.db").close()
    broken = [*migrations(), (99, "ALTER TABLE meta ADD COLUMN note TEXT; INSERT INTO nowhere VALUES (1);")]
    monkeypatch.setattr("agent.store.database.migrations", lambda: broken)
    with pytest.raises(StoreError, match="nowhere"):
        opened(tmp_path / "a.db")
    monkeypatch.undo()
    database = opened(tmp_path / "a.db")
    assert [row[1] for row in database.rows("PRAGMA table_info(meta)")] == ["name", "value"]
    database.close()


def test_a_file_for_newer_readers_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    opened(path).close()
    edit(path, f"UPDATE meta SET value = {READER_VERSION + 1} WHERE name = 'min_reader'")
    before = path.read_bytes()
    with pytest.raises(NewerStore, match="install a newer release"):
        opened(path)
    assert path.read_bytes() == before


def test_a_newer_file_with_more_columns_is_read_and_keeps_them(tmp_path: Path) -> None:
    rig = CrashStore(tmp_path / "disk")
    store, edit_path = rig.store(render), rig.path
    store.open("boot-1")
    upstream = UpstreamId("management")
    records = list(session((upstream,), 0, samples=0))
    store.commit(records[:1])
    store.close()
    edit(
        edit_path,
        "ALTER TABLE transactions ADD COLUMN tariff TEXT",
        "ALTER TABLE receipts ADD COLUMN receipt_number INTEGER DEFAULT 5",
        "UPDATE transactions SET tariff = 'night'",
        "PRAGMA user_version = 99",
    )
    store = rig.store(render)
    store.open("boot-2")
    store.commit(records[1:])
    store.close()
    database = opened(edit_path)
    assert database.rows("SELECT tariff, stopped FROM transactions") == [("night", 1)]
    assert database.rows("SELECT receipt_number, stop FROM receipts") == [(5, 2)]
    database.close()


def test_two_cannot_open_the_same_file(tmp_path: Path) -> None:
    first = opened(tmp_path / "a.db")
    with pytest.raises(StoreError, match="locked"):
        opened(tmp_path / "a.db")
    first.close()


def test_what_is_no_database_is_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(DamagedStore):
        opened(tmp_path / "a.db")


def test_tables_that_contradict_the_version_are_called_damaged(tmp_path: Path) -> None:
    opened(tmp_path / "a.db").close()
    edit(tmp_path / "a.db", "PRAGMA user_version = 0")
    with pytest.raises(DamagedStore, match="already exists"):
        opened(tmp_path / "a.db")


def test_nothing_of_a_failed_transaction_is_kept(tmp_path: Path) -> None:
    database = opened(tmp_path / "a.db")

    def write_twice() -> None:
        with database.transaction(barrier=True):
            for value in (1, 2):
                database.execute(INSERT, ("a", value))

    with pytest.raises(StoreError, match="UNIQUE"):
        write_twice()
    assert names(database) == []
    database.close()


def test_a_checkpoint_happens_when_it_is_due_and_only_then(tmp_path: Path) -> None:
    database = opened(tmp_path / "a.db", wal_bytes=32 * 1024)
    done = []
    for number in range(200):
        with database.transaction(barrier=True):
            database.execute(INSERT, (f"{number:03}", "x" * 50))
        done.append(database.checkpoint_if_due())
    assert 2 < sum(done) < 40
    assert len(names(database)) == 200
    assert database.wal_path.stat().st_size < 64 * 1024, "the log began anew after each"
    database.close()


def test_a_wal_torn_at_any_byte_keeps_every_complete_commit(tmp_path: Path) -> None:
    database = opened(tmp_path / "a.db", wal_bytes=0)
    database.checkpoint()
    ends: list[int] = []
    for number in range(6):
        with database.transaction(barrier=True):
            database.execute(INSERT, (f"{number}", "x" * 300))
        ends.append(32 + database.wal_frames() * (512 + 24))
    wal, base = database.wal_path.read_bytes()[: ends[-1]], database.path.read_bytes()
    database.close()
    work = tmp_path / "torn"
    work.mkdir()
    for length in range(0, len(wal) + 1, 13):
        (work / "a.db").write_bytes(base)
        (work / "a.db-wal").write_bytes(wal[:length])
        torn = opened(work / "a.db", wal_bytes=0)
        assert names(torn) == [str(n) for n in range(sum(end <= length for end in ends))], length
        torn.close()


def test_random_parts_of_unsynced_writes_harm_nothing_that_was_synced(tmp_path: Path) -> None:
    chance = random.Random(2026)
    rig = CrashStore(tmp_path / "disk")
    database = Database(rig.path, wal_bytes=24 * 1024, on_sync=rig.synced)
    database.open()
    synced: list[str] = []
    written: list[str] = []
    for number in range(120):
        barrier = number % 4 == 3
        with database.transaction(barrier):
            database.execute(INSERT, (f"{number:03}", "x" * 40))
        written.append(f"{number:03}")
        if barrier:
            synced = list(written)
        if database.checkpoint_if_due():
            synced = list(written)
        after = rig.cut(chance)
        survivor = opened(after.path)
        found = names(survivor)
        survivor.close()
        assert found[: len(synced)] == synced
        assert found == written[: len(found)]
    database.close()
