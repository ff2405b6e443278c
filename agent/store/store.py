"""The store: what the station must remember, behind one small door. Owned by one thread.

Theory of operation
-------------------
`open` counts the boot and hands the station what it needs to start. `commit` writes records: all of them or none.
`head` shows the next message of an upstream. Everything is keyed by upstream; an upstream that is no longer configured
keeps its rows, which are never shown to another.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from agent.store.archive import Archive
from agent.store.damage import Report
from agent.store.database import Database
from agent.store.draining import Draining
from agent.store.entries import Entries
from agent.store.errors import DamagedStore, StoreError
from agent.store.frames import Render
from agent.store.history import History, Session, SessionQuery
from agent.store.history_file import HistoryFile
from agent.store.limits import LEAST_FREE_BYTES, room_bytes
from agent.store.parting import succeeded
from agent.store.past import Past
from agent.store.salvage import finish_salvage, salvage
from agent.store.snapshot import take_snapshot
from agent.store.tables import make_tables
from agent.store.time_mark import TimeMark
from agent.store.undelivered import Undelivered
from agent.vocabulary.effects import Record
from agent.vocabulary.events import StopReason
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.outbox import NoticeRow, OutboxRow
from agent.vocabulary.records import Snapshot
from agent.vocabulary.standing import Standing


def _quiet(text: str) -> None:
    """No report wanted."""


class Store:
    """See the module. `report` is told in plain words what was found damaged and what was saved."""

    def __init__(self, database: Database, render: Render, report: Report = _quiet) -> None:
        self._database = database
        self._report = report
        self._mark = TimeMark(database.path.with_name(database.path.name + "-time"))
        self._tables = make_tables(database, render, report)
        self._entries = Entries(self._tables)
        self.alarms = self._tables.limits.alarms
        """What queues lost because they, or the disk, were full; in plain words. Whoever tells it takes it away."""
        self.archive = self._make_archive()
        """Questions about the past."""
        self._broken: DamagedStore | None = None

    def open(self, boot_id: str, monotonic_ms: int = 0, standing: Standing | None = None) -> Snapshot:
        """Open, salvaging a damaged file, and count the boot. Raises StoreError or NewerStore.

        `boot_id` names the boot of the system; `monotonic_ms` is its present monotonic time. `standing`: who is there
        now; what belonged to those who are not goes. None: that is not known, and nothing goes.
        """
        try:
            finish_salvage(self._database.path)
            try:
                self._database.open()
                return self._enter(boot_id, monotonic_ms, standing)
            except DamagedStore as error:
                self._repair(error)
            return self._enter(boot_id, monotonic_ms, standing)
        except OSError as error:
            raise StoreError(f"cannot open {self._database.path}: {error}") from error
        except BaseException:
            self.abandon()
            raise

    def commit(self, records: Sequence[Record]) -> frozenset[UpstreamId]:
        """Write records in one transaction, synced if any is a barrier. Raises StoreError; then nothing was written.

        Returns the upstreams for whom something else may wait now, in their outbox or among their notices.
        """
        touched: set[UpstreamId] = set()
        with self._writing(any(record.barrier for record in records)):
            for record in records:
                touched |= self._entries.apply(record.entries)
        return frozenset(touched)

    def sync(self) -> None:
        """Sync what lazy commits left, if anything. Raises StoreError."""
        self._database.sync()

    def tidy(self) -> None:
        """Housekeeping for a moment when nothing waits: a checkpoint if due, room if there is little. StoreError."""
        self._database.checkpoint_if_due()
        if self._room_bytes() < LEAST_FREE_BYTES:
            with self._writing(barrier=True):
                self._tables.limits.relieve()
        self.archive.move_sessions()

    def head(self, upstream: UpstreamId) -> OutboxRow | None:
        """The oldest row of an upstream that is neither done nor parked. Raises StoreError."""
        with self._guarded():
            number = self._tables.upstreams.known(upstream)
            while number is not None:
                try:
                    return self._head(number)
                except ValueError as error:
                    with self._database.transaction(barrier=False):
                        self._tables.outbox.drop_head(number, self._tables.damage, error)
            return None

    def head_notice(self, upstream: UpstreamId) -> NoticeRow | None:
        """The oldest security event that an upstream is still to be told. Raises StoreError."""
        with self._guarded():
            number = self._tables.upstreams.known(upstream)
            while number is not None:
                try:
                    return self._tables.notices.head(number)
                except ValueError as error:
                    with self._database.transaction(barrier=False):
                        self._tables.notices.drop_head(number, error)
            return None

    def depth(self, upstream: UpstreamId) -> int:
        """How many rows of an upstream are neither done nor parked."""
        with self._guarded():
            number = self._tables.upstreams.known(upstream)
            return 0 if number is None else self._tables.outbox.depth(number)

    def sessions(self, limit: int = 100) -> list[Session]:
        """The newest sessions first, with their receipts."""
        with self._guarded():
            return self._history.sessions(SessionQuery(limit))

    def note_restart(self, reason: StopReason) -> None:
        """The agent is about to end on purpose: the next start reads why. Synced. Raises StoreError."""
        with self._writing(barrier=True):
            self._tables.boots.note_restart(reason)

    def mark_time(self, wall_ms: int) -> None:
        """Note the present wall time in place; every five minutes by the caller. Raises StoreError."""
        self._mark.write(wall_ms)

    def close(self) -> None:
        """Sync and close in order."""
        self._mark.close()
        self._database.close()

    def abandon(self) -> None:
        """Let go of the files without caring what becomes of what is not written."""
        self._mark.close()
        self._database.abandon()

    def _make_archive(self) -> Archive:
        path = self._database.path
        file = HistoryFile(path.with_name(f"{path.stem}-history.db"), self._report, self._database.on_sync)
        self._history = History(self._tables, file)
        past = Past(self._database, self._tables, self._history, file, lambda: self._writing(False), self._report)
        tables, guards = self._tables, (self._guarded, lambda: self._writing(barrier=True))
        draining = Draining(self._database, tables.upstreams, (tables.outbox, tables.parked), *guards)
        undelivered = Undelivered(self._database, tables, self._history, self._guarded)
        return Archive(tables, self._history, past, (draining, undelivered), *guards)

    def _head(self, number: int) -> OutboxRow | None:
        stored = self._tables.outbox.head(number)
        if stored is None:
            return None
        transaction = self._tables.journal.id(stored.number)
        return OutboxRow(stored.message_id, stored.frame, transaction, stored.kind, stored.attempts)

    def _room_bytes(self) -> int:
        with self._guarded():
            try:
                return room_bytes(self._database)
            except OSError as error:
                raise StoreError(f"cannot tell how full the disk is: {error}") from error

    @contextlib.contextmanager
    def _writing(self, barrier: bool) -> Iterator[None]:
        with self._guarded(), self._database.transaction(barrier):
            yield

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """After any failure what is remembered is read anew; damage found on the way is repaired, for the next try."""
        try:
            if self._broken is not None:
                self._repair(self._broken)
            yield
        except DamagedStore as error:
            self._repair(error)
            raise StoreError(f"{error}; repaired, to be tried again") from error
        except BaseException:
            self._tables.forget()
            raise

    def _repair(self, found: DamagedStore) -> None:
        """Salvage into a new file. Raises StoreError if that is not possible now; it is tried again."""
        self._broken = found
        self._database.abandon()
        self._report(f"{found}: saving what can be read into a new file")
        salvage(self._database, self._report)
        self._tables.forget()
        self._broken = None

    def _enter(self, boot_id: str, monotonic_ms: int, standing: Standing | None) -> Snapshot:
        last_wall_ms = self._mark.open()
        self._tables.forget()
        with self._database.transaction(barrier=True):
            new_boot = self._tables.boots.enter(boot_id, monotonic_ms)
            if new_boot:
                self._history.expire(last_wall_ms)
            if standing is not None:
                self._tables.parting.settle(standing)
            snapshot = take_snapshot(self._tables, not new_boot, last_wall_ms)
        if standing is None:
            return snapshot
        running = tuple(succeeded(record, standing) for record in snapshot.open_transactions)
        return replace(snapshot, open_transactions=running)
