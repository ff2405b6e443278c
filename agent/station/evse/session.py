"""Session table: the life of one connector from free to free.

Theory of operation
-------------------
A transaction begins when a session is authorised, plugged (state B is enough), locked where there is a lock, its
meter freshly read and its record made; it ends when it was stopped, its power seen off, and its meter read once more.
Whether energy flows within RUNNING is not a state here: that is the business of `energy.py`, and a car that waits on
its timer or a limit of zero is RUNNING all the same.

`plug`, `unplug`, `authorise`, `abandon` and `stop` follow from the outside world and are legal in every state; those
that mean nothing are explicit internal transitions. `secured`, `begin`, `closed_plugged`, `closed_empty` and `resume`
are fired by the connector only where they make sense; elsewhere they are forbidden and raise.

    FREE ------plug-----> WAITING_CARD --authorise--> LOCKING --secured--> READING --begin--> RUNNING
      \\---authorise---> WAITING_CAR ------plug------->/                                       | stop, unplug
    FREE <--unplug-- FINISHED <-------closed_plugged------------------------- STOPPING <-------/
"""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import Any

from transitions import Machine


class SessionState(StrEnum):
    FREE = "free"
    WAITING_CAR = "waiting_car"  # authorised, no cable yet
    WAITING_CARD = "waiting_card"  # cable in, nobody authorised yet
    LOCKING = "locking"  # authorised and plugged; lock and contactor have to confirm
    READING = "reading"  # locked; the start reading is awaited
    RUNNING = "running"  # the transaction is recorded
    STOPPING = "stopping"  # power off is awaited, then the final reading
    FINISHED = "finished"  # no transaction (any more), the cable is still in
    RECOVERING = "recovering"  # a transaction of a former life is open


class SessionTrigger(StrEnum):
    PLUG = "plug"
    UNPLUG = "unplug"
    AUTHORISE = "authorise"
    ABANDON = "abandon"
    SECURED = "secured"
    BEGIN = "begin"
    STOP = "stop"
    CLOSED_PLUGGED = "closed_plugged"
    CLOSED_EMPTY = "closed_empty"
    RESUME = "resume"


class SessionAction(StrEnum):
    """What a transition asks of the connector."""

    OPEN_WINDOW = "open_window"  # the connection time-out runs from here
    SECURE = "secure"  # drive the lock
    READ_METER = "read_meter"  # ask for the start reading
    START = "start"  # make the record of the transaction
    HALT = "halt"  # power off, note why
    RELEASE = "release"  # forget the authorisation, let go of the cable
    CONTINUE = "continue"  # a recovered transaction goes on


_S, _T, _A = SessionState, SessionTrigger, SessionAction
Row = tuple[SessionState, SessionTrigger, SessionState | None, tuple[SessionAction, ...]]

