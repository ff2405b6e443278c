"""The main fuse: down fast, up slowly, and safe when the meter is silent."""

from __future__ import annotations

import pytest

from agent.station.power.grid import HELD_MS, STALE_MS, Grid
from agent.station.turn import Turn
from agent.vocabulary.feeds import GridOptions
from agent.vocabulary.moments import Moment

pytestmark = [pytest.mark.rule("product.N5")]


class House:
    """Seconds of a house with a station of one car."""

    def __init__(self) -> None:
        self.grid = Grid(GridOptions(25.0, 6.0))
        self.ms = 0

    def run(self, seconds: int, house_a: float, car_a: float = 0.0, car_seen_a: float | None = None) -> None:
        """`car_seen_a`: what the meter of the connector says, where it lags behind."""
        seen = car_a if car_seen_a is None else car_seen_a
        for _ in range(seconds):
            self.ms += 1000
            self.grid.seen((house_a + car_a, 0.0, 0.0), (seen, 0.0, 0.0), self.turn)

    @property
    def turn(self) -> Turn:
        return Turn(Moment(1, self.ms))

    @property
    def left_a(self) -> list[float]:
        return [each.current_a for each in self.grid.left(self.turn)]


def test_what_the_house_leaves_is_told_phase_by_phase_and_nothing_is_added_by_a_roof() -> None:
    house = House()
    house.run(5, 4.2)
    assert house.left_a == [20.5, 25, 25]
    house.run(70, -12.0)
    assert house.left_a == [25, 25, 25]


def test_more_load_is_believed_within_seconds_and_less_after_a_minute() -> None:
    house = House()
    house.run(10, 2.0)
    house.run(3, 15.0)
    assert house.left_a[0] == 10
    house.run(HELD_MS // 1000 - 5, 2.0)
    assert house.left_a[0] == 10
    house.run(10, 2.0)
    assert house.left_a[0] == 23


def test_a_car_that_begins_is_not_taken_for_the_house() -> None:
    """The grid meter shows it a second before its own does."""
    house = House()
    house.run(10, 2.0)
    house.run(1, 2.0, car_a=16.0, car_seen_a=0.0)
    house.run(10, 2.0, car_a=16.0)
    assert house.left_a[0] == 23


def test_a_silent_meter_leaves_the_safe_current_within_ten_seconds() -> None:
    house = House()
    assert house.left_a == [6, 6, 6]
    house.run(5, 2.0)
    house.ms += STALE_MS
    assert house.left_a[0] == 23
    house.ms += 1
    assert house.left_a == [6, 6, 6]
    house.run(1, 20.0)
    assert house.left_a[0] == 5  # what was believed before is forgotten
