"""What a meter may say, and what is not believed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hal.plausibility import Plausibility, Sample, energy_step_wh, problem

GOOD = Sample(100.0, 5000.0, 11_000.0, (230.0, 231.0, 229.0), (16.0, 16.0, 16.0), 50.0)


def test_a_good_sample() -> None:
    assert problem(GOOD, None, 100) == ""
    assert problem(replace(GOOD, at_s=101.0, energy_wh=5003.0), GOOD, 100) == ""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"voltages": (0.0, 0.0, 0.0)}, "no voltage"),
        ({"voltages": (230.0, 2300.0, 230.0)}, "voltage 2300 V"),
        ({"voltages": (2141.0, 0.0, 0.0)}, "voltage 2141 V"),
        ({"frequency_hz": 44.0}, "frequency 44.0 Hz"),
        ({"frequency_hz": 700.0}, "frequency 70.0 Hz"),
        ({"currents": (16.0, -121.0, 16.0)}, "current -121 A"),
        ({"power_w": 20_000.0}, "power 20000 W"),
        ({"energy_wh": -1.0}, "energy -1 Wh"),
        ({"energy_wh": 1e134}, "energy 1e+134 Wh"),
    ],
)
def test_what_no_instant_can_be(change: dict[str, Any], reason: str) -> None:
    assert reason in problem(replace(GOOD, **change), None, 100)


@pytest.mark.parametrize(
    "change",
    [
        {"frequency_hz": 500.0},  # some meters count tenths
        {"frequency_hz": None, "power_w": None, "voltages": (), "currents": ()},
        {"voltages": (230.0, 0.0, 0.0), "currents": (48.0, 0.0, 0.0)},  # one phase connected
        {"power_w": 60.0, "currents": (0.0, 0.0, 0.0)},
        {"energy_wh": 4999.0},  # one step back is rounding
    ],
)
def test_what_can_be(change: dict[str, Any]) -> None:
    assert problem(replace(GOOD, **change), GOOD, 100) == ""


def test_energy_neither_runs_back_nor_jumps() -> None:
    assert "ran back by 2 Wh" in problem(replace(GOOD, energy_wh=4998.0), GOOD, 100)
    later = replace(GOOD, at_s=101.0, energy_wh=5030.0)
    assert "jumped by 30 Wh" in problem(later, GOOD, 100)
    assert problem(replace(later, at_s=102.0), GOOD, 100) == ""


@pytest.mark.parametrize(("kwh", "step_wh"), [(1, 1), (8191, 1), (8192, 1), (16384, 1.953125), (65536, 7.8125)])
def test_the_step_of_a_float_that_counts_kwh(kwh: float, step_wh: float) -> None:
    assert energy_step_wh(kwh * 1000) == pytest.approx(step_wh)


def test_three_in_a_row_are_a_fault_and_one_good_ends_it() -> None:
    judge = Plausibility(100)
    bad = replace(GOOD, voltages=(900.0, 900.0, 900.0))
    assert judge.judge(GOOD) == ""
    verdicts = []
    for _ in range(3):
        assert judge.judge(bad)
        verdicts.append(judge.implausible)
    assert verdicts == [False, False, True]
    assert judge.judge(GOOD) == ""
    assert not judge.implausible


def test_a_meter_that_was_exchanged_is_believed_after_three_that_agree() -> None:
    judge = Plausibility(100)
    judge.judge(GOOD)
    exchanged = [replace(GOOD, at_s=101.0 + step, energy_wh=100.0 + step) for step in range(5)]
    assert [bool(judge.judge(one)) for one in exchanged] == [True, True, True, False, False]


def test_one_wild_sample_does_not_become_the_base() -> None:
    judge = Plausibility(100)
    judge.judge(GOOD)
    for at in range(1, 8):
        assert judge.judge(replace(GOOD, at_s=100.0 + at, energy_wh=1e6 * at))
    assert judge.judge(replace(GOOD, at_s=110.0, energy_wh=5010.0)) == ""
