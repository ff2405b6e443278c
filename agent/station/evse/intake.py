"""Readings of one connector, taken in: facts are written here and nowhere else."""

from __future__ import annotations

from agent.station.evse.cardless import key_seen
from agent.station.evse.connector import Connector
from agent.station.evse.faults import LATCHING
from agent.station.evse.pilot import PilotAction
from agent.station.evse.session import SessionState, SessionTrigger
from agent.station.turn import Turn
from agent.vocabulary.notes import StationNote
from agent.vocabulary.records import SaveLatch
from hal.api import (
    ActuationFailed,
    CableSeen,
    ContactorSeen,
    Fault,
    FaultSeen,
    KeySeen,
    LockSeen,
    MeterSeen,
    OutputsOff,
    PilotSeen,
    SigningAnswered,
)

HIGHEST_VOLT = 300.0
"""Between phase and neutral, with a margin for what flows beyond the offer."""
ConnectorReading = (
    PilotSeen
    | CableSeen
    | ContactorSeen
    | LockSeen
    | MeterSeen
    | KeySeen
    | FaultSeen
    | ActuationFailed
    | OutputsOff
    | SigningAnswered
)


def take(connector: Connector, reading: ConnectorReading, turn: Turn) -> None:
    """Take one reading in. What follows from it is the business of `progress`."""
    match reading:
        case PilotSeen():
            _pilot(connector, reading, turn)
        case CableSeen():
            connector.facts.cable_a = reading.rating_a
        case ContactorSeen():
            connector.facts.contactor_closed = reading.closed
            connector.energy.contactor_seen(turn)
        case LockSeen():
            _lock(connector, reading, turn)
        case MeterSeen():
            _meter(connector, reading, turn)
        case KeySeen():
            key_seen(connector, reading.on, turn)
        case FaultSeen():
            _fault(connector, reading, turn)
        case ActuationFailed():
            turn.note(StationNote.ACTUATION_FAILED, f"{reading.what}: {reading.detail}", connector.id)
        case OutputsOff():
            connector.facts.outputs_off = True
        case SigningAnswered():
            connector.signing.seen(reading, turn)


def raise_fault(connector: Connector, fault: Fault, turn: Turn, detail: str = "", own: bool = False) -> None:
    """A fault is there, by the hardware or by our own watching; welded and stuck contactors are latched on disk."""
    new = connector.faults.raise_(fault, detail, own)
    if new:
        turn.note(StationNote.FAULT, f"{fault.value} {detail}".strip(), connector.id)
    if fault in LATCHING and fault not in connector.faults.latched:
        connector.faults.latched.add(fault)
        turn.record(SaveLatch(connector.id, fault, True), barrier=True)


def clear_latches(connector: Connector, turn: Turn) -> None:
    """Service was here."""
    for fault in connector.faults.service():
        turn.record(SaveLatch(connector.id, fault, False), barrier=True)
        turn.note(StationNote.LATCH_CLEARED, fault.value, connector.id)
    for fault in sorted(connector.faults.latched):
        turn.note(StationNote.FAULT, f"{fault.value} is still seen by the hardware", connector.id)


def _pilot(connector: Connector, reading: PilotSeen, turn: Turn) -> None:
    facts = connector.facts
    facts.pwm = reading.pwm
    actions = facts.pilot.see(reading.state)
    for action in actions:
        _pilot_action(connector, action, turn)
    connector.energy.pilot_seen(turn)


def _pilot_action(connector: Connector, action: PilotAction, turn: Turn) -> None:
    facts = connector.facts
    if action is PilotAction.CABLE_IN:
        if not facts.plugged:
            facts.plugged, facts.plugged_at_ms = True, turn.now_ms
        connector.fire(SessionTrigger.PLUG, turn)
    elif action is PilotAction.CABLE_OUT:
        facts.plugged = False
        connector.unplugged(turn)
        if connector.lock.exists and connector.kept is None and connector.state is SessionState.FREE:
            connector.lock.wanted = False
    elif action is PilotAction.FAULT:
        raise_fault(connector, Fault.PILOT, turn, "pilot out of order", own=True)
    elif action is PilotAction.FAULT_OVER:
        connector.faults.withdraw(Fault.PILOT, turn.now_ms)


def _lock(connector: Connector, reading: LockSeen, turn: Turn) -> None:
    connector.facts.locked = reading.locked
    if connector.lock.holds_nothing and connector.lock.wanted is not True:
        connector.keep(None, turn)
    if reading.locked == connector.lock.wanted:
        connector.faults.withdraw(Fault.LOCK, turn.now_ms)
    elif connector.lock.exists and not reading.locked and connector.state is SessionState.RUNNING:
        raise_fault(connector, Fault.LOCK, turn, "opened unexpectedly", own=True)


def _meter(connector: Connector, reading: MeterSeen, turn: Turn) -> None:
    before = connector.meter.latest
    newest = connector.meter.see(reading, turn)
    most_w = connector.options.capabilities.maximum_current_a * connector.options.phases * HIGHEST_VOLT
    followed = connector.transaction is None or connector.transaction.see(newest, most_w)
    if before is not None and (reading.energy_wh < before.energy_wh or not followed):
        moved = f"the register went from {before.energy_wh} to {reading.energy_wh} Wh"
        turn.note(StationNote.METER_IMPLAUSIBLE, moved, connector.id)


def _fault(connector: Connector, reading: FaultSeen, turn: Turn) -> None:
    if reading.active:
        raise_fault(connector, reading.fault, turn, reading.detail)
        return
    was_there = connector.faults.present(reading.fault)
    connector.faults.clear(reading.fault, turn.now_ms)
    if reading.fault is Fault.CONTROLLER_OFFLINE and was_there:
        connector.energy.make_safe(turn)
