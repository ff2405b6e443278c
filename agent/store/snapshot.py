"""What a starting station gets: everything open, written, held and cached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from agent.store.tables import Tables
from agent.vocabulary.ids import TransactionId, UpstreamId
from agent.vocabulary.records import Snapshot, TransactionRecord


def take_snapshot(tables: Tables, same_boot: bool, last_wall_ms: int | None) -> Snapshot:
    """Read it all, one row at a time; unreadable rows are set aside. Inside a transaction of the database."""
    damage = tables.damage
    restart_reason = tables.boots.take_restart()
    running = tuple(_with_last_reading(tables, record) for record in tables.journal.running(damage))
    return Snapshot(
        boot=tables.boots.current,
        same_boot=same_boot,
        open_transactions=running,
        options=tables.options.all(damage),
        holds=tables.holds.all(damage),
        installer_limits=tables.installer_limits.all(damage),
        latches=tables.holds.latches(),
        kept_cables=tables.kept_cables.all(damage),
        cache=tables.cache.all(damage),
        profiles=tables.profiles.all(damage),
        reservations=tables.reservations.all(damage),
        lists=tables.local_lists.all(damage),
        foreign_ids=tuple(_foreign_ids(tables, running)),
        accepted=tables.accepted.all(),
        restart_reason=restart_reason,
        failed_resets=tables.boots.count_failed_resets(same_boot, restart_reason),
        parked_records=damage.total(),
        last_wall_ms=last_wall_ms,
    )


def _with_last_reading(tables: Tables, record: TransactionRecord) -> TransactionRecord:
    last = tables.readings.last(tables.journal.number(record.id), tables.damage)
    if last is None or (record.last_energy_wh or 0) > last.energy_wh:
        return record
    return replace(record, last_at=last.at, last_energy_wh=last.energy_wh)


def _foreign_ids(
    tables: Tables, running: tuple[TransactionRecord, ...]
) -> Iterator[tuple[UpstreamId, TransactionId, str]]:
    for record in running:
        for receipt in tables.receipts.of(tables.journal.number(record.id)):
            if receipt.foreign_id is not None:
                yield receipt.upstream, record.id, receipt.foreign_id
