"""What the authority's verdict on a start does to the running transaction (OCPP 1.6 4.8, errata 3.17).

Not accepted, with `stop_on_invalid`: the transaction ends (`DeAuthorized`) and the cable is held until the same card,
or one with the same parent, is shown. Without it: only the energy stops, the transaction stays open (SuspendedEVSE).
`maximum_energy_on_invalid_wh` may flow first. The verdict of any other upstream is stored and does nothing.
"""

from __future__ import annotations

from dataclasses import replace

from agent.station.evse.connector import Connector
from agent.station.evse.session import SessionState
from agent.station.evse.transaction import Stop, Transaction
from agent.station.turn import Turn
from agent.vocabulary.events import StopReason, Trigger
from agent.vocabulary.notes import StationNote
from agent.vocabulary.records import SaveTransaction, Verdict


def take_verdict(connector: Connector, verdict: Verdict, turn: Turn) -> None:
    """The authority judged the start of the transaction that runs here."""
    transaction = connector.transaction
    if transaction is None:
        _judge_former(connector, verdict, turn)
        return
    record = replace(transaction.record, parent=verdict.parent or transaction.record.parent)
    record = replace(record, energy_cap_wh=None) if verdict.accepted else record
    if not verdict.accepted:
        record = replace(record, invalidated=True)
        allowed = connector.authority_options.maximum_energy_on_invalid_wh
        if transaction.energy_allowed_wh is None:
            transaction.energy_allowed_wh = transaction.register_wh + allowed
        turn.note(StationNote.START_NOT_ACCEPTED, verdict.status.value, connector.id)
    if record != transaction.record:
        transaction.record = record
        turn.record(SaveTransaction(record), barrier=True)


def _judge_former(connector: Connector, verdict: Verdict, turn: Turn) -> None:
    """A transaction of a former life that recovery has not judged yet: a no keeps it from being resumed."""
    before = connector.recovered
    if before is None:
        return
    judged = replace(before, energy_cap_wh=None) if verdict.accepted else replace(before, invalidated=True)
    if judged != before:
        connector.recovered = judged
        turn.record(SaveTransaction(judged), barrier=True)


def enforce_verdict(connector: Connector, transaction: Transaction, turn: Turn) -> None:
    """Stop or suspend once the energy that was still allowed has flowed; what nobody has judged yet is suspended."""
    if transaction.at_cap and not transaction.told_of_cap:
        transaction.told_of_cap = True
        turn.note(StationNote.ENERGY_CAP, f"{transaction.record.energy_cap_wh} Wh", connector.id)
    allowed_wh = transaction.energy_allowed_wh
    if allowed_wh is None or transaction.register_wh < allowed_wh or connector.state is not SessionState.RUNNING:
        return
    if connector.authority_options.stop_on_invalid:
        stop = Stop(StopReason.DE_AUTHORIZED, Trigger.DEAUTHORIZED, keep_cable=connector.may_keep)
        connector.stop(stop, turn)
    else:
        transaction.suspended_as_invalid = True
