"""What becomes of messages: queued, answered, tried again, given up, taken up again.

Theory of operation
-------------------
A message that is given up is parked; an answer that comes all the same still counts, and a person may put it back into
its queue. A start can be parked with its whole session: its receipt then says `SESSION_PARKED`, what waits behind it
and what still comes of that transaction is parked as well, and all of it goes back together.
"""

from __future__ import annotations

from agent.store.codec import event_from_json, to_json
from agent.store.frames import kind_of, moment_of
from agent.store.outbox import Content, StoredRow, parse_row
from agent.store.parked import ParkedRow
from agent.store.receipts import Delivery
from agent.store.squeeze import expand
from agent.store.tables import Tables
from agent.vocabulary import records as r
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.outbox import RowKind


class Delivering:
    """One method per entry. Inside a transaction. Applying an entry twice changes nothing."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def enqueue(self, entry: r.Enqueue) -> None:
        """A new row, with its frame if that can be written."""
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
            tables.limits.grown(upstream)
        if number is None:
            return
        if state is Delivery.QUEUED and tables.receipts.start_of(number, upstream) is Delivery.SESSION_PARKED:
            self._park(self._find(entry.upstream, entry.message_id), "the start of its session is parked")
            return
        tables.receipts.note(number, upstream, kind, state)

    def acknowledge(self, entry: r.Acknowledge) -> None:
        """A row is done, be it a parked one."""
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
        late = tables.parked.find(upstream, entry.message_id)
        if late is not None:
            tables.parked.delete(late.row)
            with_session = self._heads_a_session(late)
            self._answered(entry, upstream, late.number, late.kind)
            if with_session:
                self._take_up_session(late)

    def count_attempt(self, entry: r.CountAttempt) -> None:
        """It was tried in vain once more."""
        stored = self._find(entry.upstream, entry.message_id)
        if stored is not None:
            self._tables.outbox.count_attempts(stored.row, entry.attempts)
            if stored.number is not None:
                self._tables.receipts.count_attempt(stored.number, stored.upstream)

    def park(self, entry: r.Park) -> None:
        """A row is given up; with a start perhaps all of its session."""
        stored = self._find(entry.upstream, entry.message_id)
        if stored is None:
            return
        tables = self._tables
        self._park(stored, entry.why)
        if stored.kind is not RowKind.START or stored.number is None:
            return
        if not entry.whole_session:
            tables.frames.write_followers(stored)
            return
        tables.receipts.note(stored.number, stored.upstream, RowKind.START, Delivery.SESSION_PARKED)
        for raw in tables.outbox.of_session(stored.upstream, stored.number):
            self._park(parse_row(raw), "the start of its session is parked")

    def unpark(self, entry: r.Unpark) -> None:
        """A parked row goes back into its queue, behind what waits there, under its message id and unchanged."""
        upstream = self._tables.upstreams.known(entry.upstream)
        parked = None if upstream is None else self._tables.parked.find(upstream, entry.message_id)
        if parked is None:
            return
        with_session = self._heads_a_session(parked)
        self._take_up(parked)
        if with_session:
            self._take_up_session(parked)

    def _answered(self, entry: r.Acknowledge, upstream: int, number: int | None, kind: RowKind) -> None:
        tables = self._tables
        if number is None or kind is RowKind.SAMPLE:
            return
        tables.receipts.note(number, upstream, kind, Delivery.ACKNOWLEDGED)
        if entry.foreign_id is not None or entry.verdict is not None:
            foreign_id = entry.foreign_id if kind is RowKind.START else None
            tables.receipts.answered(number, upstream, foreign_id, entry.verdict)

    def _park(self, stored: StoredRow | None, why: str) -> None:
        tables = self._tables
        if stored is None:
            return
        tables.parked.keep(stored, why)
        tables.outbox.finish(stored.upstream, stored.row)
        if stored.number is not None:
            tables.receipts.note(stored.number, stored.upstream, stored.kind, Delivery.PARKED)
            tables.receipts.count_parked(stored.number, stored.upstream, why)

    def _heads_a_session(self, parked: ParkedRow) -> bool:
        if parked.number is None or parked.kind is not RowKind.START:
            return False
        return self._tables.receipts.start_of(parked.number, parked.upstream) is Delivery.SESSION_PARKED

    def _take_up_session(self, start: ParkedRow) -> None:
        for parked in self._tables.parked.of_session(start.upstream, start.number or 0):
            self._take_up(parked)

    def _take_up(self, parked: ParkedRow) -> None:
        tables = self._tables
        if parked.number is not None:
            tables.receipts.note(parked.number, parked.upstream, parked.kind, Delivery.QUEUED)
        try:
            boot, content = self._present_content(parked)
        except ValueError as error:
            tables.damage.set_aside("parked", parked.content[0], error)
        else:
            tables.outbox.add(parked.upstream, parked.message_id, parked.number, parked.kind, boot, content)
        tables.parked.delete(parked.row)

    def _present_content(self, parked: ParkedRow) -> tuple[int, Content]:
        """A frame stays as it is; what could not be written before may be now."""
        if parked.content[1] is not None:
            return self._tables.boots.current, parked.content
        event = event_from_json(expand(parked.content[0]))
        frame = self._tables.frames.content(parked.upstream, parked.number, parked.message_id, event)
        return moment_of(event).boot, frame

    def _find(self, upstream: UpstreamId, message_id: str) -> StoredRow | None:
        number = self._tables.upstreams.known(upstream)
        return None if number is None else self._tables.outbox.find(number, message_id)
