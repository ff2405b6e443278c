"""One master for the wall time, and moments that know what they do not know."""

from __future__ import annotations

import itertools

import pytest

from agent.runtime.clock import Clock, TimeSource
from agent.vocabulary.moments import Moment, iso8601, parse_iso8601

NOON = parse_iso8601("2026-06-01T12:00:00Z")
HOUR_MS = 3_600_000


class Machine:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.rule("ocpp16.B11")
def test_moments_have_no_wall_time_until_a_source_gives_one() -> None:
    clock = Clock(3, Machine())
    assert clock.now() == Moment(3, 100_000, None)
    change = clock.offer(TimeSource.OTHER_PLAIN, NOON)
    assert change is not None
    assert change.first
    assert clock.now() == Moment(3, 100_000, NOON)


@pytest.mark.rule("ocpp16.B11")
def test_a_moment_taken_before_gets_its_wall_time_from_the_offset() -> None:
    machine = Machine()
    clock = Clock(3, machine)
    early = clock.now()
    machine.seconds += 60
    clock.offer(TimeSource.OTHER_PLAIN, NOON)
    assert iso8601(early.with_offset(clock.offset_ms).wall_ms or 0) == "2026-06-01T11:59:00.000Z"


@pytest.mark.rule("two-upstreams.clock")
def test_a_better_source_takes_over_and_a_worse_one_does_not() -> None:
    clock = Clock(1, Machine())
    clock.offer(TimeSource.BILLING_AUTHENTICATED, NOON)
    assert clock.offer(TimeSource.BILLING_PLAIN, NOON + 3_600_000) is None
    stepped = clock.offer(TimeSource.NTP, NOON + 10_000)
    assert stepped is not None
    assert stepped.stepped_ms == 10_000
    assert not stepped.first


@pytest.mark.rule("two-upstreams.clock")
def test_a_worse_source_counts_after_a_day_of_silence() -> None:
    machine = Machine()
    clock = Clock(1, machine)
    clock.offer(TimeSource.NTP, NOON)
    machine.seconds += 24 * 3600 + 1
    assert clock.offer(TimeSource.OTHER_PLAIN, NOON + 24 * HOUR_MS + 6_000) is not None


@pytest.mark.rule("two-upstreams.clock")
@pytest.mark.parametrize("apart_ms", [-2_000, -1_001, 1_001, 2_000])
def test_small_corrections_are_slewed_in_and_leave_samples_equidistant(apart_ms: int) -> None:
    machine = Machine()
    clock = Clock(1, machine)
    clock.offer(TimeSource.NTP, NOON)
    assert clock.offer(TimeSource.NTP, NOON + apart_ms) is None
    assert clock.now().wall_ms == NOON
    walls = [NOON]
    for _ in range(80):
        machine.seconds += 60
        walls.append(clock.now().wall_ms or 0)
    spacings = {later - earlier for earlier, later in itertools.pairwise(walls)}
    assert all(abs(spacing - 60_000) <= 30 for spacing in spacings)
    assert walls[-1] == NOON + 80 * 60_000 + apart_ms


@pytest.mark.rule("two-upstreams.clock")
def test_time_that_is_told_in_whole_seconds_moves_nothing() -> None:
    machine = Machine()
    clock = Clock(1, machine)
    clock.offer(TimeSource.OTHER_PLAIN, NOON)
    for late_ms in (-999, 0, 700, 1_000):
        machine.seconds += 300
        assert clock.offer(TimeSource.OTHER_PLAIN, NOON + round(machine.seconds * 1000) - 100_000 + late_ms) is None
        assert clock.offset_ms == NOON - 100_000


def test_a_correction_counts_from_where_an_unfinished_one_stands() -> None:
    machine = Machine()
    clock = Clock(1, machine)
    clock.offer(TimeSource.NTP, NOON)
    clock.offer(TimeSource.NTP, NOON + 2_000)
    machine.seconds += 1_000
    assert clock.now().wall_ms == NOON + 1_000_500
    assert clock.offer(TimeSource.NTP, NOON + 1_000_000 - 1_000) is None
    machine.seconds += 10_000
    assert clock.now().wall_ms == NOON + 11_000_000 - 1_000
    change = clock.offer(TimeSource.NTP, NOON + 11_000_000 + 1_500)
    assert change is not None
    assert change.stepped_ms == 2_500
    machine.seconds += 100
    assert clock.now().wall_ms == NOON + 11_101_500, "a step ends a slewing"


