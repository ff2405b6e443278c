"""Each kind of entry to the rows it changes. What is applied together is committed together."""

from __future__ import annotations

from dataclasses import dataclass

from agent.store.accepted import Accepted
from agent.store.boots import Boots
from agent.store.cache import Cache
from agent.store.codec import to_json
from agent.store.damage import Damage
from agent.store.frames import Frames, kind_of, moment_of
from agent.store.holds import Holds
from agent.store.journal import Journal
from agent.store.kept_cables import KeptCables
from agent.store.ladder import Ladder
from agent.store.names import UpstreamNumbers
from agent.store.notices import Notices
from agent.store.options import SavedOptions
from agent.store.outbox import Outbox, StoredRow
from agent.store.receipts import Delivery, Receipts
from agent.store.samples import OUTSIDE, Readings
from agent.store.security_log import SecurityLog
from agent.vocabulary import records as r
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.outbox import RowKind


@dataclass(frozen=True, slots=True)
class Tables:
    """Every part of the store that owns a table."""

    upstreams: UpstreamNumbers
    boots: Boots
    journal: Journal
    readings: Readings
    outbox: Outbox
    receipts: Receipts
    frames: Frames
    options: SavedOptions
    holds: Holds
    cache: Cache
    ladder: Ladder
    security_log: SecurityLog
    notices: Notices
    accepted: Accepted
    kept_cables: KeptCables
    damage: Damage

    def forget(self) -> None:
        """Drop all that is remembered, after a rolled-back transaction."""
        self.upstreams.forget()
        self.journal.forget()
        self.readings.forget()
        self.outbox.forget()
        self.security_log.forget()
        self.notices.forget()


