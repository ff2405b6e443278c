"""Messages that are given up, and how they come back: alone or with their session, unchanged, each once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.store.database import Database
from agent.store.receipts import Delivery
from agent.store.store import Store
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import TransactionId, UpstreamId
from agent.vocabulary.outbox import OutboxRow, RowKind
from agent.vocabulary.records import Acknowledge, Enqueue, Entry, Park, Unpark
from tests.rig.sessions import ACCEPTED, render, session

M, P = UpstreamId("management"), UpstreamId("primary")


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """Makes stores on one file, each opened; closes what is left open."""
    made: list[Store] = []

    def make(boot_id: str = "boot-1") -> Store:
        store = Store(Database(tmp_path / "state.db"), render)
        made.append(store)
        store.open(boot_id)
        return store

    yield make
    for store in made:
        store.abandon()


def commit(store: Store, *entries: Entry) -> None:
    store.commit([Record(entries, True)])


def head(store: Store, upstream: UpstreamId = M) -> OutboxRow:
    row = store.head(upstream)
    assert row is not None
    return row


def drain(store: Store, upstream: UpstreamId = M, foreign_id: str = "7") -> list[OutboxRow]:
    taken: list[OutboxRow] = []
    while (row := store.head(upstream)) is not None and row.frame is not None:
        taken.append(row)
        given = foreign_id if row.kind is RowKind.START else None
        commit(store, Acknowledge(upstream, row.message_id, row.transaction, given, ACCEPTED))
    return taken


def park(store: Store, upstream: UpstreamId = M, whole_session: bool = False) -> OutboxRow:
    row = head(store, upstream)
    commit(store, Park(upstream, row.message_id, "CALLERROR InternalError", whole_session))
    return row


def fill(store: Store, count: int = 1, samples: int = 2) -> None:
    for number in range(count):
        store.commit(list(session((M, P), number, samples=samples, online=False)))


def receipt(store: Store, transaction: TransactionId | None, upstream: UpstreamId = M) -> tuple[Delivery, Delivery]:
    assert transaction is not None
    found = next(r for r in store.archive.receipts(transaction) if r.upstream == upstream)
    return found.start, found.stop


@pytest.mark.rule("product.settled.time-out")
def test_a_parked_message_goes_back_unchanged_behind_what_waits(opened: Callable[..., Store]) -> None:
    store = opened()
    fill(store, 2)
    parked = park(store)
    commit(store, Unpark(M, parked.message_id), Unpark(M, parked.message_id), Unpark(P, parked.message_id))
    rows = drain(store)
    assert len(rows) == 8
    assert (rows[-1].message_id, rows[-1].frame, rows[-1].attempts) == (parked.message_id, parked.frame, 0)
    assert receipt(store, parked.transaction) == (Delivery.ACKNOWLEDGED, Delivery.ACKNOWLEDGED)
    commit(store, Unpark(M, parked.message_id), Unpark(M, "nobody's"))
    assert store.head(M) is None


@pytest.mark.rule("ocpp16.X23")
def test_behind_a_parked_start_the_rest_goes_out_with_an_id_of_its_own(opened: Callable[..., Store]) -> None:
    store = opened()
    fill(store)
    parked = park(store)
    rows = drain(store)
    assert [row.kind for row in rows] == [RowKind.SAMPLE, RowKind.SAMPLE, RowKind.STOP]
    assert all('"transactionId": -1,' in (row.frame or "") for row in rows)
    assert receipt(store, parked.transaction) == (Delivery.PARKED, Delivery.ACKNOWLEDGED)


@pytest.mark.rule("product.settled.time-out")
def test_a_start_may_be_parked_with_its_session_and_comes_back_with_it(opened: Callable[..., Store]) -> None:
    store = opened()
    records = list(session((M, P), 0, samples=3, online=False))
    store.commit(records[:3])
    parked = park(store, whole_session=True)
    store.commit(records[3:])
    assert store.head(M) is None, "what comes later is parked too"
    assert receipt(store, parked.transaction) == (Delivery.SESSION_PARKED, Delivery.PARKED)
    assert len(drain(store, P)) == 5, "the other upstream gets it all"
    store.close()
    again = opened("boot-2")
    commit(again, Unpark(M, parked.message_id))
    rows = drain(again, foreign_id="81")
    assert [row.kind for row in rows] == [RowKind.START, *[RowKind.SAMPLE] * 3, RowKind.STOP]
    assert all('"transactionId": 81,' in (row.frame or "") for row in rows[1:])
    assert receipt(again, parked.transaction) == (Delivery.ACKNOWLEDGED, Delivery.ACKNOWLEDGED)


def test_a_parked_session_holds_up_no_other(opened: Callable[..., Store]) -> None:
    store = opened()
    fill(store, 2)
    first = park(store, whole_session=True)
    rows = drain(store)
    assert {row.transaction for row in rows}.isdisjoint({first.transaction})
    assert len(rows) == 4


def test_a_late_answer_to_a_parked_start_brings_its_session_back(opened: Callable[..., Store]) -> None:
    store = opened()
    fill(store)
    parked = park(store, whole_session=True)
    commit(store, Acknowledge(M, parked.message_id, parked.transaction, "99", ACCEPTED))
    rows = drain(store)
    assert [row.kind for row in rows] == [RowKind.SAMPLE, RowKind.SAMPLE, RowKind.STOP]
    assert all('"transactionId": 99,' in (row.frame or "") for row in rows)
    assert receipt(store, parked.transaction) == (Delivery.ACKNOWLEDGED, Delivery.ACKNOWLEDGED)


def test_a_row_that_was_parked_from_the_middle_is_not_overwritten_by_a_later_one(opened: Callable[..., Store]) -> None:
    store = opened()
    records = list(session((M,), 0, samples=1, online=False))
    store.commit(records[:1])
    parked = park(store, whole_session=True)
    store.commit(list(session((M,), 1, samples=0, online=False)))
    store.commit(records[1:2])
    store.close()
    again = opened("boot-2")
    again.commit(records[2:])
    commit(again, Unpark(M, parked.message_id))
    assert [row.kind for row in drain(again)][2:] == [RowKind.START, RowKind.SAMPLE, RowKind.STOP]


def test_what_can_no_longer_be_read_is_set_aside_when_it_is_taken_up(opened: Callable[..., Store]) -> None:
    store = opened()
    fill(store)
    parked = park(store, whole_session=True)
    with store._database.transaction(barrier=True):
        store._database.execute("UPDATE parked SET event = x'017711' WHERE kind = 1")
    commit(store, Unpark(M, parked.message_id))
    assert [row.kind for row in drain(store)] == [RowKind.START, RowKind.STOP]
    assert store._tables.damage.total() == 2


def test_an_event_outside_any_transaction_can_be_parked_and_taken_up(opened: Callable[..., Store]) -> None:
    store = opened()
    (event,) = [
        entry.event
        for record in session((M,), 0, samples=1, online=False)
        for entry in record.entries
        if isinstance(entry, Enqueue) and not hasattr(entry.event, "meter_stop_wh") and hasattr(entry.event, "sample")
    ]
    store._tables.frames._render = lambda *_: "[2]"
    commit(store, Enqueue(M, type(event)(None, event.where, event.sample), "m1"))  # type: ignore[call-arg,union-attr]
    park(store)
    commit(store, Unpark(M, "m1"))
    assert [row.message_id for row in drain(store)] == ["m1"]
