"""Pilot and cable, sample by sample."""

from __future__ import annotations

from typing import Any

import pytest

from hal.api import CableSeen, Fault, FaultSeen, PilotSeen, PilotState, Reading
from hal.changes import Changes, FaultKeeper
from hal.drivers.pilot import CableDriver, PilotDriver
from hal.profile import CablePart, PilotPart

NUMBERS = PilotPart("state", {0: "A", 1: "B", 2: "C", 3: "D", 4: "F", 5: "E"}, "amps")
TEXT = PilotPart("state", None, "amps")
CABLE = CablePart("pp", (13, 20, 32, 63), (0,), (65535,))


class Desk:
    def __init__(self, part: PilotPart = NUMBERS) -> None:
        self.told: list[Reading] = []
        self.changes = Changes(self.told.append)
        self.faults = FaultKeeper(1, self.told.append, lambda _: None)
        self.pilot = PilotDriver(1, part, self.changes, self.faults)
        self.cable = CableDriver(1, CABLE, self.changes, self.faults)

    def take(self, state: Any, now: float, amps: float = 0) -> None:
        self.pilot.take({"state": state, "amps": amps}, now)

    def seen(self) -> list[PilotSeen]:
        return [one for one in self.told if isinstance(one, PilotSeen)]

    def faulty(self, fault: Fault) -> bool:
        return self.faults.active(fault)


def test_what_is_first_seen_is_told_at_once() -> None:
    desk = Desk()
    desk.take(2, 0, amps=16)
    assert desk.seen() == [PilotSeen(1, PilotState.C, True, 16.0)]


def test_plugging_is_debounced_and_unplugging_is_not() -> None:
    desk = Desk()
    desk.take(0, 0)
    desk.take(1, 1.0)
    assert desk.pilot.recheck_at == pytest.approx(1.2)
    desk.take(0, 1.1)
    desk.take(1, 1.2)
    desk.take(1, 1.3)
    assert len(desk.seen()) == 1
    desk.take(1, 1.4)
    desk.take(0, 1.45)
    assert [one.state for one in desk.seen()] == [PilotState.A, PilotState.B, PilotState.A]
    assert desk.pilot.recheck_at is None


def test_changes_of_a_plugged_car_are_told_at_once() -> None:
    desk = Desk()
    for at, state in enumerate((1, 2, 1)):
        desk.take(state, at * 0.01, amps=10)
    assert [one.state for one in desk.seen()] == [PilotState.B, PilotState.C, PilotState.B]


@pytest.mark.parametrize(
    ("text", "state", "pwm"),
    [("A1", "A", False), ("B2", "B", True), ("C2", "C", True), ("C1", "C", False), ("F", "F", False)],
)
def test_texts(text: str, state: str, pwm: bool) -> None:
    desk = Desk(TEXT)
    desk.take(text, 0, amps=16)
    assert desk.seen() == [PilotSeen(1, PilotState(state), pwm, 16.0 if pwm else 0.0)]


@pytest.mark.parametrize(("part", "state"), [(NUMBERS, 9), (NUMBERS, None), (TEXT, "G2"), (TEXT, ""), (TEXT, "B3")])
def test_what_is_not_known_is_a_fault_and_no_state(part: PilotPart, state: Any) -> None:
    desk = Desk(part)
    desk.take(state, 0)
    assert desk.seen() == []
    assert desk.faulty(Fault.PILOT)


@pytest.mark.parametrize(("number", "fault"), [(5, True), (3, True), (4, False), (1, False)])
def test_states_that_are_faults(number: int, fault: bool) -> None:
    desk = Desk()
    desk.take(number, 0)
    assert desk.faulty(Fault.PILOT) is fault
    assert len(desk.seen()) == 1


def test_state_d_is_no_fault_where_it_is_ventilated() -> None:
    desk = Desk(PilotPart("state", {3: "D"}, None, ventilation=True))
    desk.take(3, 0)
    assert not desk.faulty(Fault.PILOT)


def ratings(desk: Desk) -> list[int | None]:
    return [one.rating_a for one in desk.told if isinstance(one, CableSeen)]


def test_a_rating_is_latched_while_a_car_is_there() -> None:
    desk = Desk()
    for at, (raw, plugged) in enumerate([(0, False), (20, False), (20, True), (0, True), (32, True), (0, False)]):
        desk.cable.take({"pp": raw}, plugged, at)
    assert ratings(desk) == [None, 20, None]


def test_a_short_and_an_odd_rating_are_faults() -> None:
    for raw in (65535, 17):
        desk = Desk()
        desk.cable.take({"pp": raw}, True, 0)
        assert desk.faulty(Fault.CABLE)
        assert ratings(desk) == [None]
        desk.cable.take({"pp": 32}, True, 1)
        desk.faults.tick(4)
        assert [one.active for one in desk.told if isinstance(one, FaultSeen)] == [True, False]
