"""Metering: what the plans of all upstreams want of one connector now, as rows of one lazy record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from agent.station.evse.connector import Connector
from agent.station.evse.meter import STALE_IDLE_MS, STALE_IN_SESSION_MS, Reading
from agent.station.evse.sampling import DEFAULT, Aligned, Due, Periodic, sample, samples
from agent.station.evse.session import SessionState
from agent.station.evse.transaction import Transaction, address, enqueue
from agent.station.turn import Turn
from agent.station.upstreams.registry import Upstream
from agent.vocabulary.events import ReadingContext, TransactionSampled, Trigger
from agent.vocabulary.options import Selection, UpstreamOptions
from agent.vocabulary.records import Entry, SaveReading
from hal.api import Measurand, Measured

SAVE_ENERGY_MS = 60_000
VOLTAGE_V = 230.0
Wanted = tuple[Periodic | Aligned, Due]


def sample_due(connector: Connector, turn: Turn) -> None:
    """Make the samples that are due; one stored reading serves them all, and the energy is stored once a minute."""
    transaction = connector.transaction if connector.state is SessionState.RUNNING else None
    if transaction is not None and transaction.resumed:
        _tell_interruption(connector, transaction, turn)
    wanted = _due(connector, transaction, turn)
    keep_energy = transaction is not None and turn.reached(transaction.saved_ms + SAVE_ENERGY_MS)
    if not wanted and not keep_energy:
        return
    within = STALE_IN_SESSION_MS if transaction is not None else STALE_IDLE_MS
    newest = connector.meter.fresh(turn, within)
    if transaction is not None:
        transaction.saved_ms = turn.now_ms
        turn.reached(turn.now_ms + SAVE_ENERGY_MS)
    if newest is None:
        return
    reading = replace(newest, values=(*newest.values, *_offered(connector)))
    entries = [entry for plan, due in wanted for entry in _rows(connector, transaction, plan, due, reading)]
    if entries or keep_energy:
        instants = (reading.at, *(due.at for _, due in wanted))
        latest = max(instants, key=lambda instant: instant.monotonic_ms)
        _save(connector, transaction, replace(reading, at=latest), entries, turn)


def on_demand(connector: Connector, upstream: Upstream, turn: Turn) -> TransactionSampled | None:
    """The newest values of what an upstream samples, for it alone; None if there are none (OCPP 1.6 5.17).

    What the plans want now is made first, so that times only go up and nothing is counted twice.
    """
    sample_due(connector, turn)
    transaction = connector.transaction if connector.state is SessionState.RUNNING else None
    newest = connector.meter.fresh(turn, STALE_IN_SESSION_MS if transaction else STALE_IDLE_MS)
    if newest is None:
        return None
    plans: list[Periodic] = transaction.periodic if transaction else []
    plan = next((one for one in plans if one.upstream is upstream), None)
    energy_wh = transaction.register_wh if transaction else newest.energy_wh
    counted = plan.intervals.counted(energy_wh, newest.values) if plan else ()
    reading = replace(newest, values=(*newest.values, *_offered(connector), *counted))
    due = Due(upstream.id, turn.now, ReadingContext.TRIGGER)
    taken = sample(reading, energy_wh, due, _selections(upstream.options, due.context)[0])
    if taken is None:
        return None
    owner = transaction.record.id if transaction and plan else None
    return TransactionSampled(owner, address(connector.id), taken, Trigger.TRIGGER)


def tell_on_demand(connector: Connector, upstream: Upstream, event: TransactionSampled, turn: Turn) -> None:
    """Into the outbox of the upstream, in its place among the messages of the transaction."""
    transaction = connector.transaction if connector.state is SessionState.RUNNING else None
    reading = Reading(event.sample.at, event.sample.energy_wh, event.sample.values)
    authority = transaction.record.authority if transaction else None
    _save(connector, transaction, reading, enqueue(connector.site, upstream.id, event, authority), turn)


def _save(
    connector: Connector, transaction: Transaction | None, reading: Reading, entries: Iterable[Entry], turn: Turn
) -> None:
    """One stored reading, no older than the samples made of it: what is told of it in a next life comes behind them."""
    rows = tuple(entries)
    energy_wh = transaction.register_wh if transaction else reading.energy_wh
    owner = transaction.record.id if transaction else None
    values = reading.values if rows else ()
    turn.record(SaveReading(owner, connector.id, reading.at, energy_wh, values), *rows)


def _due(connector: Connector, transaction: Transaction | None, turn: Turn) -> list[Wanted]:
    found: list[tuple[Periodic | Aligned, Due | None]] = [(plan, plan.due(turn)) for plan in connector.aligned]
    if transaction is not None:
        started_ms = _started_ms(transaction, turn)
        found += [(plan, plan.due(turn, started_ms)) for plan in transaction.periodic]
    return [(plan, due) for plan, due in found if due is not None]


def _started_ms(transaction: Transaction, turn: Turn) -> int:
    """When the first interval began: the start, or for a transaction of a former life now."""
    started = transaction.record.started_at
    return started.monotonic_ms if started.boot == turn.now.boot else turn.now_ms


def _rows(
    connector: Connector, transaction: Transaction | None, plan: Periodic | Aligned, due: Due, reading: Reading
) -> list[Entry]:
    live, at_stop = _selections(plan.upstream.options, due.context)
    energy_wh = transaction.register_wh if transaction else reading.energy_wh
    counted = plan.intervals.take(energy_wh, reading.values)
    whole = replace(reading, values=(*reading.values, *counted))
    taken = samples(whole, energy_wh, due, live)
    if transaction is None:
        where, trigger = address(connector.id), Trigger.METER_VALUE_CLOCK
        events = [TransactionSampled(None, where, one, trigger) for one in taken]
        return [row for event in events for row in enqueue(connector.site, due.upstream, event)]
    periodic = next((one for one in transaction.periodic if one.upstream is plan.upstream), None)
    if periodic is None:
        return []
    periodic.keep(*samples(whole, energy_wh, due, at_stop))
    return [row for one in taken for row in transaction.sampled(connector.site, due, one)]


def _selections(
    options: UpstreamOptions, context: ReadingContext
) -> tuple[tuple[Selection, ...], tuple[Selection, ...]]:
    """What goes into the message now, and what is kept for the stop message."""
    if context is ReadingContext.SAMPLE_CLOCK:
        return options.aligned_measurands, options.stop_aligned_measurands
    return options.sampled_measurands or DEFAULT, options.stop_sampled_measurands


def _tell_interruption(connector: Connector, transaction: Transaction, turn: Turn) -> None:
    """A transaction of a former life goes on: the register as it was last known then, and as it is now."""
    transaction.resumed = False
    present = connector.meter.latest
    if present is None:
        return
    record, end_wh = transaction.record, transaction.register_wh
    begin_wh = max(record.meter_start_wh, record.last_energy_wh or 0)
    before = Reading(record.last_at or record.started_at, begin_wh, ())
    entries: list[Entry] = []
    for plan in transaction.periodic:
        live, at_stop = _selections(plan.upstream.options, ReadingContext.INTERRUPTION_END)
        for context, reading, energy_wh in (
            (ReadingContext.INTERRUPTION_BEGIN, before, begin_wh),
            (ReadingContext.INTERRUPTION_END, present, end_wh),
        ):
            due = Due(plan.upstream.id, reading.at, context)
            plan.keep(*samples(reading, energy_wh, due, at_stop))
            if plan.upstream.options.sample_interval_s > 0:
                taken = samples(reading, energy_wh, due, live)
                entries += [row for one in taken for row in transaction.sampled(connector.site, due, one)]
    if entries:
        _save(connector, transaction, present, entries, turn)


def _offered(connector: Connector) -> tuple[Measured, ...]:
    """What the car is offered: the effective limit, the same for every upstream."""
    offered_a = connector.energy.offered_a or 0.0
    power_w = offered_a * VOLTAGE_V * connector.options.phases
    return (Measured(Measurand.CURRENT_OFFERED, offered_a), Measured(Measurand.POWER_OFFERED, power_w))