ROWS: tuple[Row, ...] = (
    # state, trigger, next state (None: internal, nothing changes), what the connector has to do
    (_S.FREE, _T.PLUG, _S.WAITING_CARD, (_A.OPEN_WINDOW,)),
    (_S.FREE, _T.UNPLUG, None, ()),
    (_S.FREE, _T.AUTHORISE, _S.WAITING_CAR, (_A.OPEN_WINDOW,)),
    (_S.FREE, _T.ABANDON, None, ()),
    (_S.FREE, _T.STOP, None, ()),
    (_S.WAITING_CAR, _T.PLUG, _S.LOCKING, (_A.SECURE,)),
    (_S.WAITING_CAR, _T.UNPLUG, None, ()),
    (_S.WAITING_CAR, _T.AUTHORISE, None, ()),
    (_S.WAITING_CAR, _T.ABANDON, _S.FREE, (_A.RELEASE,)),
    (_S.WAITING_CAR, _T.STOP, None, ()),
    (_S.WAITING_CARD, _T.PLUG, None, ()),
    (_S.WAITING_CARD, _T.UNPLUG, _S.FREE, (_A.RELEASE,)),
    (_S.WAITING_CARD, _T.AUTHORISE, _S.LOCKING, (_A.SECURE,)),
    (_S.WAITING_CARD, _T.ABANDON, _S.FINISHED, (_A.RELEASE,)),
    (_S.WAITING_CARD, _T.STOP, None, ()),
    (_S.LOCKING, _T.PLUG, None, ()),
    (_S.LOCKING, _T.UNPLUG, _S.FREE, (_A.RELEASE,)),
    (_S.LOCKING, _T.AUTHORISE, None, ()),
    (_S.LOCKING, _T.ABANDON, _S.FINISHED, (_A.RELEASE,)),
    (_S.LOCKING, _T.SECURED, _S.READING, (_A.READ_METER,)),
    (_S.LOCKING, _T.STOP, None, ()),
    (_S.READING, _T.PLUG, None, ()),
    (_S.READING, _T.UNPLUG, _S.FREE, (_A.RELEASE,)),
    (_S.READING, _T.AUTHORISE, None, ()),
    (_S.READING, _T.ABANDON, _S.FINISHED, (_A.RELEASE,)),
    (_S.READING, _T.BEGIN, _S.RUNNING, (_A.START,)),
    (_S.READING, _T.STOP, None, ()),
    (_S.RUNNING, _T.PLUG, None, ()),
    (_S.RUNNING, _T.UNPLUG, _S.STOPPING, (_A.HALT,)),
    (_S.RUNNING, _T.AUTHORISE, None, ()),
    (_S.RUNNING, _T.ABANDON, None, ()),
    (_S.RUNNING, _T.STOP, _S.STOPPING, (_A.HALT,)),
    (_S.STOPPING, _T.PLUG, None, ()),
    (_S.STOPPING, _T.UNPLUG, None, ()),
    (_S.STOPPING, _T.AUTHORISE, None, ()),
    (_S.STOPPING, _T.ABANDON, None, ()),
    (_S.STOPPING, _T.STOP, None, ()),
    (_S.STOPPING, _T.CLOSED_PLUGGED, _S.FINISHED, (_A.RELEASE,)),
    (_S.STOPPING, _T.CLOSED_EMPTY, _S.FREE, (_A.RELEASE,)),
    (_S.FINISHED, _T.PLUG, None, ()),
    (_S.FINISHED, _T.UNPLUG, _S.FREE, (_A.RELEASE,)),
    (_S.FINISHED, _T.AUTHORISE, _S.LOCKING, (_A.SECURE,)),
    (_S.FINISHED, _T.ABANDON, None, ()),
    (_S.FINISHED, _T.STOP, None, ()),
    (_S.RECOVERING, _T.PLUG, None, ()),
    (_S.RECOVERING, _T.UNPLUG, None, ()),
    (_S.RECOVERING, _T.AUTHORISE, None, ()),
    (_S.RECOVERING, _T.ABANDON, None, ()),
    (_S.RECOVERING, _T.STOP, None, ()),
    (_S.RECOVERING, _T.CLOSED_PLUGGED, _S.FINISHED, (_A.RELEASE,)),
    (_S.RECOVERING, _T.CLOSED_EMPTY, _S.FREE, (_A.RELEASE,)),
    (_S.RECOVERING, _T.RESUME, _S.RUNNING, (_A.CONTINUE,)),
)

FORBIDDEN: frozenset[tuple[SessionState, SessionTrigger]] = frozenset(
    [(state, _T.SECURED) for state in _S if state is not _S.LOCKING]
    + [(state, _T.BEGIN) for state in _S if state is not _S.READING]
    + [(state, _T.RESUME) for state in _S if state is not _S.RECOVERING]
    + [(s, _T.CLOSED_PLUGGED) for s in _S if s not in (_S.STOPPING, _S.RECOVERING)]
    + [(s, _T.CLOSED_EMPTY) for s in _S if s not in (_S.STOPPING, _S.RECOVERING)]
)
"""Only internal triggers; firing one here is a bug and raises `transitions.MachineError`."""


def _ask(action: SessionAction, event: Any) -> None:
    event.model.asked.append(action)


class SessionTable:
    """The table as a machine. `fire` returns what the connector has to do, in order."""

    state: SessionState
    """Kept by the machine."""

    def __init__(self, initial: SessionState = SessionState.FREE) -> None:
        self.asked: list[SessionAction] = []
        self._machine = Machine(
            model=self,
            states=SessionState,
            initial=initial,
            transitions=[
                {
                    "trigger": trigger.value,
                    "source": state,
                    "dest": target,
                    "after": [partial(_ask, action) for action in actions],
                }
                for state, trigger, target, actions in ROWS
            ],
            auto_transitions=False,
            ignore_invalid_triggers=False,
            send_event=True,
        )

    def fire(self, trigger: SessionTrigger) -> list[SessionAction]:
        """Take one step. Raises `transitions.MachineError` for a forbidden pair."""
        self.asked = []
        self._machine.events[trigger.value].trigger(self)
        return self.asked
