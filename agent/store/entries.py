"""Each kind of entry to the rows it changes. What is applied together is committed together."""

from __future__ import annotations

from agent.store.delivering import Delivering
from agent.store.samples import OUTSIDE
from agent.store.tables import Tables
from agent.vocabulary import records as r
from agent.vocabulary.ids import UpstreamId


class Entries:
    """Applies entries, inside a transaction. Applying an acknowledgement twice changes nothing.

    The readings of a transaction go when its stop is recorded: all that anybody wants of them is in the stop's event.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._delivering = Delivering(tables)

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
                self._delivering.enqueue(entry)
            case r.Acknowledge():
                self._delivering.acknowledge(entry)
            case r.CountAttempt():
                self._delivering.count_attempt(entry)
            case r.Park():
                self._delivering.park(entry)
            case r.Unpark():
                self._delivering.unpark(entry)
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
            case r.SaveInstallerLimit():
                tables.installer_limits.save(entry)
            case r.SaveLatch():
                tables.holds.latch(entry)
            case r.SaveKeptCable():
                tables.kept_cables.save(entry)
            case r.SaveProfile(installed):
                tables.profiles.save(installed.upstream, installed.profile.id, installed)
            case r.DropProfile(upstream, profile):
                tables.profiles.drop(upstream, profile)
            case r.LadderStep():
                tables.ladder.save(entry)
            case r.LogSecurityEvent(event):
                tables.security_log.append(event)
            case r.NoteAccepted(upstream):
                tables.accepted.note(upstream)
            case _:
                self._save_about_cards(entry)

    def _save_about_cards(self, entry: r.Entry) -> None:
        """Who may charge: verdicts, lists, reservations."""
        tables = self._tables
        match entry:
            case r.CacheVerdict():
                tables.cache.save(entry)
            case r.DropVerdict(upstream, token):
                tables.cache.drop(upstream, token)
            case r.WipeCache(upstream):
                tables.cache.wipe(upstream)
            case r.SaveReservation():
                tables.reservations.save(entry.upstream, entry.id, entry)
            case r.DropReservation(upstream, number):
                tables.reservations.drop(upstream, number)
            case r.SaveList():
                tables.local_lists.save(entry)
            case _:
                raise TypeError(f"no table for a {type(entry).__name__}")

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
