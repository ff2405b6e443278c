"""A queue that is too long, or a disk that is too full, costs meter values and never a start, a stop or a bill."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.store import limits
from agent.store.database import Database
from agent.store.receipts import Delivery
from agent.store.store import Store
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import MANAGEMENT, TransactionId, UpstreamId
from agent.vocabulary.outbox import OutboxRow, RowKind
from agent.vocabulary.records import Acknowledge, Entry
from tests.rig.sessions import ACCEPTED, render, session

PRIMARY = UpstreamId("primary")
BOTH = (PRIMARY, MANAGEMENT)
"""The first authorises."""
START, SAMPLE, STOP = RowKind.START, RowKind.SAMPLE, RowKind.STOP


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(Database(tmp_path / "state.db"), render)
    made.open("boot-1")
    yield made
    made.abandon()


def commit(store: Store, *entries: Entry) -> None:
    store.commit([Record(entries, True)])


def fill(store: Store, upstreams: tuple[UpstreamId, ...], count: int, samples: int, first: int = 0) -> None:
    for number in range(first, first + count):
        store.commit(list(session(upstreams, number, samples=samples, online=False)))


def drain(store: Store, upstream: UpstreamId) -> list[OutboxRow]:
    taken: list[OutboxRow] = []
    while (row := store.head(upstream)) is not None and row.frame is not None:
        taken.append(row)
        commit(store, Acknowledge(upstream, row.message_id, row.transaction, "7", ACCEPTED))
    return taken


def kinds(rows: list[OutboxRow]) -> dict[TransactionId | None, list[RowKind]]:
    found: dict[TransactionId | None, list[RowKind]] = {}
    for row in rows:
        found.setdefault(row.transaction, []).append(row.kind)
    return found


@pytest.fixture
def small(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(store._tables.limits, "_most_rows", 30)
    return store


@pytest.mark.rule("ocpp16.X27")
def test_a_queue_over_its_bound_keeps_starts_stops_and_the_ends_of_each_session(small: Store) -> None:
    fill(small, BOTH, 3, 10)
    assert small.depth(PRIMARY) == small.depth(MANAGEMENT)
    assert small.depth(PRIMARY) <= 30
    sessions = kinds(drain(small, PRIMARY))
    assert len(sessions) == 3
    for rows in sessions.values():
        assert (rows[0], rows[1], rows[-2], rows[-1]) == (START, SAMPLE, SAMPLE, STOP)
        assert set(rows[1:-1]) == {SAMPLE}
    assert [len(rows) for rows in sessions.values()] == [8, 8, 10], "every second one of those that were waiting"


@pytest.mark.rule("ocpp16.X27")
def test_what_is_dropped_is_every_second_reading_between_the_first_and_the_last(small: Store) -> None:
    store = small
    store.commit(list(session((PRIMARY,), 0, samples=33, online=False))[:-1])
    times = [row.frame or "" for row in drain(store, PRIMARY) if row.kind is SAMPLE]
    minutes = [int(frame.split("T", 1)[1][3:5]) for frame in times]
    gaps = {later - earlier for earlier, later in itertools.pairwise(minutes)}
    assert len(times) < 30
    assert gaps <= {1, 2, 3, -58, -57, -59}


@pytest.mark.rule("ocpp16.X27")
def test_it_is_told_once_and_not_with_every_row_that_follows(small: Store) -> None:
    fill(small, (PRIMARY,), 3, 9)
    assert len(small.alarms) == 1
    assert "the queue of primary is full" in small.alarms[0]
    small.alarms.clear()
    fill(small, (PRIMARY,), 40, 0, first=3)
    assert len(small.alarms) <= 7, "there is nothing left to thin, and that is not said for each row"
    assert small.depth(PRIMARY) > 80, "starts and stops stay, however many"


def test_the_message_that_is_being_delivered_stays(small: Store) -> None:
    fill(small, (PRIMARY,), 1, 10)
    for _ in range(2):
        row = small.head(PRIMARY)
        assert row is not None
        commit(small, Acknowledge(PRIMARY, row.message_id, row.transaction, "7", ACCEPTED))
    head = small.head(PRIMARY)
    fill(small, (PRIMARY,), 2, 12, first=1)
    assert small.alarms
    assert small.head(PRIMARY) == head


def test_a_commit_that_fails_drops_and_tells_nothing(small: Store) -> None:
    fill(small, (PRIMARY,), 2, 10)
    records = list(session((PRIMARY,), 2, samples=10, online=False))
    with pytest.raises(TypeError):
        small.commit([*records, Record(("nonsense",), True)])  # type: ignore[arg-type]
    assert (small.alarms, small.depth(PRIMARY)) == ([], 24)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets how many bytes are free."""

    def free(size: int) -> None:
        real = os.statvfs("/")
        fields = list(real)
        fields[1], fields[4] = 1, size  # f_frsize, f_bavail
        monkeypatch.setattr(limits.os, "statvfs", lambda path: os.statvfs_result(fields))

    return free


@pytest.mark.rule("ocpp16.X27")
def test_a_nearly_full_disk_costs_management_its_oldest_mirrored_sessions_and_the_primary_none(
    store: Store, disk: Callable[[int], None]
) -> None:
    fill(store, BOTH, 9, 4)
    disk(limits.LEAST_FREE_BYTES)
    store.tidy()
    assert store.alarms == []
    disk(0)
    newest_first = [session.transaction.id for session in store.sessions()]
    store.tidy()
    assert {text.rsplit(" for ", 1)[1] for text in store.alarms} == {
        "primary were dropped",
        "management were dropped",
    }
    mirrored = kinds(drain(store, MANAGEMENT))
    assert list(mirrored) == [newest_first[-1], *reversed(newest_first[:6])], "not the one that is being delivered"
    billed = kinds(drain(store, PRIMARY))
    assert len(billed) == 9
    assert all((rows[0], rows[-1]) == (START, STOP) for rows in billed.values())
    gone = next(r for r in store.archive.receipts(newest_first[7]) if r.upstream == MANAGEMENT)
    assert (gone.start, gone.stop) == (Delivery.DROPPED, Delivery.DROPPED)


@pytest.mark.rule("ocpp16.X27")
def test_management_loses_nothing_that_it_bills_itself(store: Store, disk: Callable[[int], None]) -> None:
    fill(store, (MANAGEMENT,), 9, 4)
    disk(0)
    store.tidy()
    rows = kinds(drain(store, MANAGEMENT))
    assert len(rows) == 9
    assert all((kinds_[0], kinds_[-1]) == (START, STOP) for kinds_ in rows.values())


def test_a_session_that_is_partly_delivered_or_still_runs_is_not_dropped(
    store: Store, disk: Callable[[int], None]
) -> None:
    store.commit(list(session(BOTH, 0, samples=1, online=False)))
    row = store.head(MANAGEMENT)
    assert row is not None
    commit(store, Acknowledge(MANAGEMENT, row.message_id, row.transaction, "7", ACCEPTED))
    store.commit(list(session(BOTH, 1, samples=1, online=False))[:-1])
    disk(0)
    store.tidy()
    assert (store.depth(MANAGEMENT), store.alarms) == (4, [])


def test_room_that_was_made_counts_as_room(store: Store, disk: Callable[[int], None]) -> None:
    before = limits.room_bytes(store._database)
    fill(store, BOTH, 30, 20)
    disk(0)
    store.tidy()
    assert limits.room_bytes(store._database) > 20_000
    assert before > 0
