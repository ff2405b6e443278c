"""The security log: nothing in it changes, goes or comes unseen, and a cut costs at most what was never synced."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.store.boots import Boots
from agent.store.database import Database
from agent.store.errors import StoreError
from agent.store.security_log import DROPPED_TOGETHER, ChainCheck, SecurityLog
from agent.store.store import Store
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.moments import Moment
from agent.vocabulary.records import FixWallTime, LogSecurityEvent
from agent.vocabulary.security import CRITICAL, SecurityEvent, SecurityEventKind
from tests.rig.crash_store import CrashStore
from tests.rig.sessions import moment, render, session

M = UpstreamId("management")
KINDS = tuple(SecurityEventKind)


def event(number: int, boot: int = 1) -> SecurityEvent:
    return SecurityEvent(KINDS[number % len(KINDS)], moment(boot, number * 1000), f"event {number}", M)


def log(store: Store, numbers: range, barrier: bool = True) -> None:
    for number in numbers:
        store.commit([Record((LogSecurityEvent(event(number)),), barrier)])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(Database(tmp_path / "state.db"), render)
    made.open("boot-1")
    yield made
    made.abandon()


def edited(store: Store, *statements: str) -> Store:
    """The store after somebody changed its file by hand."""
    path = store._database.path
    store.close()
    database = Database(path)
    database.open()
    with database.transaction(barrier=True):
        database.execute("DROP TRIGGER line_is_final")
        for sql in statements:
            database.execute(sql)
    database.close()
    again = Store(Database(path), render)
    again.open("boot-2")
    return again


@pytest.mark.rule("ocpp16.Z20")
def test_every_event_has_its_line_in_order(store: Store) -> None:
    log(store, range(len(KINDS)))
    lines = store.archive.security_log()
    assert [line.sequence for line in lines] == list(range(1, len(KINDS) + 1))
    assert [line.event for line in lines] == [event(number) for number in range(len(KINDS))]
    assert store.archive.check_security_log() == ChainCheck(len(KINDS), 1, len(KINDS))
    assert [line.sequence for line in store.archive.security_log(3)] == list(range(len(KINDS) - 2, len(KINDS) + 1))


def test_an_empty_log_is_sound(store: Store) -> None:
    assert store.archive.check_security_log() == ChainCheck(0, 1, 0)
    assert store.archive.check_security_log().holds


@pytest.mark.rule("INV-12")
@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ("DELETE FROM security_log WHERE row = 4", (5,)),
        ("DELETE FROM security_log WHERE row = 1", (2,)),
        ("UPDATE security_log SET event = (SELECT event FROM security_log WHERE row = 2) WHERE row = 7", (7,)),
        ("UPDATE security_log SET hash = x'00' WHERE row = 3", (3, 4)),
        ("UPDATE security_log SET hash = 'text' WHERE row = 3", (3, 4)),
        ("UPDATE security_log SET event = x'017711' WHERE row = 3", (3,)),
        ("UPDATE security_log SET row = row + 1 WHERE row = 9", (10,)),
    ],
)
def test_whatever_is_done_to_a_line_breaks_the_chain_there(store: Store, change: str, broken: tuple[int, ...]) -> None:
    log(store, range(9))
    changed = edited(store, change)
    assert changed.archive.check_security_log().breaks == broken
    log(changed, range(9, 12))
    assert changed.archive.check_security_log().breaks == broken, "what comes later is proven all the same"
    changed.close()


def test_a_line_cannot_be_changed_in_place(store: Store) -> None:
    log(store, range(3))
    with pytest.raises(StoreError, match="never changes"), store._database.transaction(barrier=True):
        store._database.execute("UPDATE security_log SET event = x'00'")


def test_the_log_goes_on_after_a_restart_and_after_a_commit_that_failed(store: Store) -> None:
    log(store, range(3))
    with pytest.raises(TypeError):
        store.commit([Record((LogSecurityEvent(event(3)), "nonsense"), True)])  # type: ignore[arg-type]
    log(store, range(3, 5))
    store.close()
    again = Store(Database(store._database.path), render)
    again.open("boot-2")
    log(again, range(5, 8), barrier=False)
    assert again.archive.check_security_log() == ChainCheck(8, 1, 8)
    again.close()


def test_lines_of_a_boot_without_time_show_it_once_it_is_known(store: Store) -> None:
    unknown = SecurityEvent(SecurityEventKind.STARTUP_OF_THE_DEVICE, Moment(1, 5_000))
    store.commit([Record((LogSecurityEvent(unknown),), True)])
    assert store.archive.security_log()[-1].event.at.wall_ms is None
    store.commit([Record((FixWallTime(1, 1_000_000),), True)])
    assert store.archive.security_log()[-1].event.at.wall_ms == 1_005_000
    assert store.archive.check_security_log().holds, "the line itself is as it was written"


def test_a_full_log_drops_its_oldest_lines_and_still_proves_the_rest(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.db")
    database.open()
    kept = 20
    security_log = SecurityLog(database, Boots(database), kept)
    total = kept + 3 * DROPPED_TOGETHER + 5
    for number in range(total):
        with database.transaction(barrier=number % 3 == 0):
            security_log.append(event(number))
    check = security_log.check()
    assert check.holds
    assert check.last == total
    assert kept <= check.lines < kept + DROPPED_TOGETHER
    with database.transaction(barrier=True):
        database.execute("DELETE FROM security_log WHERE row = ?", (check.first,))
    assert security_log.check().breaks == (check.first + 1,), "the anchor names the line that must come first"
    database.close()


def test_a_log_that_is_cleared_goes_on_from_its_last_line(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.db")
    database.open()
    security_log = SecurityLog(database, Boots(database))
    with database.transaction(barrier=True):
        security_log.clear()
        for number in range(5):
            security_log.append(event(number))
        security_log.clear()
        security_log.append(event(5))
    security_log.forget()
    assert security_log.check() == ChainCheck(1, 6, 6)
    assert [line.event for line in security_log.newest(10)] == [event(5)]
    database.close()


@pytest.mark.rule("INV-12")
@pytest.mark.parametrize("seed", range(40))
def test_a_power_cut_takes_at_most_lines_that_were_not_critical_and_not_synced(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    rig = CrashStore(tmp_path / "state")
    store = rig.store(render)
    store.open("boot-1")
    durable = written = 0
    for number in range(chance.randrange(5, 40)):
        critical = event(number).kind in CRITICAL
        store.commit([Record((LogSecurityEvent(event(number)),), critical)])
        written += 1
        if critical:
            durable = written
        elif chance.random() < 0.1:
            store.sync()
            durable = written
    after = rig.cut(chance if seed % 2 else None)
    store.abandon()
    again = after.store(render)
    again.open("boot-2")
    check = again.archive.check_security_log()
    assert check.holds
    assert durable <= check.lines <= written
    assert [line.event for line in again.archive.security_log()] == [event(n) for n in range(check.lines)]
    again.close()


@pytest.mark.rule("INV-12")
@pytest.mark.parametrize("migrated", [False, True])
def test_damage_anywhere_leaves_every_other_line_and_shows_the_hole(tmp_path: Path, migrated: bool) -> None:
    sound = tmp_path / "sound.db"
    if migrated:
        database = Database(sound, last_migration=1)
        database.open()
        with database.transaction(barrier=True):
            for number in range(40):
                database.execute("INSERT INTO ladder (step) VALUES (?)", (bytes([number]) * 100,))
        database.close()
    store = Store(Database(sound), render)
    store.open("boot-1")
    store.commit(list(session((M,), 0, samples=2, online=False)))
    log(store, range(60))
    store.close()
    chance = random.Random(5)
    for at in range(0, sound.stat().st_size, 512):
        path = tmp_path / "state.db"
        for old in tmp_path.glob("state.db*"):
            old.unlink()
        shutil.copyfile(sound, path)
        with path.open("r+b") as file:
            file.seek(at)
            file.write(chance.randbytes(512))
        damaged = Store(Database(path), render)
        damaged.open("boot-2")
        check = damaged.archive.check_security_log()
        events = {line.event.tech_info for line in damaged.archive.security_log()}
        assert events <= {f"event {number}" for number in range(60)}
        assert len(events) >= 50, f"page {at // 512 + 1}"
        inner_hole = check.last != len(events) or check.first != 1
        assert check.holds is not inner_hole, f"page {at // 512 + 1}"
        log(damaged, range(200, 202))
        assert damaged.archive.check_security_log().breaks == check.breaks
        damaged.close()
