"""The outbox: one queue per upstream, in the order of the events, delivered from the head.

Theory of operation
-------------------
A row holds a version-neutral event until its frame is written, and from then on the frame, which never changes. All
upstreams share one sequence of row numbers: rows made together lie together at the end of the table, which is what
costs the least flash. An acknowledged head only moves the cursor of its upstream, one small page that all queues share;
rows behind the cursor are swept many at a time. What is asked often (first row, depth) is remembered, and read anew
after a rolled-back transaction, so that no question grows with the length of another queue.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.store.damage import Damage
from agent.store.database import Database
from agent.store.names import pack_id, unpack_id
from agent.store.schema import Row
from agent.store.squeeze import expand
from agent.vocabulary.outbox import RowKind

SWEEP_AT = 64
"""So many done rows of one upstream are deleted together."""

KINDS = (RowKind.START, RowKind.SAMPLE, RowKind.STOP)
Content = tuple[bytes | None, bytes | None]
"""Event and frame of a row, squeezed: one of them is None."""
COLUMNS = "row, upstream, message, number, kind, attempts, frame, event"
"""What `parse_row` takes."""


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row as it lies in the table. `event` is None once the frame is written."""

    row: int
    upstream: int
    message_id: str
    number: int | None
    kind: RowKind
    attempts: int
    frame: str | None
    event: str | None


@dataclass(slots=True)
class _Queue:
    """What is remembered of one upstream. No undone row of it lies before `first`."""

    cursor: int
    first: int
    depth: int
    done: int
    swept: int = 0
    """No done row of it lies up to here."""


