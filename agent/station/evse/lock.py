"""The connector lock: driven towards what is wanted, believed only when it confirms.

Locking precedes every grant. Unlocking is asked for only while the contactor was seen open and less than 1 A flows;
a welded contactor keeps the cable (it may be live). A lock that was driven and did not confirm may be anywhere: it is
driven back. No confirmation within ten seconds is a fault.
"""

from __future__ import annotations

from agent.station.evse.facts import Facts
from agent.station.turn import Turn
from agent.vocabulary.effects import DriveLock
from agent.vocabulary.ids import ConnectorId
from hal.api import LockConfirmation

CONFIRM_MS = 10_000


class Lock:
    """`wanted` is set by the connector; `settle` drives."""

    def __init__(self, connector: ConnectorId, facts: Facts, captive_cable: bool) -> None:
        self._connector = connector
        self._facts = facts
        self.exists = facts.capabilities.lock is not None and not captive_cable
        self.wanted: bool | None = None
        """None: as it is (nothing was asked since the start)."""
        self._driven: bool | None = None
        self._driven_ms: int | None = None

    @property
    def untouched(self) -> bool:
        """Nothing was asked of it in this life."""
        return self.wanted is None and self._driven_ms is None

    @property
    def doubtful(self) -> bool:
        """A former life may have left it anywhere: there is no sensor, and nothing was asked of it in this life."""
        return self.exists and self.untouched and not self._sensed

    @property
    def left(self) -> bool:
        """A former life has left it engaged, or may have."""
        return self.exists and self.untouched and (self.engaged or not self._sensed)

    @property
    def holds(self) -> bool:
        """Confirmed locked, or there is nothing to lock."""
        return not self.exists or self._facts.locked is True

    @property
    def engaged(self) -> bool:
        """There is a lock and it is (or may be) still in the cable."""
        return self.exists and self._facts.locked is True

    @property
    def holds_nothing(self) -> bool:
        """There is no lock, or it is open for sure."""
        return not self.exists or self._known is False

    def force(self, turn: Turn) -> None:
        """Drive open now, whatever the last report said. The caller has checked that it is safe."""
        self.wanted = False
        self._drive(False, turn)

    def settle(self, may_open: bool, turn: Turn) -> None:
        """Drive towards what is wanted, once."""
        if not self.exists or self.wanted is None:
            return
        if self.wanted == self._known and not self._lost(turn):
            self._driven = None if self.wanted == self._driven else self._driven
            return
        if self._driven != self.wanted and (self.wanted or may_open):
            self._drive(self.wanted, turn)

    def failed(self, turn: Turn) -> bool:
        """Driven to where it is wanted, and not confirmed in time."""
        if not self.exists or self._driven is None or self._driven_ms is None or self._facts.locked == self._driven:
            return False
        if self._driven != self.wanted:
            return False
        return turn.reached(self._driven_ms + CONFIRM_MS)

    @property
    def _known(self) -> bool | None:
        """Where it is; None: unknown.

        Without a sensor of its position, what is read before the first drive of this life is a command of a former one,
        or what the board made of it when its power returned; the lock itself stays where it was.
        """
        return self._facts.locked if self._sensed or self._driven_ms is not None else None

    @property
    def _sensed(self) -> bool:
        return self._facts.capabilities.lock is LockConfirmation.POSITION

    def _lost(self, turn: Turn) -> bool:
        """It was driven elsewhere, and all its tries are over without a word of where it is."""
        if self._driven is None or self._driven_ms is None or self._driven == self._facts.locked:
            return False
        return turn.reached(self._driven_ms + CONFIRM_MS)

    def retry(self) -> None:
        """Forget the last drive, so that the next turn drives again."""
        self._driven = None

    def give_up(self) -> None:
        """Leave it where it is until somebody asks anew."""
        self.wanted = None
        self._driven = None

    def _drive(self, locked: bool, turn: Turn) -> None:
        self._driven = locked
        self._driven_ms = turn.now_ms
        turn.add(DriveLock(self._connector, locked))
