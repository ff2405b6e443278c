"""A damaged file never stops the station and costs no more than the damage."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from agent.store.database import Database
from agent.store.errors import DamagedStore, NewerStore, StoreError
from agent.store.schema import READER_VERSION
from agent.store.store import Store
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import ConnectorId, UpstreamId
from agent.vocabulary.records import SaveHold, SaveOption, Snapshot
from tests.rig.sessions import render, session

M, P = UpstreamId("management"), UpstreamId("primary")
SESSIONS, ROWS_EACH = 6, 4


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed file with queued sessions, one of them running."""
    folder = tmp_path_factory.mktemp("sound")
    store = Store(Database(folder / "state.db"), render)
    store.open("boot-1")
    store.commit([Record((SaveHold(P, ConnectorId(1), True), SaveOption(M, "heartbeat_interval_s", 60)), True)])
    for number in range(SESSIONS):
        store.commit(list(session((M, P), number, samples=2, online=False)))
    store.commit(list(session((M, P), SESSIONS, samples=1, online=False))[:-1])
    store.close()
    return folder / "state.db"


def reopened(path: Path) -> tuple[Store, Snapshot, list[str]]:
    told: list[str] = []
    store = Store(Database(path), render, told.append)
    return store, store.open("boot-2"), told


def damaged_copy(sound: Path, folder: Path) -> Path:
    target = folder / "state.db"
    for old in folder.glob("state.db*"):
        old.unlink()
    shutil.copyfile(sound, target)
    return target


def test_any_damaged_page_costs_little(sound: Path, tmp_path: Path) -> None:
    chance = random.Random(11)
    whole = SESSIONS * ROWS_EACH + 2
    lost_most = 0
    for at in range(0, sound.stat().st_size, 512):
        path = damaged_copy(sound, tmp_path)
        with path.open("r+b") as file:
            file.seek(at)
            file.write(chance.randbytes(512))
        store, snapshot, told = reopened(path)
        lost = 2 * whole - store.depth(M) - store.depth(P)
        lost_most = max(lost_most, lost)
        assert snapshot.boot == 2, "the number of a boot never comes twice"
        assert bool(told) or lost <= 0 or snapshot.parked_records, f"silent loss of {lost} rows, page {at // 512 + 1}"
        store.commit(list(session((M, P), 99, boot=snapshot.boot, online=False)))
        assert {receipt.waiting for receipt in store.sessions(1)[0].receipts} == {12}, "taken for another transaction"
        store.close()
        again, _, told_again = reopened(path)
        assert not [text for text in told_again if "new file" in text], f"not sound after page {at // 512 + 1}"
        again.close()
    assert lost_most <= 4, "no more than the rows of one page"


def test_the_damaged_file_is_set_aside_and_never_deleted(sound: Path, tmp_path: Path) -> None:
    for count in (1, 2):
        path = damaged_copy(sound, tmp_path) if count == 1 else tmp_path / "state.db"
        path.write_bytes(b"\xff" * 100 + sound.read_bytes()[100:])
        store, snapshot, told = reopened(path)
        store.close()
        assert (tmp_path / f"state.db.damaged-{count}").read_bytes()[:100] == b"\xff" * 100
        assert len(snapshot.open_transactions) == 1
        assert any(f"state.db.damaged-{count}" in text for text in told)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "state.db",
        "state.db-lazy",
        "state.db-time",
        "state.db.damaged-1",
        "state.db.damaged-2",
        "state.db.damaged-2-lazy",
    ]


def test_what_lies_in_the_wal_is_saved_too(tmp_path: Path) -> None:
    folder = tmp_path / "live"
    folder.mkdir()
    store = Store(Database(folder / "state.db"), render)
    store.open("boot-1")
    store.commit(list(session((M, P), 0, samples=2, online=False)))
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    store.abandon()
    (copy / "state.db").write_bytes(b"\0" * 512)
    saved, snapshot, _ = reopened(copy / "state.db")
    assert saved.depth(M) == 4
    assert snapshot.holds == ()
    saved.close()


