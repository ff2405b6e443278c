"""Sessions of the past with their delivery receipts: the newest in the database, older ones in a file of their own.

Theory of operation
-------------------
The journal holds what runs, what is not delivered, and the newest sessions; the history file those that nobody waits
for any more (agent/store/past.py moves them). A question is put to both. A session that is found in both, since the
power went within a move, counts once, as the journal has it. Newest means: started last; a start whose time is not
known yet is of this boot, and newer than all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from agent.store.codec import from_json, to_json
from agent.store.history_file import HistoryFile, Kept, Span
from agent.store.names import pack_id
from agent.store.receipts import Receipt
from agent.store.squeeze import expand, squeeze
from agent.store.tables import Tables
from agent.vocabulary.ids import TransactionId
from agent.vocabulary.moments import Moment
from agent.vocabulary.records import TransactionRecord

HISTORY_MS = 366 * 24 * 3_600_000
"""How long finished, delivered sessions are kept."""
_EXPIRED_AT_ONCE = 500
_MOST_PLACES = 20_000
_NOT_KNOWN_YET = 1 << 62


Key = tuple[int, bytes | str]
"""Where a session stands among all: its start, and its packed id."""


@dataclass(frozen=True, slots=True)
class Session:
    """A transaction of the history with what became of it at each upstream."""

    transaction: TransactionRecord
    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """Which sessions: times are wall times of the start, `since_ms` counts in, `until_ms` does not."""

    limit: int = 100
    since_ms: int | None = None
    until_ms: int | None = None
    connector: int | None = None
    before: TransactionId | None = None
    """The last session seen: what comes behind it is asked for. None: from the newest on."""


class History:
    """Questions about the past."""

    def __init__(self, tables: Tables, file: HistoryFile) -> None:
        self._tables = tables
        self._file = file
        self._places: dict[bytes | str, tuple[int, int]] = {}

    def sessions(self, query: SessionQuery) -> list[Session]:
        """The newest sessions first. Raises StoreError; LookupError if nobody knows the session seen last."""
        seen = None if query.before is None else self._key_of(query.before)
        span = Span(query.since_ms, query.until_ms, query.connector, seen)
        fresh = {key[1]: (key, number) for number, key in self._fresh(span)}
        found: list[tuple[Key, int | Kept]] = list(fresh.values())
        old = self._file.find(span, query.limit + len(fresh))
        found += [((row.started_ms, row.id), row) for row in old if row.id not in fresh]
        found.sort(key=lambda one: _order(one[0]), reverse=True)
        chosen = [one for _, one in found[: query.limit]]
        numbers = [one for one in chosen if isinstance(one, int)]
        waiting = self._tables.outbox.waiting(min(numbers), max(numbers)) if numbers else {}
        sessions = (self._session(one, waiting) if isinstance(one, int) else _readable(one) for one in chosen)
        return [session for session in sessions if session is not None]

    def receipts(self, transaction: TransactionId) -> tuple[Receipt, ...]:
        """What became of one transaction at each upstream; empty if it is not known."""
        number = self._tables.journal.known(transaction)
        if number is not None:
            return self._of(number, self._tables.outbox.waiting(number, number))
        kept = self._file.one(pack_id(transaction))
        return () if kept is None else read(kept).receipts

    def session(self, number: int, record: TransactionRecord) -> Session:
        """A transaction of the journal with its receipts, for the move: nothing of it waits."""
        return Session(self._timed(record), self._of(number, {}))

    def expire(self, now_ms: int | None) -> None:
        """Forget what is older than the history and delivered. Inside a transaction of the database."""
        tables = self._tables
        tables.readings.trim()
        tables.ladder.trim()
        for number, stopped_ms in tables.journal.oldest_stopped(_EXPIRED_AT_ONCE) if now_ms is not None else ():
            if now_ms is not None and stopped_ms < now_ms - HISTORY_MS and tables.receipts.settled(number):
                tables.journal.delete(number)
                tables.receipts.drop(number)
                tables.readings.drop(number)

    def _fresh(self, span: Span) -> Iterator[tuple[int, Key]]:
        """Number and place of what the journal holds of a span; the places of what has its time are remembered."""
        if len(self._places) > _MOST_PLACES:
            self._places.clear()
        for number, packed in self._tables.journal.places():
            place = self._places.get(packed) or self._place(number, packed)
            if place is None:
                continue
            started_ms, connector = place
            if (
                (span.since_ms is None or started_ms >= span.since_ms)
                and (span.until_ms is None or started_ms < span.until_ms)
                and (span.connector is None or connector == span.connector)
                and (span.before is None or _order((started_ms, packed)) < _order(span.before))
            ):
                yield number, (started_ms, packed)

    def _place(self, number: int, packed: bytes | str) -> tuple[int, int] | None:
        record = self._tables.journal.record(number)
        if record is None:
            return None
        place = _key(Session(self._timed(record), ()))[0], int(record.where.connector)
        if place[0] != _NOT_KNOWN_YET:
            self._places[packed] = place
        return place

    def _session(self, number: int, waiting: dict[tuple[int, int], int]) -> Session | None:
        record = self._tables.journal.record(number)
        return None if record is None else Session(self._timed(record), self._of(number, waiting))

    def _key_of(self, transaction: TransactionId) -> Key:
        number = self._tables.journal.known(transaction)
        record = None if number is None else self._tables.journal.record(number)
        if record is not None:
            return _key(Session(self._timed(record), ()))
        row = self._file.one(pack_id(transaction))
        if row is None:
            raise LookupError(f"session {transaction} is not known")
        return row.started_ms, row.id

    def _timed(self, record: TransactionRecord) -> TransactionRecord:
        """With the times that its boots have learned since."""
        stopped = record.stopped_at
        return replace(
            record,
            started_at=self._known_time(record.started_at),
            stopped_at=None if stopped is None else self._known_time(stopped),
        )

    def _known_time(self, moment: Moment) -> Moment:
        return moment if moment.wall_ms is not None else moment.with_offset(self._tables.boots.offset(moment.boot))

    def _of(self, number: int, waiting: dict[tuple[int, int], int]) -> tuple[Receipt, ...]:
        known = self._tables.upstreams.known
        receipts = self._tables.receipts.of(number)
        return tuple(replace(r, waiting=waiting.get((number, known(r.upstream) or 0), 0)) for r in receipts)


def kept(session: Session) -> Kept | None:
    """The row of a session for the history file; None while its time is not known."""
    started_ms, packed = _key(session)
    if started_ms == _NOT_KNOWN_YET:
        return None
    return Kept(started_ms, packed, session.transaction.where.connector, squeeze(to_json(session)))


def read(row: Kept) -> Session:
    """The session of a row. Raises ValueError if it is damaged."""
    return from_json(Session, expand(row.content))


def _readable(row: Kept) -> Session | None:
    try:
        return read(row)
    except ValueError:
        return None


def _key(session: Session) -> Key:
    started_ms = session.transaction.started_at.wall_ms
    return _NOT_KNOWN_YET if started_ms is None else started_ms, pack_id(session.transaction.id)


def _order(key: Key) -> tuple[int, bool, bytes]:
    """As SQLite sorts: texts before blobs."""
    started_ms, packed = key
    return started_ms, isinstance(packed, bytes), packed if isinstance(packed, bytes) else packed.encode()
