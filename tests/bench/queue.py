"""What a long queue costs: `python -m tests.bench.queue [transactions]`. Cost per message should not grow with it."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agent.store.database import Database
from agent.store.store import Store
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import MANAGEMENT, UpstreamId
from agent.vocabulary.outbox import RowKind
from agent.vocabulary.records import Acknowledge
from tests.rig.sessions import ACCEPTED, render, session

UPSTREAMS = (MANAGEMENT, UpstreamId("primary"))


def microseconds(function: Callable[[], object], times: int) -> float:
    """Mean time of one call."""
    begin = time.perf_counter()
    for _ in range(times):
        function()
    return (time.perf_counter() - begin) * 1e6 / times


def measure(transactions: int) -> None:
    """Queue so many offline transactions and look at the cost of each step."""
    with tempfile.TemporaryDirectory(prefix="queue-") as folder:
        store = Store(Database(Path(folder, "state.db")), render)
        store.open("bench")
        begin = time.perf_counter()
        for number in range(transactions):
            for record in session(UPSTREAMS, number, samples=1, online=False):
                store.commit([record])
            store.tidy()
        fill = (time.perf_counter() - begin) * 1e6 / transactions
        head = microseconds(lambda: store.head(MANAGEMENT), 200)
        depth = microseconds(lambda: store.depth(MANAGEMENT), 200)
        taken = min(1_000, store.depth(MANAGEMENT))
        drain = microseconds(lambda: _deliver(store, MANAGEMENT), taken)
        sessions = microseconds(lambda: store.sessions(20), 5) / 1000
        store.close()
        begin = time.perf_counter()
        store = Store(Database(Path(folder, "state.db")), render)
        store.open("bench-2")
        store.head(UPSTREAMS[1])
        opening = (time.perf_counter() - begin) * 1000
        size = Path(folder, "state.db").stat().st_size / 1e6
        store.close()
    print(
        f"{transactions:12} {fill:14.0f} {head:9.0f} {depth:9.1f} {drain:14.0f} {1e6 / drain:9.0f}"
        f" {sessions:11.1f} {opening:8.0f} {size:8.1f}",
        flush=True,
    )


def _deliver(store: Store, upstream: UpstreamId) -> None:
    row = store.head(upstream)
    if row is not None:
        start = row.kind is RowKind.START
        store.commit(
            [Record((Acknowledge(upstream, row.message_id, row.transaction, "7" if start else None, ACCEPTED),), start)]
        )


if __name__ == "__main__":
    print("transactions us/transaction   head us  depth us  us/delivered  delivered/s sessions ms  open ms      MB")
    for count in [int(text) for text in sys.argv[1:]] or [10, 100, 1_000, 10_000]:
        measure(count)
