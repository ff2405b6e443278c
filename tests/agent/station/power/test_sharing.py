"""Sharing: sums, fairness, the minimum, and what may flow while some are lowered and others raised."""

from __future__ import annotations

import random
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.station.power.sharing import STEP_A, Drawn, Line, Want, fill, portions, share
from agent.vocabulary.ids import ConnectorId

LEAST_A = 6.0
NOISE = 1e-6
FEEDS = ("the station", "left")
LINES = [(feed, phase) for feed in FEEDS for phase in range(3)]

pytestmark = [pytest.mark.rule("product.N5")]


@st.composite
def wants_of(draw: st.DrawFn) -> list[Want]:
    """Up to eight connectors, each on some phases of one or both feeds."""
    found = []
    for number in range(1, draw(st.integers(1, 8)) + 1):
        phases = draw(st.sampled_from([(0, 1, 2), (0,), (1,), (2,), (0, 1)]))
        feeds = FEEDS if draw(st.booleans()) else FEEDS[:1]
        lines = frozenset((feed, phase) for feed in feeds for phase in phases)
        found.append(Want(ConnectorId(number), lines, LEAST_A, draw(st.floats(0, 80))))
    return found


rooms = st.dictionaries(st.sampled_from(LINES), st.floats(0, 150), min_size=1)


def loads(given_a: dict[ConnectorId, float], wants: list[Want], line: Line) -> float:
    return sum(given_a.get(want.connector, 0.0) for want in wants if line in want.lines)


@given(wants_of(), rooms)
def test_no_line_bears_more_than_it_can_and_nobody_gets_less_than_the_minimum(
    wants: list[Want], room: dict[Line, float]
) -> None:
    shares = share(wants, room, [want.connector for want in wants])
    for line, bears_a in room.items():
        assert loads(shares, wants, line) <= bears_a + NOISE
    for want in wants:
        assert want.connector not in shares or LEAST_A - NOISE <= shares[want.connector] <= want.most_a + NOISE


@given(wants_of(), rooms)
def test_nobody_could_have_more_unless_somebody_with_no_more_got_less(
    wants: list[Want], room: dict[Line, float]
) -> None:
    shares = share(wants, room, [want.connector for want in wants])
    for want in wants:
        mine = shares.get(want.connector)
        if mine is None or mine >= want.most_a - NOISE:
            continue
        full = [line for line in want.lines if loads(shares, wants, line) >= room.get(line, inf) - 1e-4]
        assert full, f"{want} could have more"
        fair = [
            line
            for line in full
            if all(shares[o.connector] <= max(mine, LEAST_A) + 1e-4
                   for o in wants if o.connector in shares and line in o.lines)
        ]  # fmt: skip
        assert fair, f"{want} has less than another on every line that is full"


@given(wants_of(), rooms)
def test_whoever_is_first_in_turn_is_charged_if_anybody_could_be(wants: list[Want], room: dict[Line, float]) -> None:
    able = [w for w in wants if w.most_a >= LEAST_A and all(room.get(line, inf) >= LEAST_A for line in w.lines)]
    for first in able:
        order = [first.connector, *(w.connector for w in wants if w is not first)]
        assert first.connector in share(wants, room, order)


def test_a_phase_that_is_full_leaves_the_rest_of_the_others() -> None:
    """Two cars on L1 alone and one on L2: the third has all of its own."""
    one = [
        Want(ConnectorId(n), frozenset({("the station", phase)}), LEAST_A, 32) for n, phase in ((1, 0), (2, 0), (3, 1))
    ]
    assert fill(one, {("the station", 0): 20, ("the station", 1): 25}) == {1: 10, 2: 10, 3: 25}