class Outbox:
    """The rows of all upstreams, by upstream number. Writing methods run inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queues: dict[int, _Queue] = {}
        self._next = 0

    def forget(self) -> None:
        """Drop what is remembered, after a rolled-back transaction."""
        self._queues.clear()
        self._next = 0

    def add(self, upstream: int, message_id: str, number: int | None, kind: RowKind, boot: int, text: Content) -> None:
        """Append a row."""
        queue, row = self._queue(upstream), self._next or self._newest() + 1
        self._database.execute(
            "INSERT INTO outbox (row, upstream, message, number, kind, attempts, boot, event, frame) "
            "VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?)",
            (row, upstream, pack_id(message_id), number, KINDS.index(kind), boot, *text),
        )
        self._next = row + 1
        if queue.depth == 0:
            queue.first = row
        queue.depth += 1

    def head(self, upstream: int) -> StoredRow | None:
        """The oldest row that is not done. Raises ValueError if it cannot be read."""
        found = self.first(upstream)
        return None if found is None else parse_row(found)

    def drop_head(self, upstream: int, damage: Damage, why: ValueError) -> None:
        """Set an unreadable head aside."""
        first = self.first(upstream)
        if first is not None:
            damage.set_aside("outbox", first[6] or first[7], why)
            self.finish(upstream, first[0])

    def find(self, upstream: int, message_id: str) -> StoredRow | None:
        """The undone row with this message id: the head, or by search. Raises ValueError if it cannot be read."""
        first, packed = self.first(upstream), pack_id(message_id)
        if first is None or first[2] == packed:
            return None if first is None else parse_row(first)
        found = self._database.row(
            f"SELECT {COLUMNS} FROM outbox WHERE row > ? AND upstream = ? AND message = ?",
            (first[0], upstream, packed),
        )
        return None if found is None else parse_row(found)

    def finish(self, upstream: int, row: int) -> None:
        """The row is done (or parked): the cursor passes it."""
        queue, first = self._queue(upstream), self.first(upstream)
        queue.depth -= 1
        if first is None or first[0] != row:
            self._database.execute("DELETE FROM outbox WHERE row = ?", (row,))
            return
        self._database.execute("UPDATE cursors SET row = ? WHERE upstream = ?", (row, upstream))
        queue.cursor, queue.first = row, row + 1
        queue.done += 1
        if queue.done >= SWEEP_AT or queue.depth == 0:
            self._sweep(upstream, queue)

    def count_attempts(self, row: int, attempts: int) -> None:
        """Set the count of failed attempts."""
        self._database.execute("UPDATE outbox SET attempts = ? WHERE row = ?", (attempts, row))

    def of_session(self, upstream: int, number: int) -> list[Row]:
        """Raw undone rows of one transaction, oldest first, for `parse_row`."""
        return self._database.rows(
            f"SELECT {COLUMNS} FROM outbox WHERE row > ? AND upstream = ? AND number = ? ORDER BY row",
            (self._queue(upstream).cursor, upstream, number),
        )

    def drop(self, upstream: int, where: str, key: tuple[int, ...]) -> int:
        """Delete undone rows of an upstream behind its head; how many. `where` names nothing else."""
        dropped = self._database.execute(f"DELETE FROM outbox WHERE {where}", key)
        self._queue(upstream).depth -= dropped
        return dropped

    def depth(self, upstream: int) -> int:
        """How many rows are neither done nor parked."""
        return self._queue(upstream).depth

    def waiting(self, first: int, last: int) -> dict[tuple[int, int], int]:
        """Undone rows by (transaction, upstream) number, for a range of transactions."""
        rows = self._database.rows(
            "SELECT outbox.number, outbox.upstream, count(*) FROM outbox JOIN cursors USING (upstream) "
            "WHERE outbox.row > cursors.row AND number BETWEEN ? AND ? GROUP BY 1, 2",
            (first, last),
        )
        return {(number, upstream): count for number, upstream, count in rows}

    def first(self, upstream: int) -> Row | None:
        """The oldest row that is not done, raw."""
        queue = self._queue(upstream)
        if queue.depth == 0:
            return None
        found = self._database.row(
            f"SELECT {COLUMNS} FROM outbox WHERE row >= ? AND upstream = ? ORDER BY row LIMIT 1",
            (queue.first, upstream),
        )
        if found is not None:
            queue.first = found[0]
        return found

    def _sweep(self, upstream: int, queue: _Queue) -> None:
        self._database.execute(
            "DELETE FROM outbox WHERE row > ? AND row <= ? AND upstream = ?", (queue.swept, queue.cursor, upstream)
        )
        queue.done, queue.swept = 0, queue.cursor

    def _newest(self) -> int:
        newest = self._database.row("SELECT max(row) FROM outbox")
        cursor = self._database.row("SELECT max(row) FROM cursors WHERE upstream > 0")
        parked = self._database.row("SELECT max(row) FROM parked")
        return max((found[0] for found in (newest, cursor, parked) if found and found[0]), default=0)

    def _queue(self, upstream: int) -> _Queue:
        if upstream not in self._queues:
            self._queues[upstream] = self._load(upstream)
        return self._queues[upstream]

    def _load(self, upstream: int) -> _Queue:
        found = self._database.row("SELECT row FROM cursors WHERE upstream = ?", (upstream,))
        cursor = found[0] if found and isinstance(found[0], int) else 0
        counted = self._database.row(
            "SELECT sum(row > ?), sum(row <= ?) FROM outbox WHERE upstream = ?", (cursor, cursor, upstream)
        )
        depth, done = counted or (0, 0)
        return _Queue(cursor, cursor + 1, depth or 0, done or 0)


def parse_row(row: Row) -> StoredRow:
    """A raw row of this table. Raises ValueError if it cannot be read."""
    key, upstream, message, number, kind, attempts, frame, event = row
    try:
        return StoredRow(
            key,
            upstream,
            unpack_id(message),
            number,
            KINDS[kind],
            attempts,
            None if frame is None else expand(frame),
            None if event is None else expand(event),
        )
    except (IndexError, TypeError) as error:
        raise ValueError(f"damaged row: {error}") from None
