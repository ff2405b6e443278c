"""Restart: no new session, the running ones end and are recorded, then the process (or the system) ends.

`Restart` goes out in the turn that records the last stop, so that the engine holds it until that record is synced; a
record of an earlier turn is waited for here. On a disk that refuses writes it goes out all the same: nothing would be
gained by waiting, and a restart may be the cure.

A hard reset that finds itself in the boot of before did not come about. It is tried again, as often as `reset_retries`
says, each time after half a minute in which the system may still be going down; then the station goes on and tells
(OCPP 1.6 9.1.27, "ResetFailure").
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.station.evse.connector import Connector
from agent.station.evse.session import SessionState
from agent.station.evse.transaction import Stop
from agent.station.site import Site
from agent.station.turn import Turn
from agent.vocabulary.effects import Restart
from agent.vocabulary.events import StopReason, Trigger
from agent.vocabulary.ids import ConnectorId
from agent.vocabulary.notes import StationNote
from hal.api import Fault

NEXT_TURN_MS = 1
AGAIN_MS = 30_000


class Restarter:
    """At most one restart is under way; a reboot of the system counts more than a restart of the agent."""

    def __init__(self, site: Site, connectors: Mapping[ConnectorId, Connector]) -> None:
        self._site = site
        self._connectors = connectors
        self._reboot = False
        self._wait = False
        self._done = False
        self._again_ms: int | None = None
        """When a reset that did not come about is tried again."""

    def begin(self, turn: Turn) -> None:
        """The first turn of this life: the reset that ended the former one may not have come about."""
        failed = self._site.snapshot.failed_resets
        if failed == 0:
            return
        turn.note(StationNote.RESET_FAILED, f"the system did not restart, {failed} times now")
        if failed > self._site.options.reset_retries:
            self._site.faults[Fault.RESET] = "the system did not restart"
            return
        self._again_ms = turn.now_ms + AGAIN_MS
        self.request(StopReason.HARD_RESET, True, False, turn)

    def request(self, reason: StopReason, reboot_system: bool, wait_for_idle: bool, turn: Turn) -> None:
        """Begin (or sharpen) a restart."""
        self._wait = wait_for_idle and (self._site.restarting is None or self._wait)
        self._reboot = self._reboot or reboot_system
        if self._site.restarting is None or reason is StopReason.HARD_RESET:
            self._site.restarting = reason
        turn.note(StationNote.RESTART_REQUESTED, f"{self._site.restarting.value}, system: {self._reboot}")

    def settle(self, turn: Turn) -> None:
        """Stop what runs, before the connectors take their steps."""
        reason = self._site.restarting
        if reason is None or self._wait:
            return
        for connector in self._connectors.values():
            connector.stop(Stop(reason, Trigger.RESET_COMMAND), turn)

    def finish(self, turn: Turn) -> None:
        """End once nothing runs, after the connectors have taken their steps."""
        reason = self._site.restarting
        if reason is None or self._done or not (self._again_ms is None or turn.reached(self._again_ms)):
            return
        busy = (SessionState.RUNNING, SessionState.STOPPING, SessionState.RECOVERING)
        if any(connector.state in busy for connector in self._connectors.values()):
            return
        if self._must_wait(turn):
            return
        self._done = True
        turn.add(Restart(self._reboot, reason.value))

    def disk_failed(self) -> None:
        """A restart that the engine may be holding behind a record is wanted again, without one."""
        self._done = False

    def _must_wait(self, turn: Turn) -> bool:
        if self._site.storage_healthy:
            return self._site.last_barrier > self._site.synced
        return turn.makes_barrier and not turn.reached(turn.now_ms + NEXT_TURN_MS)