def test_the_master_may_correct_itself() -> None:
    clock = Clock(1, Machine())
    clock.offer(TimeSource.BILLING_PLAIN, NOON)
    stepped = clock.offer(TimeSource.BILLING_PLAIN, NOON + 10_000)
    assert stepped is not None
    assert stepped.stepped_ms == 10_000


@pytest.mark.rule("ocpp16.B11")
def test_a_time_before_the_release_is_not_believed() -> None:
    clock = Clock(1, Machine(), earliest_wall_ms=NOON)
    assert clock.offer(TimeSource.NTP, NOON - 1) is None
    assert clock.now().wall_ms is None


YEARS_MS = 9 * 365 * 24 * HOUR_MS


def after_a_wrong_time(machine: Machine) -> Clock:
    """A station that was once told a time nine years ahead, and stored it."""
    return Clock(1, machine, last_seen_wall_ms=NOON + YEARS_MS)


@pytest.mark.parametrize("source", [TimeSource.NTP, TimeSource.OTHER_AUTHENTICATED])
def test_a_trusted_source_is_believed_whatever_was_seen_before(source: TimeSource) -> None:
    clock = after_a_wrong_time(Machine())
    assert clock.offer(source, NOON) is not None
    assert clock.now().wall_ms == NOON


def test_a_plain_link_alone_does_not_take_the_station_back_before_the_last_time_it_saw() -> None:
    clock = after_a_wrong_time(Machine())
    assert clock.offer(TimeSource.BILLING_PLAIN, NOON) is None
    assert clock.offer(TimeSource.BILLING_PLAIN, NOON) is None, "to say it twice is not to agree"
    assert clock.now().wall_ms is None


@pytest.mark.rule("two-upstreams.clock")
def test_two_plain_links_that_agree_are_believed_against_what_was_seen_before() -> None:
    clock = after_a_wrong_time(Machine())
    clock.offer(TimeSource.BILLING_PLAIN, NOON)
    assert clock.offer(TimeSource.OTHER_PLAIN, NOON + 30_000) is not None


def test_two_plain_links_that_contradict_each_other_are_not_believed() -> None:
    clock = after_a_wrong_time(Machine())
    clock.offer(TimeSource.BILLING_PLAIN, NOON)
    assert clock.offer(TimeSource.OTHER_PLAIN, NOON + 120_000) is None


def test_a_plain_link_that_insists_for_an_hour_is_believed() -> None:
    machine = Machine()
    clock = after_a_wrong_time(machine)
    clock.offer(TimeSource.OTHER_PLAIN, NOON)
    machine.seconds += 3_599
    assert clock.offer(TimeSource.OTHER_PLAIN, NOON + 3_599_000) is None
    machine.seconds += 1
    assert clock.offer(TimeSource.OTHER_PLAIN, NOON + HOUR_MS) is not None


def test_a_backend_whose_clock_is_a_little_behind_the_last_time_seen_is_believed() -> None:
    clock = Clock(1, Machine(), last_seen_wall_ms=NOON)
    assert clock.offer(TimeSource.OTHER_PLAIN, NOON - 3_000) is not None


@pytest.mark.rule("two-upstreams.clock")
def test_a_plain_link_alone_does_not_move_the_clock_by_years() -> None:
    clock = Clock(1, Machine())
    clock.offer(TimeSource.OTHER_PLAIN, NOON)
    assert clock.offer(TimeSource.BILLING_PLAIN, NOON + YEARS_MS) is None
    assert clock.now().wall_ms == NOON
    stepped = clock.offer(TimeSource.BILLING_PLAIN, NOON + HOUR_MS)
    assert stepped is not None
    assert stepped.stepped_ms == HOUR_MS


def test_moments_of_two_boots_have_no_distance() -> None:
    with pytest.raises(ValueError, match="boot 1 and boot 2"):
        Moment(2, 5_000).since(Moment(1, 1_000))
