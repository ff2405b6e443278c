"""Notices: queues of security events beside the outboxes, bounded, and written as soon as the time is known."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.store import notices
from agent.store.database import Database
from agent.store.store import Store
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.moments import Moment
from agent.vocabulary.records import DropNotice, EnqueueNotice, Entry, FixWallTime, NoteAccepted
from agent.vocabulary.security import CRITICAL, SecurityEvent, SecurityEventKind
from tests.rig.crash_store import CrashStore
from tests.rig.sessions import moment, render, session

M, P = UpstreamId("management"), UpstreamId("primary")
RESET, TLS = SecurityEventKind.RESET_OR_REBOOT, SecurityEventKind.INVALID_TLS_VERSION


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """Makes stores on one file, each opened; closes what is left open."""
    made: list[Store] = []

    def make(boot_id: str = "boot-1", report: Callable[[str], None] = lambda text: None) -> Store:
        store = Store(Database(tmp_path / "state.db"), render, report)
        made.append(store)
        store.open(boot_id, 0)
        return store

    yield make
    for store in made:
        store.abandon()


def commit(store: Store, *entries: Entry, barrier: bool = True) -> frozenset[UpstreamId]:
    return store.commit([Record(entries, barrier)])


def queued(
    number: int, upstream: UpstreamId = M, kind: SecurityEventKind = RESET, at: Moment | None = None
) -> EnqueueNotice:
    return EnqueueNotice(upstream, SecurityEvent(kind, at or moment(1, number), f"{number}"), f"n{number}")


def drain(store: Store, upstream: UpstreamId = M) -> list[str]:
    """Message ids of what can be sent, each answered."""
    sent = []
    while (row := store.head_notice(upstream)) is not None and row.frame is not None:
        assert json.loads(row.frame)[1] == row.message_id
        sent.append(row.message_id)
        commit(store, DropNotice(upstream, row.message_id), barrier=False)
    return sent


@pytest.mark.rule("ocpp16.Z22")
def test_each_upstream_has_a_queue_of_its_own_beside_its_outbox(opened: Callable[..., Store]) -> None:
    store = opened()
    assert commit(store, queued(1), queued(2, P)) == {M, P}
    commit(store, *(entry for record in session((M, P), 0, samples=1, online=False) for entry in record.entries))
    assert drain(store) == ["n1"]
    assert store.head_notice(M) is None
    assert (store.head_notice(P) is not None, store.depth(M)) == (True, 3)


@pytest.mark.rule("ocpp16.Z22")
def test_the_queue_survives_a_restart_byte_for_byte(opened: Callable[..., Store]) -> None:
    store = opened()
    commit(store, queued(1), queued(2))
    before = store.head_notice(M)
    store.close()
    again = opened("boot-2")
    assert again.head_notice(M) == before
    assert drain(again) == ["n1", "n2"]


def test_an_answer_counts_once_and_a_strange_one_not_at_all(opened: Callable[..., Store]) -> None:
    store = opened()
    commit(store, queued(1), queued(2), queued(3))
    commit(store, DropNotice(M, "n2"), DropNotice(M, "n2"), DropNotice(P, "n1"), DropNotice(M, "n9"))
    assert drain(store) == ["n1", "n3"]


@pytest.mark.rule("ocpp16.B11")
def test_frames_wait_for_the_time_of_their_boot(opened: Callable[..., Store]) -> None:
    store = opened()
    commit(store, queued(1, at=Moment(1, 5_000)), queued(2, P, at=Moment(1, 6_000)))
    head = store.head_notice(M)
    assert (head and head.message_id, head and head.frame) == ("n1", None)
    assert commit(store, FixWallTime(1, 1_790_000_000_000)) == {M, P}
    row = store.head_notice(M)
    assert row is not None
    assert '"timestamp": "2026-09-21T14:13:25.000Z"' in (row.frame or "")


def test_a_boot_that_never_learned_the_time_does_not_hold_its_events_for_ever(opened: Callable[..., Store]) -> None:
    store = opened("boot-1")
    commit(store, queued(1, at=Moment(1, 5_000)))
    store.close()
    again = opened("boot-2")
    assert drain(again) == []
    commit(again, queued(2, at=Moment(2, 100)), FixWallTime(2, 1_790_000_000_000))
    assert drain(again) == ["n1", "n2"]


def test_a_full_queue_loses_its_oldest_event_that_is_not_critical_and_says_so(
    opened: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(notices.Notices.__init__, "__defaults__", (3,))
    store = opened("boot-1", told.append)
    commit(store, queued(1), queued(2, kind=TLS), queued(3), queued(4, P))
    commit(store, queued(5))
    commit(store, queued(6))
    assert drain(store) == ["n3", "n5", "n6"], "first what is not critical, then what is oldest"
    assert drain(store, P) == ["n4"]
    assert len(told) == 2
    assert all("management is not told" in text for text in told)


def test_what_cannot_be_rendered_or_read_costs_itself_and_nobody_else(opened: Callable[..., Store]) -> None:
    told: list[str] = []

    def picky(upstream: UpstreamId, event: SecurityEvent, message_id: str, *_: object) -> str | None:
        if message_id == "n1":
            raise ZeroDivisionError
        return None if message_id == "n2" else f'[2, "{message_id}"]'

    store = opened("boot-1", told.append)
    store._tables.notices._render = picky
    commit(store, queued(1), queued(2), queued(3), queued(4))
    with store._database.transaction(barrier=True):
        store._database.execute("UPDATE notices SET frame = x'017711' WHERE frame IS NOT NULL AND row < 3")
        store._database.execute("UPDATE notices SET event = x'017711' WHERE frame IS NULL")
    commit(store, FixWallTime(1, 0))
    assert drain(store) == ["n4"]
    assert len(told) == 3


def test_a_commit_that_fails_queues_nothing(opened: Callable[..., Store]) -> None:
    store = opened()
    commit(store, queued(1))
    with pytest.raises(TypeError):
        commit(store, queued(2), "nonsense")  # type: ignore[arg-type]
    assert drain(store) == ["n1"]
    commit(store, queued(3))
    assert drain(store) == ["n3"]


@pytest.mark.rule("ocpp16.Z22")
@pytest.mark.parametrize("seed", range(40))
def test_a_power_cut_loses_no_critical_event_and_repeats_none_under_another_id(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    rig = CrashStore(tmp_path / "state")
    store = rig.store(render)
    store.open("boot-1")
    durable: list[str] = []
    queued_so_far: list[str] = []
    told: list[str] = []
    for number in range(chance.randrange(5, 40)):
        kind = chance.choice((RESET, TLS))
        commit(store, queued(number, kind=kind), barrier=kind in CRITICAL)
        queued_so_far.append(f"n{number}")
        if kind in CRITICAL:
            durable = list(queued_so_far)
        row = store.head_notice(M)
        if row is not None and chance.random() < 0.5:
            told.append(row.message_id)
            commit(store, DropNotice(M, row.message_id), barrier=False)
    after = rig.cut(chance if seed % 2 else None)
    store.abandon()
    again = after.store(render)
    again.open("boot-2")
    told += drain(again)
    assert set(durable) <= set(told)
    assert list(dict.fromkeys(told)) == sorted(set(told), key=queued_so_far.index), "in order, once repeats are dropped"
    again.close()


@pytest.mark.rule("ocpp16.B12")
def test_who_has_accepted_the_station_is_remembered(opened: Callable[..., Store]) -> None:
    store = opened()
    commit(store, NoteAccepted(P), NoteAccepted(P))
    store.close()
    again = Store(Database(store._database.path), render)
    assert again.open("boot-2").accepted == (P,)
    again.close()
