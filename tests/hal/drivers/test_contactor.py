"""Feedback of the contactor against what was commanded."""

from __future__ import annotations

from typing import Any

import pytest

from hal.api import ContactorFeedback, ContactorKind, ContactorSeen, Fault, PilotSeen, PilotState, Reading
from hal.changes import Changes, FaultKeeper
from hal.drivers.contactor import ContactorDriver
from hal.profile import ContactorPart

AUTONOMOUS, COMMANDED = ContactorKind.AUTONOMOUS, ContactorKind.COMMANDED
C2 = PilotSeen(1, PilotState.C, True, 16)
B2 = PilotSeen(1, PilotState.B, True, 16)


class Desk:
    def __init__(self, kind: ContactorKind, feedback: ContactorFeedback, **part: Any) -> None:
        self.told: list[Reading] = []
        self.faults = FaultKeeper(1, self.told.append, lambda _: None)
        whole = ContactorPart(kind, feedback, **part)
        self.driver = ContactorDriver(1, whole, Changes(self.told.append), self.faults)

    def seen(self) -> list[bool]:
        return [one.closed for one in self.told if isinstance(one, ContactorSeen)]


@pytest.mark.parametrize(("inverted", "word", "closed"), [(False, 8, True), (False, 7, False), (True, 8, False)])
def test_an_auxiliary_contact(inverted: bool, word: int, closed: bool) -> None:
    desk = Desk(AUTONOMOUS, ContactorFeedback.AUX, register="out", bit=3, inverted=inverted)
    desk.driver.take({"out": word}, B2, 0)
    desk.driver.take({}, B2, 1)
    assert desk.seen() == [closed]


def test_the_boards_state() -> None:
    desk = Desk(AUTONOMOUS, ContactorFeedback.STATE)
    for at, pilot in enumerate((None, B2, C2, PilotSeen(1, PilotState.C, False))):
        desk.driver.take({}, pilot, at)
    assert desk.seen() == [False, True, False]


def test_the_meter() -> None:
    desk = Desk(COMMANDED, ContactorFeedback.METER)
    desk.driver.take({}, C2, 0)
    for at, current_a in enumerate((0.5, 1.5, 0.9)):
        desk.driver.take_current(current_a, at)
    assert desk.seen() == [False, True, False]


def test_no_feedback_tells_nothing() -> None:
    desk = Desk(COMMANDED, ContactorFeedback.NONE)
    desk.driver.command(True, 0)
    desk.driver.take({}, C2, 5)
    assert desk.told == []


def test_commanded_and_not_closing_is_stuck_after_a_second() -> None:
    desk = Desk(COMMANDED, ContactorFeedback.AUX, register="out")
    desk.driver.take({"out": 0}, C2, 0)
    desk.driver.command(True, 10)
    desk.driver.take({"out": 0}, C2, 10.9)
    assert not desk.faults.active(Fault.CONTACTOR_STUCK)
    desk.driver.take({"out": 0}, C2, 11.1)
    assert desk.faults.active(Fault.CONTACTOR_STUCK)


@pytest.mark.parametrize(("kind", "patience_s"), [(COMMANDED, 1.0), (AUTONOMOUS, 7.0)])
def test_closed_while_switched_off_is_welded(kind: ContactorKind, patience_s: float) -> None:
    desk = Desk(kind, ContactorFeedback.AUX, register="out")
    desk.driver.command(True, 0)
    desk.driver.take({"out": 1}, C2, 1)
    desk.driver.command(False, 20)
    desk.driver.take({"out": 1}, C2, 20 + patience_s - 0.1)
    assert not desk.faults.active(Fault.CONTACTOR_WELDED)
    desk.driver.take({"out": 1}, C2, 20 + patience_s + 0.1)
    assert desk.faults.active(Fault.CONTACTOR_WELDED)


def test_a_current_while_switched_off_is_welded_where_nothing_better_tells() -> None:
    desk = Desk(AUTONOMOUS, ContactorFeedback.STATE)
    desk.driver.command(True, 0)
    desk.driver.command(False, 20)
    desk.driver.take_current(5, 28)
    assert not desk.faults.active(Fault.CONTACTOR_WELDED)
    desk.driver.take_current(5, 29.5)
    assert desk.faults.active(Fault.CONTACTOR_WELDED)
