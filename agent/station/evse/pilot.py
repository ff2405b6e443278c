"""Pilot table: what the control pilot of one connector means.

Theory of operation
-------------------
The board (or the poller) debounces; this table only turns letters of IEC 61851-1 Annex A into facts: a cable came, a
cable went, the car asks for power, the car pauses, the pilot is out of order. Every trigger is a reading, so every
trigger is legal in every position; a pair that means nothing is an explicit internal transition. While the pilot is out
of order (E, F, or D without ventilation) the cable counts as it was before: only A says that it went.

    position     A          B          C            D          E / F
    UNKNOWN      went       came       came+asks    came+fault fault
    UNPLUGGED    -          came       came+asks    came+fault fault
    CONNECTED    went       -          asks         fault      fault
    REQUESTING   went       pauses     -            fault      fault
    VENTILATION  went+clear clear      asks+clear   -          -        (cable in)
    BROKEN       went+clear came+clear came,asks,clear fault.. -        (cable as before)
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import partial
from typing import Any

from transitions import Machine

from hal.api import PilotState


class PilotPosition(StrEnum):
    UNKNOWN = "unknown"
    UNPLUGGED = "unplugged"
    CONNECTED = "connected"
    REQUESTING = "requesting"
    VENTILATION = "ventilation"
    BROKEN = "broken"


class PilotTrigger(StrEnum):
    SEEN_A = "seen_a"
    SEEN_B = "seen_b"
    SEEN_C = "seen_c"
    SEEN_D = "seen_d"
    SEEN_E = "seen_e"
    SEEN_F = "seen_f"


class PilotAction(StrEnum):
    """What a transition tells the connector."""

    CABLE_OUT = "cable_out"
    CABLE_IN = "cable_in"
    CAR_ASKS = "car_asks"
    CAR_PAUSES = "car_pauses"
    FAULT = "fault"
    FAULT_OVER = "fault_over"


TRIGGER_OF: Mapping[PilotState, PilotTrigger] = {
    PilotState.A: PilotTrigger.SEEN_A,
    PilotState.B: PilotTrigger.SEEN_B,
    PilotState.C: PilotTrigger.SEEN_C,
    PilotState.D: PilotTrigger.SEEN_D,
    PilotState.E: PilotTrigger.SEEN_E,
    PilotState.F: PilotTrigger.SEEN_F,
}

_P, _T, _A = PilotPosition, PilotTrigger, PilotAction
Row = tuple[PilotPosition, PilotTrigger, PilotPosition | None, tuple[PilotAction, ...]]

ROWS: tuple[Row, ...] = (
    # position, trigger, next position (None: internal, nothing changes), what the connector is told
    (_P.UNKNOWN, _T.SEEN_A, _P.UNPLUGGED, (_A.CABLE_OUT,)),
    (_P.UNKNOWN, _T.SEEN_B, _P.CONNECTED, (_A.CABLE_IN,)),
    (_P.UNKNOWN, _T.SEEN_C, _P.REQUESTING, (_A.CABLE_IN, _A.CAR_ASKS)),
    (_P.UNKNOWN, _T.SEEN_D, _P.VENTILATION, (_A.CABLE_IN, _A.FAULT)),
    (_P.UNKNOWN, _T.SEEN_E, _P.BROKEN, (_A.FAULT,)),
    (_P.UNKNOWN, _T.SEEN_F, _P.BROKEN, (_A.FAULT,)),
    (_P.UNPLUGGED, _T.SEEN_A, None, ()),
    (_P.UNPLUGGED, _T.SEEN_B, _P.CONNECTED, (_A.CABLE_IN,)),
    (_P.UNPLUGGED, _T.SEEN_C, _P.REQUESTING, (_A.CABLE_IN, _A.CAR_ASKS)),
    (_P.UNPLUGGED, _T.SEEN_D, _P.VENTILATION, (_A.CABLE_IN, _A.FAULT)),
    (_P.UNPLUGGED, _T.SEEN_E, _P.BROKEN, (_A.FAULT,)),
    (_P.UNPLUGGED, _T.SEEN_F, _P.BROKEN, (_A.FAULT,)),
    (_P.CONNECTED, _T.SEEN_A, _P.UNPLUGGED, (_A.CABLE_OUT,)),
    (_P.CONNECTED, _T.SEEN_B, None, ()),
    (_P.CONNECTED, _T.SEEN_C, _P.REQUESTING, (_A.CAR_ASKS,)),
    (_P.CONNECTED, _T.SEEN_D, _P.VENTILATION, (_A.FAULT,)),
    (_P.CONNECTED, _T.SEEN_E, _P.BROKEN, (_A.FAULT,)),
    (_P.CONNECTED, _T.SEEN_F, _P.BROKEN, (_A.FAULT,)),
    (_P.REQUESTING, _T.SEEN_A, _P.UNPLUGGED, (_A.CAR_PAUSES, _A.CABLE_OUT)),
    (_P.REQUESTING, _T.SEEN_B, _P.CONNECTED, (_A.CAR_PAUSES,)),
    (_P.REQUESTING, _T.SEEN_C, None, ()),
    (_P.REQUESTING, _T.SEEN_D, _P.VENTILATION, (_A.CAR_PAUSES, _A.FAULT)),
    (_P.REQUESTING, _T.SEEN_E, _P.BROKEN, (_A.CAR_PAUSES, _A.FAULT)),
    (_P.REQUESTING, _T.SEEN_F, _P.BROKEN, (_A.CAR_PAUSES, _A.FAULT)),
    (_P.VENTILATION, _T.SEEN_A, _P.UNPLUGGED, (_A.FAULT_OVER, _A.CABLE_OUT)),
    (_P.VENTILATION, _T.SEEN_B, _P.CONNECTED, (_A.FAULT_OVER,)),
    (_P.VENTILATION, _T.SEEN_C, _P.REQUESTING, (_A.FAULT_OVER, _A.CAR_ASKS)),
    (_P.VENTILATION, _T.SEEN_D, None, ()),
    (_P.VENTILATION, _T.SEEN_E, _P.BROKEN, ()),
    (_P.VENTILATION, _T.SEEN_F, _P.BROKEN, ()),
    (_P.BROKEN, _T.SEEN_A, _P.UNPLUGGED, (_A.FAULT_OVER, _A.CABLE_OUT)),
    (_P.BROKEN, _T.SEEN_B, _P.CONNECTED, (_A.FAULT_OVER, _A.CABLE_IN)),
    (_P.BROKEN, _T.SEEN_C, _P.REQUESTING, (_A.FAULT_OVER, _A.CABLE_IN, _A.CAR_ASKS)),
    (_P.BROKEN, _T.SEEN_D, _P.VENTILATION, (_A.CABLE_IN,)),
    (_P.BROKEN, _T.SEEN_E, None, ()),
    (_P.BROKEN, _T.SEEN_F, None, ()),
)


def _tell(action: PilotAction, event: Any) -> None:
    event.model.told.append(action)


class PilotTable:
    """The table as a machine. `see` returns what the connector has to know, in order."""

    state: PilotPosition
    """Kept by the machine."""

    def __init__(self) -> None:
        self.told: list[PilotAction] = []
        self._machine = Machine(
            model=self,
            states=PilotPosition,
            initial=PilotPosition.UNKNOWN,
            transitions=[
                {
                    "trigger": trigger.value,
                    "source": position,
                    "dest": target,
                    "after": [partial(_tell, action) for action in actions],
                }
                for position, trigger, target, actions in ROWS
            ],
            auto_transitions=False,
            ignore_invalid_triggers=False,
            send_event=True,
        )

    def see(self, letter: PilotState) -> list[PilotAction]:
        """Feed one reading."""
        self.told = []
        self._machine.events[TRIGGER_OF[letter].value].trigger(self)
        return self.told