class Entries:
    """Applies entries, inside a transaction. Applying an acknowledgement twice changes nothing.

    The readings of a transaction go when its stop is recorded: all that anybody wants of them is in the stop's event.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def apply(self, entries: tuple[r.Entry, ...]) -> set[UpstreamId]:
        """Apply the entries of one record; the upstreams for whom something else may wait now."""
        touched: set[UpstreamId] = set()
        for entry in entries:
            touched |= self._one(entry)
        for entry in entries:
            if isinstance(entry, r.SaveTransaction) and entry.transaction.stopped_at is not None:
                self._tables.readings.drop(self._tables.journal.number(entry.transaction.id))
        return touched

    def _one(self, entry: r.Entry) -> set[UpstreamId]:
        match entry:
            case r.Enqueue():
                self._enqueue(entry)
            case r.Acknowledge():
                self._acknowledge(entry)
            case r.CountAttempt():
                self._count_attempt(entry)
            case r.Park():
                self._park(entry)
            case r.EnqueueNotice():
                self._tables.notices.add(entry)
            case r.DropNotice():
                self._drop_notice(entry)
            case r.FixWallTime():
                self._fix_wall_time(entry)
                return {upstream for _, upstream in self._tables.upstreams.all()}
            case _:
                self._save(entry)
                return set()
        return {entry.upstream}

    def _save(self, entry: r.Entry) -> None:
        tables = self._tables
        match entry:
            case r.SaveTransaction(transaction):
                tables.journal.save(transaction)
            case r.SaveReading(transaction):
                number = OUTSIDE if transaction is None else tables.journal.number(transaction)
                tables.readings.save(number, entry)
            case r.SaveOption():
                tables.options.save(entry)
            case r.SaveHold():
                tables.holds.save(entry)
            case r.SaveLatch():
                tables.holds.latch(entry)
            case r.SaveKeptCable():
                tables.kept_cables.save(entry)
            case r.CacheVerdict():
                tables.cache.save(entry)
            case r.DropVerdict(upstream, token):
                tables.cache.drop(upstream, token)
            case r.WipeCache(upstream):
                tables.cache.wipe(upstream)
            case r.LadderStep():
                tables.ladder.save(entry)
            case r.LogSecurityEvent(event):
                tables.security_log.append(event)
            case r.NoteAccepted(upstream):
                tables.accepted.note(upstream)
            case _:
                raise TypeError(f"no table for a {type(entry).__name__}")

    def _enqueue(self, entry: r.Enqueue) -> None:
        tables, event = self._tables, entry.event
        upstream = tables.upstreams.number(entry.upstream)
        number = None if event.transaction is None else tables.journal.number(event.transaction)
        kind = kind_of(event)
        state = Delivery.QUEUED
        try:
            content = tables.frames.content(upstream, number, entry.message_id, event)
        except ValueError as error:
            tables.damage.set_aside("outbox", to_json(event), error)
            state = Delivery.PARKED
        else:
            tables.outbox.add(upstream, entry.message_id, number, kind, moment_of(event).boot, content)
        if number is not None:
            tables.receipts.note(number, upstream, kind, state)

    def _acknowledge(self, entry: r.Acknowledge) -> None:
        tables = self._tables
        upstream = tables.upstreams.known(entry.upstream)
        if upstream is None:
            return
        stored = tables.outbox.find(upstream, entry.message_id)
        if stored is not None:
            tables.outbox.finish(upstream, stored.row)
            self._answered(entry, upstream, stored.number, stored.kind)
            if stored.kind is RowKind.START:
                tables.frames.write_followers(stored)
            return
        late = tables.outbox.unpark(upstream, entry.message_id)
        if late is not None:
            self._answered(entry, upstream, *late)

    def _answered(self, entry: r.Acknowledge, upstream: int, number: int | None, kind: RowKind) -> None:
        tables = self._tables
        if number is None or kind is RowKind.SAMPLE:
            return
        tables.receipts.note(number, upstream, kind, Delivery.ACKNOWLEDGED)
        if entry.foreign_id is not None or entry.verdict is not None:
            foreign_id = entry.foreign_id if kind is RowKind.START else None
            tables.receipts.answered(number, upstream, foreign_id, entry.verdict)

    def _count_attempt(self, entry: r.CountAttempt) -> None:
        stored = self._find(entry.upstream, entry.message_id)
        if stored is not None:
            self._tables.outbox.count_attempts(stored.row, entry.attempts)
            if stored.number is not None:
                self._tables.receipts.count_attempt(stored.number, stored.upstream)

    def _park(self, entry: r.Park) -> None:
        tables = self._tables
        stored = self._find(entry.upstream, entry.message_id)
        if stored is None:
            return
        tables.outbox.park(stored, entry.why)
        if stored.number is None:
            return
        tables.receipts.note(stored.number, stored.upstream, stored.kind, Delivery.PARKED)
        tables.receipts.count_parked(stored.number, stored.upstream, entry.why)
        if stored.kind is RowKind.START:
            tables.frames.write_followers(stored)

    def _drop_notice(self, entry: r.DropNotice) -> None:
        number = self._tables.upstreams.known(entry.upstream)
        if number is not None:
            self._tables.notices.drop(number, entry.message_id)

    def _fix_wall_time(self, entry: r.FixWallTime) -> None:
        """Write what waited for the time of this boot, and for that of earlier ones, which get an estimate."""
        tables = self._tables
        if not tables.boots.fix(entry.boot, entry.offset_ms):
            return
        self._write_boot(entry.boot)
        waiting, notices = tables.frames.waiting_boots(), tables.notices.waiting_boots()
        for boot in sorted(waiting | notices, reverse=True):
            if tables.boots.estimate(boot, max(waiting.get(boot, 0), notices.get(boot, 0))):
                self._write_boot(boot)

    def _write_boot(self, boot: int) -> None:
        self._tables.frames.write_boot(boot)
        self._tables.notices.write_boot(boot)

    def _find(self, upstream: UpstreamId, message_id: str) -> StoredRow | None:
        number = self._tables.upstreams.known(upstream)
        return None if number is None else self._tables.outbox.find(number, message_id)