def test_nothing_but_noise_gives_an_empty_store_that_works(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(random.Random(3).randbytes(8192))
    store, snapshot, told = reopened(tmp_path / "state.db")
    assert (snapshot.boot, snapshot.open_transactions) == (1, ())
    assert told
    store.commit(list(session((M, P), 0)))
    store.close()


def test_a_newer_file_is_not_salvaged(sound: Path, tmp_path: Path) -> None:
    path = damaged_copy(sound, tmp_path)
    database = Database(path)
    database.open()
    with database.transaction(barrier=True):
        database.execute("UPDATE meta SET value = ? WHERE name = 'min_reader'", (READER_VERSION + 1,))
    database.close()
    with pytest.raises(NewerStore):
        reopened(path)
    assert not list(tmp_path.glob("*.damaged-*"))


def test_a_row_that_cannot_be_read_is_set_aside_alone(sound: Path, tmp_path: Path) -> None:
    path = damaged_copy(sound, tmp_path)
    database = Database(path)
    database.open()
    head = database.rows("SELECT min(row) FROM outbox WHERE upstream = 2")[0][0]
    with database.transaction(barrier=True):
        database.execute("UPDATE transactions SET record = x'0199' WHERE stopped = 0")
        database.execute("DROP TRIGGER frame_is_final")
        database.execute("UPDATE outbox SET frame = x'017711' WHERE row = ?", (head,))
        database.execute("UPDATE options SET value = '{'")
    database.close()
    store, snapshot, told = reopened(path)
    assert snapshot.parked_records == 2
    assert (snapshot.open_transactions, snapshot.options) == ((), ())
    before = store.depth(M)
    row = store.head(M)
    assert row is not None
    assert store.depth(M) == before - 1
    assert len(told) == 3
    store.close()


def test_damage_found_while_running_is_repaired_and_the_commit_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    store = Store(Database(tmp_path / "state.db"), render, told.append)
    store.open("boot-1")
    records = list(session((M, P), 0, samples=2, online=False))
    for record in records[:-1]:
        store.commit([record])

    def damaged(*_: object) -> int:
        raise DamagedStore("database disk image is malformed")

    with monkeypatch.context() as patch:
        patch.setattr(store._database, "execute", damaged)
        with pytest.raises(StoreError, match="tried again"):
            store.commit(records[-1:])
    store.commit(records[-1:])
    assert (store.depth(M), store.depth(P)) == (4, 4), "lazy ones included"
    assert len(told) == 2
    assert (tmp_path / "state.db.damaged-1").exists()
    store.close()


@pytest.mark.parametrize("step", range(6))
def test_a_crash_within_the_repair_loses_nothing(
    sound: Path, tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = damaged_copy(sound, tmp_path)
    path.write_bytes(b"\xff" * 100 + sound.read_bytes()[100:])
    renamed = 0
    rename = os.rename

    def crashing(source: str, target: str) -> None:
        nonlocal renamed
        renamed += 1
        if renamed > step:
            raise KeyboardInterrupt
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr("agent.store.salvage.os.rename", crashing)
        try:
            reopened(path)[0].abandon()
        except KeyboardInterrupt:
            assert renamed > step
    store, snapshot, _ = reopened(path)
    assert store.depth(M) == SESSIONS * ROWS_EACH + 2
    assert len(snapshot.open_transactions) == 1
    store.close()


def test_a_repair_that_fails_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(Database(tmp_path / "state.db"), render)
    store.open("boot-1")
    records = list(session((M, P), 0, samples=0, online=False))
    store.commit(records[:1])

    def damaged(*_: object) -> int:
        raise DamagedStore("database disk image is malformed")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store._database, "execute", damaged)
        patch.setattr("agent.store.salvage.shutil.copyfile", full)
        for _ in range(2):
            with pytest.raises(StoreError, match="No space left"):
                store.commit(records[1:])
    store.commit(records[1:])
    assert store.depth(M) == 2
    store.close()
