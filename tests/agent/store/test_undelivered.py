"""What an upstream has not got: all of it, in the order of the events, and nothing of anybody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.store.database import Database
from agent.store.store import Store
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.outbox import RowKind
from agent.vocabulary.records import Acknowledge, CountAttempt, Park
from tests.rig.sessions import ACCEPTED, TOKEN, render, session

M, P = UpstreamId("management"), UpstreamId("primary")


def kept(folder: Path) -> Store:
    """Two sessions at two upstreams: the first delivered at one, its start given up at the other."""
    store = Store(Database(folder / "state.db"), render)
    store.open("boot-1")
    store.commit(list(session((M, P), 0, samples=1, online=False)))
    while (row := store.head(M)) is not None:
        store.commit([Record((Acknowledge(M, row.message_id, row.transaction, "41", ACCEPTED),), True)])
    head = store.head(P)
    assert head is not None
    store.commit([Record((CountAttempt(P, head.message_id, 2),), True)])
    store.commit([Record((Park(P, head.message_id, "GenericError"),), True)])
    store.commit(list(session((M, P), 1, samples=0, online=False)))
    return store


@pytest.mark.rule("product.A11")
@pytest.mark.rule("two-upstreams.RC04")
def test_what_waits_and_what_was_given_up_comes_in_the_order_of_the_events(tmp_path: Path) -> None:
    store = kept(tmp_path)
    undelivered = store.archive.undelivered
    messages = undelivered.messages(P, 0, 100)
    assert [(one.kind, one.given_up, one.attempts, one.why) for one in messages] == [
        (RowKind.START, True, 2, "GenericError"),
        (RowKind.SAMPLE, False, 0, ""),
        (RowKind.STOP, False, 0, ""),
        (RowKind.START, False, 0, ""),
        (RowKind.STOP, False, 0, ""),
    ]
    first, last = messages[0], messages[-1]
    assert first.transaction is not None
    assert (first.transaction.meter_stop_wh, first.transaction.token) == (1_001_830, TOKEN)
    assert first.frame is not None
    assert "StartTransaction" in first.frame
    assert (last.frame, last.event is not None) == (None, True), "it waits for the id of its start"
    assert [one.kind for one in undelivered.messages(M, 0, 100)] == [RowKind.START, RowKind.STOP]
    store.close()


def test_it_is_read_page_by_page(tmp_path: Path) -> None:
    store = kept(tmp_path)
    undelivered = store.archive.undelivered
    whole = undelivered.messages(P, 0, 100)
    paged, behind = [], 0
    while page := undelivered.messages(P, behind, 2):
        paged += page
        behind = page[-1].place
    assert paged == whole
    assert len({one.place for one in whole}) == 5
    store.close()


def test_who_never_had_anything_has_nothing(tmp_path: Path) -> None:
    store = kept(tmp_path)
    assert store.archive.undelivered.messages(UpstreamId("nobody"), 0, 100) == []
    assert store.archive.undelivered.upstreams() == [M, P]
    store.close()
