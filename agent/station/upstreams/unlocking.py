"""UnlockConnector: stop if it must, then drive the lock open, and answer when it has moved (OCPP 1.6 5.18).

Nobody but the command's own upstream's transaction is stopped; the permission table has seen to that. The lock is
driven even if it was last seen open. No answer of the lock within the deadline is `UnlockFailed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.station.evse.connector import Connector
from agent.station.evse.session import SessionState
from agent.station.evse.transaction import Stop
from agent.station.turn import Turn
from agent.vocabulary.commands import Result, ResultStatus
from agent.vocabulary.effects import Answer
from agent.vocabulary.events import StopReason, Trigger
from agent.vocabulary.ids import ConnectorId, UpstreamId
from hal.api import Fault, FaultSeen, LockSeen

DEADLINE_MS = 20_000
"""Longer than power off and the lock's tries together, shorter than the message time-out of a backend."""


@dataclass(slots=True)
class Pending:
    """One unlock that waits for its lock. `driven`: it was sent, so that a report from now on answers it."""

    upstream: UpstreamId
    call: int
    connector: Connector
    deadline_ms: int
    driven: bool = False


class Unlocking:
    """Open unlock commands."""

    def __init__(self, connectors: Mapping[ConnectorId, Connector]) -> None:
        self._connectors = connectors
        self._pending: list[Pending] = []

    def begin(self, upstream: UpstreamId, call: int, connector_id: ConnectorId, turn: Turn) -> Result | None:
        """Start unlocking; None: answered later."""
        connector = self._connectors.get(connector_id)
        if connector is None or not connector.lock.exists:
            return Result(ResultStatus.NOT_SUPPORTED, "no such connector, or it has no lock")
        if connector.welded():
            return Result(ResultStatus.UNLOCK_FAILED, "the contactor is welded: the cable may be live")
        if connector.state is SessionState.RUNNING:
            connector.stop(Stop(StopReason.UNLOCK_COMMAND, Trigger.UNLOCK_COMMAND), turn)
        elif connector.state in (SessionState.LOCKING, SessionState.READING):
            connector.abandon("unlocked by command", turn)
        connector.keep(None, turn)
        self._pending.append(Pending(upstream, call, connector, turn.now_ms + DEADLINE_MS))
        return None

    def seen(self, reading: LockSeen | FaultSeen, turn: Turn) -> None:
        """A report of a lock that was driven."""
        for pending in [p for p in self._pending if p.driven and p.connector.id == reading.connector]:
            if isinstance(reading, LockSeen) and not reading.locked:
                self._answer(pending, ResultStatus.UNLOCKED, turn)
            elif isinstance(reading, FaultSeen) and reading.fault is Fault.LOCK and reading.active:
                self._answer(pending, ResultStatus.UNLOCK_FAILED, turn)

    def settle(self, turn: Turn) -> None:
        """Drive when it is safe, give up when it is late."""
        for pending in list(self._pending):
            connector = pending.connector
            pending_state = connector.state in (SessionState.RUNNING, SessionState.STOPPING, SessionState.RECOVERING)
            if not pending.driven and not pending_state and connector.may_unlock(turn):
                pending.driven = True
                connector.lock.force(turn)
            if turn.reached(pending.deadline_ms):
                self._answer(pending, ResultStatus.UNLOCK_FAILED, turn)

    def _answer(self, pending: Pending, status: ResultStatus, turn: Turn) -> None:
        self._pending.remove(pending)
        turn.add(Answer(pending.upstream, pending.call, Result(status)))
