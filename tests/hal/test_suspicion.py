"""What is odd and yet believed: jumps that the power does not explain, registers that stand still under current."""

from __future__ import annotations

import random

import pytest

from hal.plausibility import Sample
from hal.suspicion import JUMP_TOLD_S, LONGEST_S, STILL_S, Suspicion


def at(seconds: float, energy_wh: float, current_a: float = 16.0, power_w: float | None = -1.0) -> Sample:
    power = 3 * 230.0 * current_a if power_w == -1.0 else power_w
    return Sample(seconds, energy_wh, power, (230.0,) * 3, (current_a,) * 3, 50.0)


def judged(samples: list[Sample], resolution_wh: float = 0.0) -> list[str]:
    suspicion = Suspicion(resolution_wh)
    return [suspicion.judge(one) for one in samples]


def charging(steps: range, step_wh: float, current_a: float = 16.0) -> list[Sample]:
    """A meter that shows whole steps of its counter."""
    flowed = 3 * 230.0 * current_a / 3600
    return [at(second, 5000 + flowed * second // step_wh * step_wh, current_a) for second in steps]


@pytest.mark.rule("ocpp16.X40")
@pytest.mark.parametrize("step_wh", [0.001, 1.0, 10.0, 100.0])
@pytest.mark.parametrize("current_a", [0.0, 2.0, 6.0, 16.0, 32.0])
def test_a_meter_that_counts_is_never_suspected(step_wh: float, current_a: float) -> None:
    assert set(judged(charging(range(4000), step_wh, current_a), step_wh)) == {""}


def test_a_car_that_comes_and_goes_is_no_jump() -> None:
    chance, energy, samples = random.Random(1), 5000.0, list[Sample]()
    for second in range(2000):
        current = chance.choice((0.0, 0.0, 6.0, 32.0))
        energy += 3 * 230 * 32 / 3600 * chance.random()
        samples.append(at(second, energy, current))
    assert set(judged(samples)) == {""}


@pytest.mark.parametrize("jump_wh", [200, 999])
@pytest.mark.parametrize("current_a", [0.0, 16.0])
def test_a_jump_is_told_for_a_while(jump_wh: int, current_a: float) -> None:
    before = [at(second, 5000, current_a) for second in range(3)]
    after = [at(3 + second, 5000 + jump_wh + second * 0.1, current_a) for second in range(int(JUMP_TOLD_S) + 10)]
    found = judged(before + after)
    assert set(found[:3]) == {""}
    assert found[3] == f"register jumped by {jump_wh} Wh"
    assert {found[index] for index in range(3, 3 + int(JUMP_TOLD_S))} == {found[3]}
    assert found[-1] == ""


def test_after_a_silence_nobody_knows() -> None:
    assert judged([at(0, 5000, 0), at(LONGEST_S + 1, 5900, 0)]) == ["", ""]


@pytest.mark.rule("ocpp16.X40")
def test_a_register_that_stands_still_under_current_is_told_until_it_moves() -> None:
    found = judged([*(at(second, 5000) for second in range(400)), at(400, 5001)])
    first = next(index for index, odd in enumerate(found) if odd)
    assert STILL_S <= first <= STILL_S + 2
    assert found[first] == "register stands still at 5000 Wh"
    assert found[-2] == found[first]
    assert found[-1] == ""


@pytest.mark.parametrize(("current_a", "power_w"), [(0.0, 0.0), (16.0, -11_000.0), (0.1, None)])
def test_where_nothing_flows_in_a_register_may_stand_still(current_a: float, power_w: float | None) -> None:
    assert set(judged([at(second, 5000, current_a, power_w) for second in range(1000)])) == {""}


def test_a_coarse_counter_has_time_for_three_of_its_steps() -> None:
    found = judged([at(second, 5000) for second in range(2000)], resolution_wh=1000.0)
    first = next(index for index, odd in enumerate(found) if odd)
    assert first / 3600 * 3 * 230 * 16 >= 3000
