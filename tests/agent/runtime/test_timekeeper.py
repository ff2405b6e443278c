"""Who may set the clock, and what is told when it becomes known."""

from __future__ import annotations

import pytest

from agent.runtime.clock import Clock, ClockChange
from agent.runtime.timekeeper import MARK_S, Timekeeper
from agent.vocabulary.ids import MANAGEMENT, UpstreamId
from agent.vocabulary.inputs import Input, WallTimeFixed
from agent.vocabulary.moments import parse_iso8601
from tests.rig.virtual_time import now_s, run_virtual

PRIMARY = UpstreamId("primary-1")
NOON = parse_iso8601("2026-06-01T12:00:00Z")


class Bench:
    def __init__(self, ntp: bool = False) -> None:
        self.posted: list[Input] = []
        self.changes: list[ClockChange] = []
        self.clock = Clock(7, now_s)
        self.keeper = Timekeeper(self.clock, 7, PRIMARY, self.posted.append, self.changes.append, lambda: ntp)


def test_the_first_time_is_fixed_for_the_boot_and_told_to_the_station() -> None:
    async def story() -> None:
        bench = Bench()
        bench.keeper.on_time(MANAGEMENT, NOON, False)
        assert bench.posted == [WallTimeFixed(7, NOON - bench.clock.monotonic_ms)]
        bench.keeper.on_time(MANAGEMENT, NOON + 60_000, False)
        assert len(bench.posted) == 1, "a later step is for the log only"
        assert bench.changes[-1].stepped_ms == 60_000

    run_virtual(story())


@pytest.mark.parametrize(
    ("first", "second", "counts"),
    [
        ((MANAGEMENT, False), (PRIMARY, False), True),
        ((PRIMARY, False), (MANAGEMENT, False), False),
        ((PRIMARY, False), (MANAGEMENT, True), True),
        ((MANAGEMENT, True), (PRIMARY, False), False),
        ((MANAGEMENT, True), (PRIMARY, True), True),
    ],
)
def test_authenticated_links_first_then_the_billing_upstream(
    first: tuple[UpstreamId, bool], second: tuple[UpstreamId, bool], counts: bool
) -> None:
    async def story() -> None:
        bench = Bench()
        bench.keeper.on_time(first[0], NOON, first[1])
        bench.keeper.on_time(second[0], NOON + 3_600_000, second[1])
        assert (bench.clock.now().wall_ms == NOON + 3_600_000) is counts

    run_virtual(story())


def test_a_time_of_another_century_is_not_believed() -> None:
    async def story() -> None:
        bench = Bench()
        bench.keeper.on_time(PRIMARY, parse_iso8601("2150-01-01T00:00:00Z"), True)
        assert bench.clock.now().wall_ms is None

    run_virtual(story())


def test_the_time_is_marked_every_five_minutes_once_it_is_known() -> None:
    async def story() -> None:
        bench = Bench(ntp=True)
        marks: list[int] = []
        begin = now_s()

        async def mark(wall_ms: int) -> None:
            marks.append(wall_ms)
            if len(marks) == 3:
                raise TimeoutError

        with pytest.raises(TimeoutError):
            await bench.keeper.run(mark)
        assert now_s() - begin == 2 * MARK_S

    run_virtual(story())
