"""Carries out what `recovery` decides about the open transaction of a former life, and holds the cable that it held."""

from __future__ import annotations

from dataclasses import replace

from agent.station.evse.cardless import authorise_by_itself, by_itself, by_key
from agent.station.evse.connector import Connector
from agent.station.evse.kept import kept_after
from agent.station.evse.recovery import Found, Outcome, decide, last_register
from agent.station.evse.session import SessionTrigger
from agent.station.evse.transaction import Stop, Transaction
from agent.station.turn import Turn
from agent.vocabulary.events import StopReason, Trigger
from agent.vocabulary.notes import StationNote
from agent.vocabulary.options import AfterPowerLoss, AuthorisePolicy
from agent.vocabulary.records import SaveTransaction, TransactionRecord
from agent.vocabulary.signing import SigningState

CABLE_KNOWN_MS = 3000
"""From the first sight of the pilot until the cable in the socket has been read too."""


def restore(connector: Connector, turn: Turn) -> None:
    """Wait for what has to be known, bounded, then resume or close."""
    record, meter = connector.recovered, connector.meter
    assert record is not None
    if not meter.asked:
        meter.ask(turn)
    if meter.overdue(turn) or (meter.answer is not None and _known(connector)) or _late(connector, turn):
        _carry_out(connector, record, turn)


def hold_again(connector: Connector, turn: Turn) -> None:
    """A lock without a sensor may have let go with the power: it is driven home if its cable is still there."""
    facts = connector.facts
    if connector.kept is None or not connector.lock.doubtful or not facts.pilot_known:
        return
    if facts.plugged or facts.cable_a is not None:
        connector.lock.wanted = True
        return
    if connector.alone_ms is None:
        connector.alone_ms = turn.now_ms
    if turn.reached(connector.alone_ms + CABLE_KNOWN_MS):
        connector.keep(None, turn)


def _late(connector: Connector, turn: Turn) -> bool:
    """Answered, but what else has to be known did not come within the same deadline."""
    return connector.meter.answer is not None and turn.reached(connector.meter.deadline_ms)


def _known(connector: Connector) -> bool:
    """Everything that the decision needs has been seen."""
    facts, site = connector.facts, connector.site
    if not (facts.pilot_known and facts.outputs_off):
        return False
    if connector.options.authorise is AuthorisePolicy.KEY_INPUT and facts.key_on is None:
        return False
    if site.options.after_power_loss is AfterPowerLoss.STOP:
        return True
    wall = _gap_known(connector)
    return wall and facts.seen_open and (not connector.lock.exists or facts.locked is not None)


def _gap_known(connector: Connector) -> bool:
    """The length of the gap can be told: same boot, or a reading with wall time."""
    answer, record = connector.meter.answer, connector.recovered
    assert answer is not None
    assert record is not None
    last = record.last_at or record.started_at
    return last.boot == answer.at.boot or answer.at.wall_ms is not None


def _carry_out(connector: Connector, record: TransactionRecord, turn: Turn) -> None:
    site, meter = connector.site, connector.meter
    capabilities = connector.options.capabilities
    found = Found(
        turn.now,
        site.snapshot.same_boot,
        site.snapshot.restart_reason,
        meter.answer.energy_wh if meter.answer else None,
        connector.facts.plugged,
        connector.lock.holds and (connector.lock.exists or site.snapshot.same_boot),
        site.registry.authorities,
        site.options.after_power_loss,
        site.options.resume_gap_s,
        capabilities.maximum_current_a,
        connector.options.phases,
        connector.refusal is None and connector.facts.seen_open,
        by_key(connector) and connector.facts.key_on is not True,
    )
    outcome = decide(record, found)
    if not connector.signing.mark:
        turn.note(StationNote.TRANSACTION_RECOVERED, outcome.why, connector.id)
    if outcome.resume:
        turn.record(SaveTransaction(record), barrier=True)
        connector.fire(SessionTrigger.RESUME, turn)
        return
    record = _signed(connector, record, outcome, turn)
    if record.signing is SigningState.ENDING:
        connector.recovered = record
        return
    close_former(connector, record, outcome.reason, outcome.register_wh is not None, turn)


def _signed(connector: Connector, record: TransactionRecord, outcome: Outcome, turn: Turn) -> TransactionRecord:
    """A meter that signs is told to end what a former life began; from then on the end is decided."""
    answer = connector.meter.answer if outcome.register_wh is not None else None
    decided = replace(record, stop_reason=outcome.reason)
    at = answer.at if answer is not None else None
    return connector.signing.end(decided, at, outcome.register_wh or 0, turn)


def close_former(
    connector: Connector, record: TransactionRecord, reason: StopReason, believed: bool, turn: Turn
) -> None:
    """Close it behind its unsent start, with the present register or the last stored value."""
    site, answer = connector.site, connector.meter.answer
    reading = answer if believed else None
    transaction = Transaction(record, reading.energy_wh if reading is not None else last_register(record))
    transaction.stop = Stop(reason, Trigger.ABNORMAL_CONDITION, record.stop_token)
    at = reading.at if reading is not None else (record.last_at or record.started_at)
    turn.record(*transaction.stop_entries(site, at, reading, not site.registry.billing.reachable), barrier=True)
    site.registry.forget(record.id)
    connector.signing.closed(transaction.record)
    connector.recovered = None
    if _is_held(connector, reason):
        connector.keep(kept_after(record, reason.value), turn)
    plugged = connector.facts.plugged or not connector.facts.pilot_known
    connector.fire(SessionTrigger.CLOSED_PLUGGED if plugged else SessionTrigger.CLOSED_EMPTY, turn)
    if plugged and by_itself(connector) and reason in (StopReason.POWER_LOSS, StopReason.REBOOT):
        authorise_by_itself(connector, turn)  # nobody ended it, and nobody has to be asked


def _is_held(connector: Connector, reason: StopReason) -> bool:
    """The end that was under way would have held the cable, and the lock did not let go of it meanwhile."""
    if not connector.may_keep or connector.lock.holds_nothing:
        return False
    unlocks = connector.authority_options.unlock_on_ev_disconnect
    return reason is StopReason.DE_AUTHORIZED or (reason is StopReason.EV_DISCONNECTED and not unlocks)
