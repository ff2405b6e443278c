"""Budget 15, besides `arbitration`: what a message costs by what waits, by upstreams and by entries of the local list.

Processor time of this thread, so that it says the same on a busy machine; syncs are not in it.
"""

from __future__ import annotations

import time
from collections import deque

from agent.store.database import Database
from agent.store.store import Store
from agent.vocabulary.commands import SendList
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import MANAGEMENT, IdToken, UpstreamId
from agent.vocabulary.outbox import RowKind
from agent.vocabulary.records import MAXIMUM_LIST_ENTRIES, MAXIMUM_LIST_SENT, Acknowledge, ListEntry
from tests.agent.station.driver import MANAGEMENT as OTHER
from tests.agent.station.driver import PRIMARY, Driver
from tests.bench.report import Figure, Say
from tests.rig.memory_folder import memory_folder
from tests.rig.sessions import ACCEPTED, render, session

WAITING, UPSTREAMS, ENTRIES = (10, 100, 1_000, 10_000), (1, 2, 5), (0, 100, 10_000)
FLAT = 1.5
"""The largest may cost so many times the smallest and still counts as flat."""
SAMPLES, BATCH = 1, 500


def growth(say: Say, quick: bool) -> list[Figure]:
    """All rows."""
    turns = 100 if quick else 400
    waiting = WAITING[:3] if quick else WAITING
    return [
        _figure("a message queued and delivered, by transactions that wait", _by_waiting(waiting, turns, say)),
        _figure("the same, by upstreams", {n: _message_us(n, 100, turns) for n in UPSTREAMS}),
        _figure("a session of the mind, by entries of the list", {n: _session_us(n, turns) for n in ENTRIES}),
    ]


def _figure(what: str, found: dict[int, float]) -> Figure:
    first, *_, last = found.values()
    told = ", ".join(f"{n:,}: {us:.0f} us" for n, us in found.items())
    return Figure("15", what, f"flat (<= {FLAT:g} x)", told, last <= FLAT * first)


def _by_waiting(waiting: tuple[int, ...], turns: int, say: Say) -> dict[int, float]:
    found = {}
    for count in waiting:
        found[count] = _message_us(2, count, turns)
        say(f"{count:,} transactions wait: {found[count]:.0f} us a message")
    return found


def _message_us(upstreams: int, waiting: int, turns: int) -> float:
    """So many transactions wait; one more comes and the oldest is delivered, again and again."""
    names = (MANAGEMENT, *(UpstreamId(f"operator-{n}") for n in range(1, upstreams)))
    with memory_folder() as folder:
        store = Store(Database(folder / "state.db"), render)
        store.open("bench")
        records: deque[Record] = deque()
        for number in range(waiting):
            records += session(names, number, samples=SAMPLES, online=False)
            if len(records) >= BATCH or number == waiting - 1:
                store.commit(records)
                records.clear()
        messages, begun_s = 0, time.thread_time()
        for number in range(waiting, waiting + turns):
            for record in session(names, number, samples=SAMPLES, online=False):
                store.commit([record])
            for name in names:
                messages += _deliver(store, name)
        took_s = time.thread_time() - begun_s
        store.abandon()
    return took_s / messages * 1e6


def _deliver(store: Store, upstream: UpstreamId) -> int:
    """One transaction; how many messages it was."""
    messages = SAMPLES + 2
    for _ in range(messages):
        row = store.head(upstream)
        assert row is not None
        start = row.kind is RowKind.START
        store.commit(
            [Record((Acknowledge(upstream, row.message_id, row.transaction, "7" if start else None, ACCEPTED),), start)]
        )
    return messages


def _session_us(entries: int, turns: int) -> float:
    """A card that is in no list is asked about, charges, and is told to both."""
    driver = Driver()
    for first in range(0, min(entries, MAXIMUM_LIST_ENTRIES), MAXIMUM_LIST_SENT):
        numbers = range(first, min(first + MAXIMUM_LIST_SENT, entries))
        sent = tuple(ListEntry(IdToken(f"05{number:012X}"), ACCEPTED) for number in numbers)
        driver.command(PRIMARY, SendList(first + 1, full=not first, entries=sent))
    begun_s = time.thread_time()
    for number in range(turns):
        driver.log.clear()
        card = f"06{number:06X}"  # of each another, since its verdict is kept
        driver.charge(1, card)
        for upstream in (PRIMARY, OTHER):
            driver.acknowledge_start(upstream, str(number))
        driver.card(card)
        driver.finish()
        for upstream in (PRIMARY, OTHER):
            driver.acknowledge_stop(upstream)
        driver.unplug()
        driver.locked(False)
        driver.pass_time(10)
    return (time.thread_time() - begun_s) / turns * 1e6
