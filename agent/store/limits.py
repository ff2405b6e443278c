"""Bounds: what a queue loses when it grows too long or the disk too full, and what it never loses.

Theory of operation
-------------------
Meter values make nearly all of a long queue, and of them every second one can be spared (OCPP 1.6 4.10.1 leaves open
what to do). So a queue that is over its bound is thinned: every second reading of each transaction goes, but never its
first or last, nor the message that is being delivered; starts and stops stay whatever happens. A queue that consists of
little else is left in peace until it has grown again by a quarter.

When the disk itself has little room left, all queues are thinned, and management, where it only mirrors sessions that
others bill, loses the oldest of them that are complete. Whoever bills loses no session, ever.
"""

from __future__ import annotations

import os

from agent.store.database import Database
from agent.store.journal import Journal
from agent.store.names import UpstreamNumbers
from agent.store.outbox import KINDS, Outbox
from agent.store.receipts import Delivery, Receipts
from agent.vocabulary.ids import MANAGEMENT
from agent.vocabulary.outbox import RowKind

MOST_ROWS = 20_000
"""Rows of one queue before it is thinned: about 5 MB, weeks without a backend."""
LEAST_FREE_BYTES = 8 << 20
"""Room on the disk below which queues make some."""
MIRROR_SHARE = 4
"""Of its mirrored sessions management loses one in so many at once."""


class Limits:
    """Keeps the queues within bounds. `grown` and `relieve` run inside a transaction."""

    def __init__(
        self,
        outbox: Outbox,
        journal: Journal,
        receipts: Receipts,
        upstreams: UpstreamNumbers,
        database: Database,
        most_rows: int = MOST_ROWS,
    ) -> None:
        self.alarms: list[str] = []
        """What was lost, in plain words; whoever tells it takes it away."""
        self._outbox = outbox
        self._journal = journal
        self._receipts = receipts
        self._upstreams = upstreams
        self._database = database
        self._most_rows = most_rows
        self._bounds: dict[int, int] = {}

    def forget(self) -> None:
        """After a rolled-back transaction nothing was lost."""
        self.alarms.clear()
        self._bounds.clear()

    def grown(self, upstream: int) -> None:
        """A queue got a row: thin it if it is over its bound."""
        if self._outbox.depth(upstream) <= self._bounds.get(upstream, self._most_rows):
            return
        lost = self._thin(upstream)
        depth = self._outbox.depth(upstream)
        self._bounds[upstream] = max(self._most_rows, depth + depth // 4)
        name = self._upstreams.id_or_lost(upstream)
        self.alarms.append(f"the queue of {name} is full: {lost} of its meter values were dropped")

    def relieve(self) -> None:
        """The disk is nearly full: make room."""
        for upstream, name in self._upstreams.all():
            lost = self._thin(upstream)
            if lost:
                self.alarms.append(f"the disk is nearly full: {lost} meter values for {name} were dropped")
            dropped = self._drop_mirrored(upstream) if name == MANAGEMENT else 0
            if dropped:
                self.alarms.append(f"the disk is nearly full: {dropped} sessions for {name} were dropped")

    def _thin(self, upstream: int) -> int:
        """Drop every second sample of each transaction, none of its ends and not the head; how many."""
        first = self._outbox.first(upstream)
        if first is None:
            return 0
        return self._outbox.drop(
            upstream,
            "row IN (SELECT row FROM (SELECT row, row_number() OVER (PARTITION BY number ORDER BY row) AS place, "
            "count(*) OVER (PARTITION BY number) AS places FROM outbox WHERE upstream = ? AND row > ? AND kind = ?) "
            "WHERE place % 2 = 0 AND place < places)",
            (upstream, first[0], KINDS.index(RowKind.SAMPLE)),
        )

    def _drop_mirrored(self, upstream: int) -> int:
        """Drop the oldest sessions that wait here from start to stop and that somebody else bills; how many."""
        mirrored = [number for number in self._complete(upstream) if self._is_mirrored(number)]
        oldest = mirrored[: -(-len(mirrored) // MIRROR_SHARE)]
        for number in oldest:
            self._outbox.drop(upstream, "upstream = ? AND number = ?", (upstream, number))
            for kind in (RowKind.START, RowKind.STOP):
                self._receipts.note(number, upstream, kind, Delivery.DROPPED)
        return len(oldest)

    def _complete(self, upstream: int) -> list[int]:
        """The transactions of which start and stop wait behind the head, oldest first."""
        first = self._outbox.first(upstream)
        if first is None:
            return []
        rows = self._database.rows(
            "SELECT number FROM outbox WHERE upstream = ? AND row > ? AND number IS NOT ? AND kind IN (0, 2) "
            "GROUP BY number HAVING count(*) = 2 ORDER BY min(row)",
            (upstream, first[0], first[3]),
        )
        return [row[0] for row in rows if isinstance(row[0], int)]

    def _is_mirrored(self, number: int) -> bool:
        record = self._journal.record(number)
        return record is not None and record.authority != MANAGEMENT


def room_bytes(database: Database) -> int:
    """What can still be written: room on the disk, and pages of the file that hold nothing. Raises OSError."""
    disk = os.statvfs(database.path.parent)
    empty = database.row("PRAGMA freelist_count")
    size = database.row("PRAGMA page_size")
    return disk.f_bavail * disk.f_frsize + (empty[0] * size[0] if empty and size else 0)
