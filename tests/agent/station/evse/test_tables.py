"""Every pair of state and trigger is decided once: by a row, or by being forbidden."""

from __future__ import annotations

from collections import Counter

import pytest
from transitions import MachineError

from agent.station.evse.faults import REACTIONS
from agent.station.evse.pilot import ROWS as PILOT_ROWS
from agent.station.evse.pilot import TRIGGER_OF, PilotAction, PilotPosition, PilotTable, PilotTrigger
from agent.station.evse.progress import STEPS
from agent.station.evse.session import FORBIDDEN, SessionState, SessionTable, SessionTrigger
from agent.station.evse.session import ROWS as SESSION_ROWS
from agent.station.evse.view import LIGHTS, LightState
from hal.api import Fault, PilotState

FROM_OUTSIDE = {
    SessionTrigger.PLUG,
    SessionTrigger.UNPLUG,
    SessionTrigger.AUTHORISE,
    SessionTrigger.ABANDON,
    SessionTrigger.STOP,
}


def test_every_pilot_pair_is_decided_once() -> None:
    decided = Counter((position, trigger) for position, trigger, _, _ in PILOT_ROWS)
    assert set(decided) == {(position, trigger) for position in PilotPosition for trigger in PilotTrigger}
    assert set(decided.values()) == {1}


def test_every_letter_of_the_pilot_has_a_trigger() -> None:
    assert set(TRIGGER_OF) == set(PilotState)
    assert set(TRIGGER_OF.values()) == set(PilotTrigger)


def test_every_session_pair_is_decided_once() -> None:
    decided = Counter((state, trigger) for state, trigger, _, _ in SESSION_ROWS) + Counter(FORBIDDEN)
    assert set(decided) == {(state, trigger) for state in SessionState for trigger in SessionTrigger}
    assert set(decided.values()) == {1}


def test_only_internal_triggers_are_forbidden() -> None:
    assert not {trigger for _, trigger in FORBIDDEN} & FROM_OUTSIDE


@pytest.mark.parametrize(("state", "trigger"), sorted(FORBIDDEN))
def test_a_forbidden_trigger_raises(state: SessionState, trigger: SessionTrigger) -> None:
    with pytest.raises(MachineError):
        SessionTable(state).fire(trigger)


@pytest.mark.parametrize("row", SESSION_ROWS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_the_session_machine_does_what_its_table_says(row: tuple[SessionState, SessionTrigger, object, object]) -> None:
    state, trigger, target, actions = row
    table = SessionTable(state)
    assert tuple(table.fire(trigger)) == actions
    assert table.state is (target or state)


@pytest.mark.parametrize("letters", ["AB", "ABCBA", "BEB", "BEA", "CFC", "DAB", "DC"])
def test_the_cable_comes_and_goes_in_turns(letters: str) -> None:
    table, plugged = PilotTable(), False
    for letter in letters:
        for action in table.see(PilotState(letter)):
            if action is PilotAction.CABLE_IN:
                plugged = True
            elif action is PilotAction.CABLE_OUT:
                plugged = False
    assert plugged is (letters[-1] != "A")


def test_out_of_order_is_not_unplugged() -> None:
    table = PilotTable()
    table.see(PilotState.C)
    assert table.see(PilotState.E) == [PilotAction.CAR_PAUSES, PilotAction.FAULT]
    assert table.see(PilotState.C) == [PilotAction.FAULT_OVER, PilotAction.CABLE_IN, PilotAction.CAR_ASKS]


def test_every_state_has_a_step_every_fault_a_reaction_every_light_a_pattern() -> None:
    assert set(STEPS) == set(SessionState)
    assert set(REACTIONS) == set(Fault)
    assert set(LIGHTS) == set(LightState)
