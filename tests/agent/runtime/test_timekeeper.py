"""Who may set the clock, and what is told when it becomes known."""

from __future__ import annotations

import asyncio

import pytest

from agent.host.clock import LATEST_MS, RELEASED_MS
from agent.runtime.clock import SILENCE_MS, Clock, ClockChange, ClockDifference, TimeSource
from agent.runtime.timekeeper import MARK_S, Timekeeper
from agent.vocabulary.ids import MANAGEMENT, UpstreamId
from agent.vocabulary.inputs import Input, SecurityEventSeen, WallTimeFixed
from agent.vocabulary.moments import parse_iso8601
from agent.vocabulary.security import SecurityEventKind
from tests.rig.virtual_time import now_s, run_virtual

PRIMARY = UpstreamId("primary-1")
NOON = parse_iso8601("2026-06-01T12:00:00Z")


class Bench:
    def __init__(self, ntp: bool = False) -> None:
        self.posted: list[Input] = []
        self.told: list[ClockChange | ClockDifference] = []
        self.ntp = ntp
        self.system_ms = NOON
        self.clock = Clock(7, now_s, RELEASED_MS)
        self.keeper = Timekeeper(
            self.clock, 7, PRIMARY, self.posted.append, self.told.append, lambda: self.ntp, lambda: self.system_ms
        )

    @property
    def changes(self) -> list[ClockChange]:
        return [change for change in self.told if isinstance(change, ClockChange)]

    @property
    def differences(self) -> list[ClockDifference]:
        return [one for one in self.told if isinstance(one, ClockDifference)]


@pytest.mark.rule("ocpp16.B11")
@pytest.mark.rule("two-upstreams.clock")
def test_the_first_time_is_fixed_for_the_boot_and_told_to_the_station() -> None:
    async def story() -> None:
        bench = Bench()
        bench.keeper.on_time(MANAGEMENT, NOON, False)
        assert bench.posted == [WallTimeFixed(7, NOON - bench.clock.monotonic_ms)]
        bench.keeper.on_time(MANAGEMENT, NOON + 60_000, False)
        told = bench.posted[1]
        assert isinstance(told, SecurityEventSeen)
        assert (told.kind, told.upstream) == (SecurityEventKind.SETTING_SYSTEM_TIME, None)
        assert told.tech_info == "2026-06-01T12:00:00.000Z to 2026-06-01T12:01:00.000Z by other_plain"
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


@pytest.mark.rule("two-upstreams.clock")
def test_ntp_is_master_and_a_backend_that_differs_is_told_of_once_until_it_agrees() -> None:
    async def story() -> None:
        bench = Bench(ntp=True)
        bench.keeper.look_at_system()
        for offset_ms in (4_999, 6_000, 6_000, -8_000, 0, -5_001):
            bench.keeper.on_time(PRIMARY, NOON + offset_ms, True)
        assert bench.clock.now().wall_ms == NOON
        source = TimeSource.BILLING_AUTHENTICATED
        assert bench.differences == [ClockDifference(source, 6_000), ClockDifference(source, -5_001)]
        assert not [given for given in bench.posted if isinstance(given, SecurityEventSeen)]

    run_virtual(story())


@pytest.mark.rule("ocpp16.B11")
def test_a_time_before_the_release_is_told_of_and_not_believed() -> None:
    async def story() -> None:
        bench = Bench()
        for _ in range(3):
            bench.keeper.on_time(PRIMARY, RELEASED_MS - 1, True)
        assert bench.differences == [ClockDifference(TimeSource.BILLING_AUTHENTICATED, None)]
        assert bench.posted == []

    run_virtual(story())


@pytest.mark.rule("two-upstreams.clock")
def test_the_machines_own_clock_is_never_followed_but_may_agree_with_a_plain_link() -> None:
    async def story() -> None:
        bench = Bench()
        bench.keeper.look_at_system()
        assert bench.clock.now().wall_ms is None
        bench.keeper.on_time(PRIMARY, NOON - 5 * 3_600_000, False)
        bench.keeper.on_time(PRIMARY, NOON + 10_000, False)
        assert bench.clock.now().wall_ms == NOON + 10_000, "five hours at once, but it does not stand alone"

    run_virtual(story())


def test_a_step_by_ntp_is_a_security_event_too() -> None:
    async def story() -> None:
        bench = Bench(ntp=True)
        bench.keeper.look_at_system()
        bench.system_ms += 3_000
        bench.keeper.look_at_system()
        assert [given.tech_info for given in bench.posted if isinstance(given, SecurityEventSeen)] == [
            "2026-06-01T12:00:00.000Z to 2026-06-01T12:00:03.000Z by ntp"
        ]

    run_virtual(story())


@pytest.mark.rule("ocpp16.Z05")
@pytest.mark.rule("product.A8")
@pytest.mark.parametrize("authenticated", [False, True])
def test_the_certificates_of_one_are_not_judged_by_the_time_of_another(authenticated: bool) -> None:
    """A wrong time of one would keep the others away, and with them whoever knows better."""

    async def story() -> None:
        bench, years_ms = Bench(), 20 * 365 * 86_400_000
        bench.keeper.on_time(PRIMARY, NOON + years_ms, authenticated)
        assert bench.clock.now().wall_ms == NOON + years_ms
        assert bench.keeper.judged_ms(MANAGEMENT) is None
        bench.keeper.on_time(MANAGEMENT, NOON, authenticated)
        await asyncio.sleep(60)
        assert bench.keeper.judged_ms(MANAGEMENT) == NOON + 60_000
        assert bench.keeper.judged_ms(PRIMARY) == NOON + years_ms + 60_000
        await asyncio.sleep(SILENCE_MS / 1000)
        assert bench.keeper.judged_ms(PRIMARY) is None, "what it told once, perhaps by mistake, is not held against it"
        bench.ntp = True
        bench.keeper.look_at_system()
        assert bench.keeper.judged_ms(PRIMARY) == bench.keeper.judged_ms(MANAGEMENT) == NOON

    run_virtual(story(), limit_s=2 * SILENCE_MS / 1000)


def test_a_time_of_another_century_judges_nobody() -> None:
    async def story() -> None:
        bench = Bench()
        for wall_ms in (0, RELEASED_MS - 1, LATEST_MS + 1):
            bench.keeper.on_time(PRIMARY, wall_ms, True)
        assert bench.keeper.judged_ms(PRIMARY) is None

    run_virtual(story())
