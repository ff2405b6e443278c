"""Metering: what the plans of all upstreams want of one connector now, as rows of one lazy record."""

from __future__ import annotations

from agent.station.evse.connector import Connector
from agent.station.evse.meter import STALE_IDLE_MS, STALE_IN_SESSION_MS, Reading
from agent.station.evse.sampling import Due, sample
from agent.station.evse.session import SessionState
from agent.station.evse.transaction import Transaction, address, enqueue
from agent.station.turn import Turn
from agent.vocabulary.events import ReadingContext, TransactionSampled, Trigger
from agent.vocabulary.options import Selection, UpstreamOptions
from agent.vocabulary.records import Entry, SaveReading
from hal.api import Measurand, Measured

SAVE_ENERGY_MS = 60_000
VOLTAGE_V = 230.0


def sample_due(connector: Connector, turn: Turn) -> None:
    """Make the samples that are due; one stored reading serves them all, and the energy is stored once a minute."""
    transaction = connector.transaction if connector.state is SessionState.RUNNING else None
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
    reading = Reading(newest.at, newest.energy_wh, (*newest.values, *_offered(connector)))
    entries = [entry for due in wanted for entry in _rows(connector, transaction, due, reading)]
    if entries or keep_energy:
        energy_wh = transaction.register_wh if transaction else reading.energy_wh
        owner = transaction.record.id if transaction else None
        values = reading.values if entries else ()
        turn.record(SaveReading(owner, connector.id, reading.at, energy_wh, values), *entries)


def _due(connector: Connector, transaction: Transaction | None, turn: Turn) -> list[Due]:
    found = [plan.due(turn) for plan in connector.aligned]
    if transaction is not None:
        started_ms = _started_ms(transaction, turn)
        found += [plan.due(turn, started_ms) for plan in transaction.periodic]
    return [due for due in found if due is not None]


def _started_ms(transaction: Transaction, turn: Turn) -> int:
    """When the first interval began: the start, or for a transaction of a former life now."""
    started = transaction.record.started_at
    return started.monotonic_ms if started.boot == turn.now.boot else turn.now_ms


def _rows(connector: Connector, transaction: Transaction | None, due: Due, reading: Reading) -> list[Entry]:
    upstream = connector.site.registry.get(due.upstream)
    assert upstream is not None
    live, at_stop = _selections(upstream.options, due.context)
    energy_wh = transaction.register_wh if transaction else reading.energy_wh
    taken = sample(reading, energy_wh, due, live)
    if transaction is not None:
        plan = next((p for p in transaction.periodic if p.upstream is upstream), None)
        if plan is None:
            return []
        plan.keep(sample(reading, energy_wh, due, at_stop))
        return transaction.sampled(connector.site, due, taken)
    if taken is None:
        return []
    event = TransactionSampled(None, address(connector.id), taken, Trigger.METER_VALUE_CLOCK)
    return enqueue(connector.site, due.upstream, event)


def _selections(
    options: UpstreamOptions, context: ReadingContext
) -> tuple[tuple[Selection, ...], tuple[Selection, ...]]:
    """What goes into the message now, and what is kept for the stop message."""
    if context is ReadingContext.SAMPLE_CLOCK:
        return options.aligned_measurands, options.stop_aligned_measurands
    return options.sampled_measurands, options.stop_sampled_measurands


def _offered(connector: Connector) -> tuple[Measured, ...]:
    """What the car is offered: the effective limit, the same for every upstream."""
    offered_a = connector.energy.offered_a or 0.0
    power_w = offered_a * VOLTAGE_V * connector.options.phases
    return (Measured(Measurand.CURRENT_OFFERED, offered_a), Measured(Measurand.POWER_OFFERED, power_w))