class Cars:
    """What cars may draw: whatever was told in the last five seconds. It knows no book-keeping."""

    FOLLOWS_S = 5

    def __init__(self, count: int) -> None:
        self.told: dict[ConnectorId, list[float]] = {ConnectorId(n): [0.0] for n in range(1, count + 1)}

    def tell(self, connector: ConnectorId, current_a: float) -> None:
        self.told[connector] = [*self.told[connector], current_a][-1 - self.FOLLOWS_S :]

    def may_draw(self, connector: ConnectorId) -> float:
        return max(self.told[connector])


def drive(chance: random.Random, seconds: int) -> int:
    """Random set-points, second by second. Returns how many were judged."""
    count, judged = chance.randrange(1, 9), 0
    cars, phases = Cars(count), {n: chance.choice([(0, 1, 2), (0,), (1,), (2,)]) for n in range(1, count + 1)}
    lines = {n: frozenset(("the station", phase) for phase in phases[n]) for n in phases}
    most = dict.fromkeys(phases, 32.0)
    room_a, fell_s = 40.0, -Cars.FOLLOWS_S
    for second in range(seconds):
        if chance.random() < 0.1:
            lower = chance.choice([0.0, 5.9, 6.0, 11.5, 17.3, 40.0, 80.0])
            fell_s, room_a = (second if lower < room_a else fell_s), lower
        if chance.random() < 0.3:
            most[chance.randrange(1, count + 1)] = chance.choice([0.0, 3.0, 6.0, 7.25, 16.0, 32.0])
        room = {("the station", phase): room_a for phase in range(3)}
        wants = [Want(ConnectorId(n), lines[n], LEAST_A, min(most[n], room_a)) for n in phases]
        drawn = {w.connector: Drawn(w.lines, cars.told[w.connector][-1], cars.may_draw(w.connector)) for w in wants}
        order = [w.connector for w in wants]
        chance.shuffle(order)
        found = portions(wants, share(wants, room, order), drawn, room)
        for connector, portion in found.items():
            assert portion.now_a == 0 or LEAST_A <= portion.now_a <= most[connector] + NOISE
            cars.tell(connector, portion.now_a)
            judged += 1
        if second - fell_s > Cars.FOLLOWS_S:
            for phase in range(3):
                flows_a = sum(cars.may_draw(ConnectorId(n)) for n in phases if phase in phases[n])
                assert flows_a <= room_a + NOISE, f"second {second}: {flows_a} A of {room_a} A on L{phase + 1}"
        told_a = [sum(p.now_a for c, p in found.items() if phase in phases[c]) for phase in range(3)]
        assert max(told_a) <= room_a + NOISE  # a command that lowers is effective at once
    return judged


@pytest.mark.rule("INV-9")
@pytest.mark.rule("ATK-21")
@pytest.mark.rule("ocpp16.C05")
@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_set_the_sum_of_what_may_flow_on_a_phase_is_never_above_what_it_bears(seed: int) -> None:
    judged, chance = 0, random.Random(seed)
    while judged < 25_000:
        judged += drive(chance, 300)


@pytest.mark.nightly
@pytest.mark.rule("ATK-21")
def test_a_million_set_points_never_put_more_on_a_phase_than_it_bears() -> None:
    judged, chance = 0, random.Random(20_26)
    while judged < 1_000_000:
        judged += drive(chance, 300)


@settings(max_examples=50)
@given(st.floats(6, 80), st.floats(6, 80))
def test_shares_are_whole_steps_rounded_down(first: float, second: float) -> None:
    lines = frozenset({("the station", 0)})
    wants = [Want(ConnectorId(1), lines, LEAST_A, first), Want(ConnectorId(2), lines, LEAST_A, second)]
    room = {("the station", 0): 20.03}
    found = portions(
        wants,
        share(wants, room, [w.connector for w in wants]),
        {w.connector: Drawn(lines, 0.0, 0.0) for w in wants},
        room,
    )
    for want in wants:
        share_a = found[want.connector].share_a
        assert share_a == want.most_a or abs(share_a / STEP_A - round(share_a / STEP_A)) < NOISE
