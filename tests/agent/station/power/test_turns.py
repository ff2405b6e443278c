"""Turns: each is charged as long as the others, and nobody who does not use it keeps it."""

from __future__ import annotations

from collections import Counter

import pytest

from agent.station.power.turns import TURN_MS, Turns
from agent.station.turn import Turn
from agent.vocabulary.ids import ConnectorId
from agent.vocabulary.moments import Moment

A, B, C = ConnectorId(1), ConnectorId(2), ConnectorId(3)
pytestmark = [pytest.mark.rule("product.N5")]


def at(ms: int) -> Turn:
    return Turn(Moment(1, ms))


def charged_over(turns: Turns, wanting: list[ConnectorId], places: int, minutes: int) -> Counter[ConnectorId]:
    """So many may charge at a time; minutes that each had."""
    had: Counter[ConnectorId] = Counter()
    for minute in range(minutes):
        charged = turns.order(wanting)[:places]
        if turns.rotate(charged, [], at(minute * 60_000)):
            charged = turns.order(wanting)[:places]
        had.update(charged)
    return had


@pytest.mark.parametrize("places", [1, 2])
def test_over_some_hours_each_has_had_the_same_within_a_turn(places: int) -> None:
    had = charged_over(Turns(), [A, B, C], places, 6 * 60)
    assert max(had.values()) - min(had.values()) <= TURN_MS / 60_000


def test_a_newcomer_waits_behind_those_that_wait_already() -> None:
    turns = Turns()
    assert turns.order([A, B]) == [A, B]
    assert not turns.rotate([A], [], at(0))
    assert turns.order([A, C, B]) == [A, B, C]
    assert turns.rotate([A], [], at(TURN_MS))
    assert turns.order([A, B, C]) == [B, C, A]


def test_a_turn_that_is_not_used_passes_on_at_once_and_wakes_the_station_at_its_end() -> None:
    turns = Turns()
    turns.order([A, B])
    begun = at(0)
    turns.rotate([A], [], begun)
    assert begun.deadline_ms == TURN_MS
    assert turns.rotate([A], [A], at(1000))
    assert turns.order([A, B]) == [B, A]


def test_where_all_can_be_charged_nobody_is_moved() -> None:
    turns = Turns()
    turns.order([A, B])
    turns.rotate([A], [], at(0))
    assert not turns.rotate([A, B], [A], at(10 * TURN_MS))
    assert turns.order([A, B]) == [A, B]
