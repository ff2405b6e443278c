"""Progress: what follows, each turn, from the facts of one connector and the passing of time.

Theory of operation
-------------------
Nothing here reacts to *an input*; every step looks at how things are and does what is missing, again and again until a
pass changes nothing. One pass is: look for what is wrong, take the step of the session's state, make the offer what it
should be, drive the lock. A step that waits says until when (`turn.reached`).

    state         goes on when                                   gives up when
    WAITING_CAR   (plug, by intake)                              connection time-out, or nothing may start any more
    WAITING_CARD  (card, by the desk); free, key on: at once     connection time-out
    LOCKING       lock confirmed, contactor seen open            ten seconds, unplug
    READING       the start reading came                         five seconds, unplug
    RUNNING       stops on a fault, grace over, invalid energy   -
    STOPPING      power seen off, then the final reading came    fifteen seconds, then five: the last sample closes it
                  what the meter signed came                     twenty seconds: the stop has no signature
    FINISHED      lets go of the cable                           -
    RECOVERING    reading, pilot and lock known: `recovery`      five seconds: decided with what is known
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agent.station.evse.cardless import authorise_by_itself, by_itself
from agent.station.evse.connector import SECURE_MS, Connector
from agent.station.evse.faults import STOP_REASONS, Reaction
from agent.station.evse.intake import raise_fault
from agent.station.evse.meter import Reading
from agent.station.evse.metering import sample_due
from agent.station.evse.restoring import hold_again, restore
from agent.station.evse.session import SessionState, SessionTrigger
from agent.station.evse.supply import supply
from agent.station.evse.transaction import Stop
from agent.station.evse.verdicts import enforce_verdict
from agent.station.turn import Turn
from agent.vocabulary.effects import SetPace
from agent.vocabulary.events import StopReason, Trigger
from agent.vocabulary.notes import StationNote
from agent.vocabulary.signing import SigningState
from hal.api import Fault

CONTROLLER_GRACE_MS = 60_000
POWER_OFF_MS = 15_000
PASSES = 12
_IN_SESSION = frozenset(
    {
        SessionState.LOCKING,
        SessionState.READING,
        SessionState.RUNNING,
        SessionState.STOPPING,
        SessionState.RECOVERING,
    }
)

_AT_REST = frozenset({SessionState.FREE, SessionState.WAITING_CARD, SessionState.FINISHED})
"""States in which nothing needs the cable."""


def let_faults_go(connector: Connector, turn: Turn) -> None:
    """Faults whose time has come end first, so that a card that waits for a connector finds it as it is."""
    for fault in connector.faults.settle(turn):
        turn.note(StationNote.FAULT_OVER, fault.value, connector.id)


def settle(connector: Connector, turn: Turn) -> None:
    """Do what is missing until nothing is."""
    for _ in range(PASSES):
        before = _fingerprint(connector)
        _pass(connector, turn)
        if _fingerprint(connector) == before:
            break
    sample_due(connector, turn)
    _pace(connector, turn)


def expire(connector: Connector, turn: Turn) -> None:
    """Let go what nobody came for in time, and no more: the facts may be about to change by the present input."""
    if connector.state in (SessionState.WAITING_CAR, SessionState.WAITING_CARD) and _window_over(connector, turn):
        connector.abandon("nothing came within the connection time-out", turn)


def _fingerprint(connector: Connector) -> tuple[object, ...]:
    energy = connector.energy
    meter = (connector.meter.asked, connector.meter.answer)
    signing = (connector.record.signing if connector.record else None, *connector.signing.mark)
    return (connector.state, energy.grant, energy.offered_a, energy.closing, connector.lock.wanted, *meter, *signing)


def _pass(connector: Connector, turn: Turn) -> None:
    wrong = connector.energy.watch(connector.faults.has(Reaction.CONTROLLER) is not None, turn)
    if wrong is not None:
        raise_fault(connector, wrong, turn, "found by the station", own=True)
    _impairments(connector, turn)
    STEPS[connector.state](connector, turn)
    supply(connector, turn)
    _hold(connector, turn)


def _impairments(connector: Connector, turn: Turn) -> None:
    for reaction in (Reaction.METER, Reaction.CONTROLLER):
        if connector.faults.has(reaction) is None:
            connector.impaired_ms.pop(reaction, None)
        else:
            connector.impaired_ms.setdefault(reaction, turn.now_ms)


# ----------------------------------------------------------------------------------------------------- steps


def _free(connector: Connector, turn: Turn) -> None:
    """Waits for a cable or a card."""


def _waiting_car(connector: Connector, turn: Turn) -> None:
    if connector.refusal is not None:
        connector.abandon(connector.refusal, turn)
    elif _window_over(connector, turn):
        connector.abandon("no cable within the connection time-out", turn)


def _waiting_card(connector: Connector, turn: Turn) -> None:
    if by_itself(connector):
        authorise_by_itself(connector, turn)
    elif _window_over(connector, turn):
        connector.abandon("no card within the connection time-out", turn)


def _window_over(connector: Connector, turn: Turn) -> bool:
    timeout_s = connector.site.registry.billing.options.connection_timeout_s
    nobody_needed = connector.state is SessionState.WAITING_CARD and by_itself(connector)
    if connector.window_ms is None or timeout_s == 0 or nobody_needed:
        return False
    return turn.reached(connector.window_ms + timeout_s * 1000)


def _locking(connector: Connector, turn: Turn) -> None:
    if connector.lock.failed(turn) or _complains_of_lock(connector):
        raise_fault(connector, Fault.LOCK, turn, "did not lock", own=True)
    if connector.refusal is not None:
        connector.abandon(connector.refusal, turn)
    elif connector.lock.holds and connector.facts.seen_open:
        connector.fire(SessionTrigger.SECURED, turn)
    elif turn.reached(connector.secure_ms + SECURE_MS):
        connector.abandon("lock or contactor did not confirm in time", turn)


def _complains_of_lock(connector: Connector) -> bool:
    """A controller that complains of something while its lock is all that moves, and has not confirmed it."""
    complains = connector.faults.present(Fault.CONTROLLER_OTHER)
    return complains and connector.lock.exists and not connector.lock.holds


def _reading(connector: Connector, turn: Turn) -> None:
    if connector.refusal is not None:
        connector.abandon(connector.refusal, turn)
    elif not (connector.lock.holds and connector.facts.seen_open):
        connector.abandon("lock or contactor moved before the start", turn)
    elif connector.meter.answer is not None:
        connector.fire(SessionTrigger.BEGIN, turn)
    elif connector.meter.overdue(turn):
        connector.abandon("the meter did not answer in time", turn)


def _running(connector: Connector, turn: Turn) -> None:
    transaction = connector.transaction
    assert transaction is not None
    transaction.record = connector.signing.begin(transaction.record, turn)
    fault = connector.faults.has(Reaction.END)
    if fault is not None:
        reason = STOP_REASONS.get(fault, StopReason.OTHER)
        connector.stop(Stop(reason, Trigger.ABNORMAL_CONDITION, urgent=True), turn)
    elif _grace_over(connector, turn) or _unrecordable(connector) or connector.signing.forbids(transaction.record):
        connector.stop(Stop(StopReason.OTHER, Trigger.ABNORMAL_CONDITION), turn)
    else:
        enforce_verdict(connector, transaction, turn)


def _unrecordable(connector: Connector) -> bool:
    """The disk refuses writes, and the station is set not to go on then."""
    return not connector.site.storage_healthy and not connector.site.options.continue_on_storage_fault


def _grace_over(connector: Connector, turn: Turn) -> bool:
    options = connector.site.options
    grace_ms = 0 if options.stop_on_meter_fault else round(options.meter_fault_grace_s * 1000)
    meter_ms = connector.impaired_ms.get(Reaction.METER)
    controller_ms = connector.impaired_ms.get(Reaction.CONTROLLER)
    meter_over = meter_ms is not None and turn.reached(meter_ms + grace_ms)
    return meter_over or (controller_ms is not None and turn.reached(controller_ms + CONTROLLER_GRACE_MS))


def _stopping(connector: Connector, turn: Turn) -> None:
    transaction, meter = connector.transaction, connector.meter
    assert transaction is not None
    if connector.faults.has(Reaction.END) is not None:
        connector.energy.open_now(turn)
    if not meter.asked:
        given_up = turn.reached(transaction.closing_ms + POWER_OFF_MS)
        if not (connector.energy.quiet(turn) or connector.welded() or given_up):
            return
        if connector.faults.has(Reaction.METER) is not None:
            _close_signed(connector, None, turn)
            return
        meter.ask(turn)
    if meter.answer is not None or meter.overdue(turn):
        _close_signed(connector, meter.answer, turn)


def _close_signed(connector: Connector, reading: Reading | None, turn: Turn) -> None:
    """Close it once the meter has said what it signed, or is no longer waited for."""
    transaction = connector.transaction
    assert transaction is not None
    at = reading.at if reading is not None else None
    transaction.record = connector.signing.end(transaction.record, at, transaction.register_wh, turn)
    if transaction.record.signing is not SigningState.ENDING:
        close_transaction(connector, reading, turn)
        connector.signing.closed(transaction.record)


def close_transaction(connector: Connector, reading: Reading | None, turn: Turn) -> None:
    """The final reading (or its absence) closes the transaction: one record, a stop for every upstream."""
    transaction = connector.transaction
    assert transaction is not None
    offline = not connector.site.registry.billing.reachable
    at = reading.at if reading is not None else turn.now
    turn.record(*transaction.stop_entries(connector.site, at, reading, offline), barrier=True)
    connector.site.registry.forget(transaction.record.id)
    turn.note(StationNote.TRANSACTION_STOPPED, f"{transaction.energy_wh} Wh", connector.id)
    plugged = connector.facts.plugged or not connector.facts.pilot_known
    connector.fire(SessionTrigger.CLOSED_PLUGGED if plugged else SessionTrigger.CLOSED_EMPTY, turn)


def _finished(connector: Connector, turn: Turn) -> None:
    """The cable is let go by `_hold`."""


def _recovering(connector: Connector, turn: Turn) -> None:
    restore(connector, turn)


Step = Callable[[Connector, Turn], None]
STEPS: Mapping[SessionState, Step] = {
    SessionState.FREE: _free,
    SessionState.WAITING_CAR: _waiting_car,
    SessionState.WAITING_CARD: _waiting_card,
    SessionState.LOCKING: _locking,
    SessionState.READING: _reading,
    SessionState.RUNNING: _running,
    SessionState.STOPPING: _stopping,
    SessionState.FINISHED: _finished,
    SessionState.RECOVERING: _recovering,
}


# ----------------------------------------------------------------------------------------------- power, lock


def _hold(connector: Connector, turn: Turn) -> None:
    lock = connector.lock
    hold_again(connector, turn)
    if connector.welded():
        lock.wanted = True if lock.engaged else lock.wanted
    elif lock.wanted is False and lock.failed(turn):
        raise_fault(connector, Fault.LOCK, turn, "did not unlock", own=True)
        lock.give_up()
    elif _left_locked(connector):
        lock.wanted = False
    lock.settle(connector.may_unlock(turn), turn)


def _left_locked(connector: Connector) -> bool:
    """A former life left the lock engaged (for all that is known), and nothing needs the cable."""
    return connector.lock.left and connector.state in _AT_REST and connector.kept is None


def _pace(connector: Connector, turn: Turn) -> None:
    wanted = connector.state in _IN_SESSION
    if wanted != connector.in_session:
        connector.in_session = wanted
        turn.add(SetPace(connector.id, wanted))
