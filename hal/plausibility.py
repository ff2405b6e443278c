"""Whether a sample of a meter can be true. Pure.

Rules: a voltage is there, the frequency is one of a grid, no current beyond the meter's rating, power not above the
apparent power, energy that can have been counted, neither running back nor faster than the meter could count. A sample
that breaks one is dropped. After three in a row the meter is told as implausible; when those agree with each other (a
meter was exchanged, or its counter set), the last becomes the new base, so that the fault clears and the jump is the
station's to judge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

IN_A_ROW = 3
LOWEST_VOLT, HIGHEST_VOLT = 80.0, 300.0
CURRENT_MARGIN = 1.2
POWER_MARGIN, POWER_SLACK_W = 1.05, 100.0
MOST_WH = 1e12
"""More than any station has counted in a hundred years, and far less than a database can hold."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the rules look at; a None is not looked at. `at_s` is loop time after the answer."""

    at_s: float
    energy_wh: float
    power_w: float | None
    voltages: tuple[float, ...]
    currents: tuple[float, ...]
    frequency_hz: float | None = None


def energy_step_wh(energy_wh: float) -> float:
    """Resolution of a 32-bit float that counts kWh, at this reading; at least 1 Wh."""
    kwh = max(abs(energy_wh) / 1000, 1.0)
    return max(1.0, float(2.0 ** (math.floor(math.log2(kwh)) - 23)) * 1000)


def problem(sample: Sample, previous: Sample | None, rating_a: float) -> str:
    """Why the sample cannot be true; empty when it can. `rating_a` is the meter's, not that of the installation."""
    return _instant_problem(sample, rating_a) or (_course_problem(sample, previous, rating_a) if previous else "")


def _instant_problem(sample: Sample, rating_a: float) -> str:
    volts = sample.voltages
    if volts and not any(abs(one) >= LOWEST_VOLT for one in volts):
        return "no voltage"
    if any(abs(one) > HIGHEST_VOLT for one in volts):
        return f"voltage {max(volts):.0f} V"
    hertz = sample.frequency_hz
    if hertz is not None:
        hertz = hertz / 10 if hertz > 100 else hertz
        if not 45 <= hertz <= 65:
            return f"frequency {hertz:.1f} Hz"
    if any(abs(one) > CURRENT_MARGIN * rating_a for one in sample.currents):
        return f"current {max(sample.currents, key=abs):.0f} A"
    if not 0 <= sample.energy_wh < MOST_WH:
        return f"energy {sample.energy_wh:.6g} Wh"
    return _power_problem(sample)


def _power_problem(sample: Sample) -> str:
    if sample.power_w is None or not sample.voltages or len(sample.voltages) != len(sample.currents):
        return ""
    apparent_va = sum(abs(volt * ampere) for volt, ampere in zip(sample.voltages, sample.currents, strict=True))
    if abs(sample.power_w) > POWER_MARGIN * apparent_va + POWER_SLACK_W:
        return f"power {sample.power_w:.0f} W at {apparent_va:.0f} VA"
    return ""


def _course_problem(sample: Sample, previous: Sample, rating_a: float) -> str:
    step_wh = energy_step_wh(sample.energy_wh)
    gained_wh = sample.energy_wh - previous.energy_wh
    if gained_wh < -step_wh:
        return f"energy ran back by {-gained_wh:.0f} Wh"
    phases = max(len(sample.voltages), 1)
    most_wh = phases * rating_a * HIGHEST_VOLT * max(sample.at_s - previous.at_s, 0) / 3600
    if gained_wh > 1.05 * most_wh + step_wh:
        return f"energy jumped by {gained_wh:.0f} Wh"
    return ""


class Plausibility:
    """Judges the samples of one meter in turn."""

    def __init__(self, rating_a: float) -> None:
        self._rating_a = rating_a
        self._base: Sample | None = None
        self._suspect: Sample | None = None
        self._bad = 0
        self._agreeing = 0

    @property
    def implausible(self) -> bool:
        """Three or more in a row could not be true."""
        return self._bad >= IN_A_ROW

    def judge(self, sample: Sample) -> str:
        """Why the sample is to be dropped; empty: it is good and is the new base."""
        reason = problem(sample, self._base, self._rating_a)
        if not reason:
            self._base, self._suspect, self._bad, self._agreeing = sample, None, 0, 0
            return ""
        self._bad += 1
        agrees = self._suspect is not None and not problem(sample, self._suspect, self._rating_a)
        self._agreeing = self._agreeing + 1 if agrees else 1
        self._suspect = sample
        if self._agreeing >= IN_A_ROW and not _instant_problem(sample, self._rating_a):
            self._base = sample
        return reason
