"""What a removed upstream never got is kept for ninety days and then goes, and nothing of anybody else goes with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.store.database import Database
from agent.store.receipts import Delivery
from agent.store.retention import DAY_MS, KEPT_DAYS
from agent.store.store import Store
from agent.vocabulary.charging import (
    ChargingProfile,
    InstalledProfile,
    Period,
    ProfileKind,
    Purpose,
    RateUnit,
    Schedule,
)
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import MANAGEMENT, ConnectorId, IdToken, UpstreamId
from agent.vocabulary.records import (
    AuthorizationStatus,
    EnqueueNotice,
    ListEntry,
    Park,
    SaveHold,
    SaveList,
    SaveOption,
    SaveProfile,
    SaveReservation,
    Verdict,
)
from agent.vocabulary.security import SecurityEvent, SecurityEventKind
from tests.rig.sessions import moment, render, session

OLD, NEW = UpstreamId("primary-1"), UpstreamId("primary-2")
NOON = 1_790_000_000_000
CONFIGURED = (MANAGEMENT, NEW)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def store(tmp_path: Path, told: list[str]) -> Iterator[Store]:
    """Two sessions that neither the old primary nor management was told of, one message given up."""
    made = Store(Database(tmp_path / "state.db"), render, told.append)
    made.open("boot-1")
    for number in range(2):
        made.commit(list(session((OLD, MANAGEMENT), number, samples=1, online=False)))
    head = made.head(OLD)
    assert head is not None
    event = SecurityEvent(SecurityEventKind.RESET_OR_REBOOT, moment(1, 1))
    made.commit(
        [
            Record((Park(OLD, head.message_id, "refused"), EnqueueNotice(OLD, event, "n1")), True),
            Record((SaveOption(OLD, "heartbeat_interval_s", 60), SaveHold(OLD, ConnectorId(1), True)), True),
        ]
    )
    yield made
    made.abandon()


def days_pass(store: Store, count: int, configured: tuple[UpstreamId, ...] = CONFIGURED, first: int = 0) -> None:
    for day in range(first, first + count):
        for hour in range(0, 24, 8):
            store.archive.age_removed(configured, NOON + day * DAY_MS + hour * 3_600_000)


def writes(store: Store) -> int:
    return store._database.wal_frames()


@pytest.mark.rule("two-upstreams.RC04")
def test_it_is_kept_for_ninety_days_and_then_dropped_with_a_line(store: Store, told: list[str]) -> None:
    days_pass(store, KEPT_DAYS)
    assert (store.depth(OLD), store.archive.parked(OLD) != [], told) == (5, True, [])
    assert store.archive.parked_count(OLD) == len(store.archive.parked(OLD))
    assert store.archive.parked_count(UpstreamId("nobody")) == 0
    days_pass(store, 1, first=KEPT_DAYS)
    assert (store.depth(OLD), store.archive.parked(OLD), store.head_notice(OLD)) == (0, [], None)
    assert store.depth(MANAGEMENT) == 6
    assert told == ["primary-1 was removed 90 days ago: 5 messages that it never got are dropped"]
    receipts = [r for s in store.sessions() for r in s.receipts if r.upstream == OLD]
    assert {(r.start, r.stop) for r in receipts} == {(Delivery.DROPPED, Delivery.DROPPED)}
    others = [r for s in store.sessions() for r in s.receipts if r.upstream == MANAGEMENT]
    assert {(r.start, r.stop) for r in others} == {(Delivery.QUEUED, Delivery.QUEUED)}
    store.close()
    again = Store(Database(store._database.path), render)
    snapshot = again.open("boot-2")
    assert (snapshot.options, snapshot.holds) == ((), ())
    again.close()


@pytest.mark.rule("two-upstreams.RC04")
def test_configured_again_it_is_all_there_and_the_days_begin_anew(store: Store) -> None:
    days_pass(store, KEPT_DAYS - 1)
    days_pass(store, 1, configured=(MANAGEMENT, OLD), first=KEPT_DAYS)
    assert (store.depth(OLD), store.head(OLD) is not None) == (5, True)
    days_pass(store, KEPT_DAYS, first=KEPT_DAYS + 1)
    assert store.depth(OLD) == 5
    days_pass(store, 1, first=2 * KEPT_DAYS + 1)
    assert store.depth(OLD) == 0


def test_a_clock_that_is_wrong_by_years_costs_one_day(store: Store) -> None:
    days_pass(store, 10)
    store.archive.age_removed(CONFIGURED, NOON + 9 * 365 * DAY_MS)
    days_pass(store, KEPT_DAYS - 12, first=10)
    assert store.depth(OLD) == 5


def test_it_survives_restarts_and_writes_once_a_day(store: Store) -> None:
    days_pass(store, 5)
    store.close()
    again = Store(Database(store._database.path), render)
    again.open("boot-2")
    before = writes(again)
    for minute in range(60):
        again.archive.age_removed(CONFIGURED, NOON + 4 * DAY_MS + 17 * 3_600_000 + minute * 60_000)
    assert writes(again) == before
    days_pass(again, KEPT_DAYS - 4, first=5)
    assert again.depth(OLD) == 0
    before = writes(again)
    days_pass(again, 3, first=KEPT_DAYS + 2)
    assert writes(again) == before, "nothing is kept, nothing is counted"
    again.close()


@pytest.mark.rule("two-upstreams.RC06")
@pytest.mark.rule("INV-10")
def test_nothing_of_a_removed_upstream_stays_neither_its_cards_nor_its_limits(store: Store) -> None:
    schedule = Schedule(RateUnit.AMPERE, (Period(0, 16.0),))
    profile = ChargingProfile(1, 0, Purpose.TRANSACTION_DEFAULT, ProfileKind.RELATIVE, schedule)
    for upstream in (OLD, NEW):
        entries = (
            SaveProfile(InstalledProfile(upstream, ConnectorId(1), profile)),
            SaveReservation(upstream, 7, ConnectorId(1), IdToken("04A1"), NOON, None),
            SaveList(upstream, 1, True, (ListEntry(IdToken("04A1"), Verdict(AuthorizationStatus.ACCEPTED)),)),
        )
        store.commit([Record(entries, True)])
    days_pass(store, KEPT_DAYS + 1)
    store.close()
    again = Store(Database(store._database.path), render)
    snapshot = again.open("boot-2")
    left = [each.upstream for rows in (snapshot.profiles, snapshot.reservations, snapshot.lists) for each in rows]
    assert left == [NEW, NEW, NEW]
    owned = [
        name
        for (name,) in again._database.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")
        if any(column[1] == "upstream" for column in again._database.rows(f"PRAGMA table_info({name})"))
    ]
    (number,) = [number for number, name in again._tables.upstreams.all() if name == OLD]
    for table in set(owned) - {"cursors", "receipts"}:
        assert again._database.rows(f"SELECT * FROM {table} WHERE upstream = ?", (number,)) == [], table
    again.close()
