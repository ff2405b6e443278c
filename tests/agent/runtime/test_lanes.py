"""The order of inputs: hardware and station first, upstreams in turn, of each only so many in a turn of the loop."""

from __future__ import annotations

import typing

import pytest

from agent.runtime.lanes import CROWDED, INPUTS_IN_A_TURN, LOCAL, Lanes, lane_of
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import (
    Input,
    NoticeAnswered,
    Registration,
    ReofferRequested,
    SecurityEventSeen,
    Synced,
    Tick,
    UpstreamChanged,
)
from agent.vocabulary.security import SecurityEventKind

ONE, TWO, THREE = (UpstreamId(name) for name in ("one", "two", "three"))


def news(upstream: UpstreamId, number: int) -> NoticeAnswered:
    return NoticeAnswered(upstream, str(number))


def taken(lanes: Lanes) -> list[Input]:
    found: list[Input] = []
    while (given := lanes.take()) is not None:
        found.append(given)
    return found


@pytest.mark.rule("two-upstreams.TU06")
@pytest.mark.rule("INV-13")
def test_hardware_and_station_go_first_and_upstreams_in_turn() -> None:
    lanes = Lanes()
    for number in range(3):
        lanes.put(news(ONE, number))
    lanes.put(news(TWO, 0))
    lanes.put(Tick())
    lanes.put(Synced(1))
    assert taken(lanes) == [Tick(), Synced(1), news(ONE, 0), news(TWO, 0), news(ONE, 1), news(ONE, 2)]


@pytest.mark.rule("two-upstreams.TU06")
@pytest.mark.rule("INV-13")
def test_a_flood_of_one_upstream_costs_the_others_a_few_inputs_and_no_more() -> None:
    lanes = Lanes()
    for number in range(1000):
        lanes.put(news(ONE, number))
    lanes.put(news(TWO, 0))
    lanes.put(news(THREE, 0))
    first = taken(lanes)
    assert first.index(news(TWO, 0)) == 1
    assert first.index(news(THREE, 0)) == 2
    assert len(first) == INPUTS_IN_A_TURN + 2
    assert lanes.turn_counts
    lanes.put(Tick())
    lanes.put(news(TWO, 1))
    assert taken(lanes) == [Tick(), news(TWO, 1)]  # the same turn: nothing more of the flood
    lanes.new_turn()
    assert taken(lanes) == [news(ONE, number) for number in range(INPUTS_IN_A_TURN, 2 * INPUTS_IN_A_TURN)]


@pytest.mark.rule("INV-13")
def test_a_lane_is_crowded_once_enough_waits() -> None:
    lanes = Lanes()
    for number in range(CROWDED):
        assert not lanes.crowded(ONE)
        lanes.put(news(ONE, number))
    assert lanes.crowded(ONE)
    assert not lanes.crowded(TWO)
    taken(lanes)
    assert not lanes.crowded(ONE)


def test_order_within_a_lane_is_kept() -> None:
    lanes, sent = Lanes(), []
    for number in range(50):
        sent.append(news(ONE, number))
        lanes.put(sent[-1])
        lanes.put(news(TWO, number))
    got: list[Input] = []
    while len(got) < 100:
        got += taken(lanes)
        lanes.new_turn()
    assert [given for given in got if lane_of(given) == ONE] == sent


def test_the_doing_of_upstreams_is_in_their_lanes_and_nothing_else() -> None:
    assert lane_of(UpstreamChanged(ONE, True, Registration.ACCEPTED)) == ONE
    assert lane_of(SecurityEventSeen(SecurityEventKind.INVALID_MESSAGES, "", ONE)) == ONE
    assert lane_of(SecurityEventSeen(SecurityEventKind.MEMORY_EXHAUSTION)) is None
    assert lane_of(ReofferRequested(ONE, ())) is None
    assert set(typing.get_args(LOCAL)) < set(typing.get_args(Input))
