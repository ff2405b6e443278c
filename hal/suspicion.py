"""What a meter says that can be true and yet is odd: told as a warning, and nothing is dropped. Pure.

A register that gains more than the power it shows explains (its counter was set, its memory is failing), and one that
stands still while current flows for minutes (it does not count any more). Both bill wrongly without breaking a rule of
`plausibility`. The bounds leave room for meters that count in steps of 100 Wh.
"""

from __future__ import annotations

from hal.plausibility import Sample, energy_step_wh

LONGEST_S = 15.0
"""Beyond it nobody knows what flowed between two samples."""
POWER_MARGIN = 1.2
JUMP_SLACK_WH = 120.0
JUMP_TOLD_S = 60.0
STILL_S = 180.0
STILL_WH = 250.0
"""What must have flowed, by the power that the meter shows, before a register that stands still is odd."""
STEPS = 3


class Suspicion:
    """Judges the samples of one meter in turn. `resolution_wh`: least step of its register; 0: that of its float."""

    def __init__(self, resolution_wh: float) -> None:
        self._resolution_wh = resolution_wh
        self._before: Sample | None = None
        self._jump = ""
        self._jumped_at_s = 0.0
        self._still_s = 0.0
        self._still_wh = 0.0

    def judge(self, sample: Sample) -> str:
        """What is odd at present; empty: nothing. For samples that are believed, and no others."""
        before, self._before = self._before, sample
        if before is None:
            return ""
        passed_s = sample.at_s - before.at_s
        self._look_for_jump(before, sample, passed_s)
        self._look_for_standstill(before, sample, min(passed_s, LONGEST_S))
        if self._jump and sample.at_s - self._jumped_at_s < JUMP_TOLD_S:
            return self._jump
        return self._standstill(sample)

    def _look_for_jump(self, before: Sample, sample: Sample, passed_s: float) -> None:
        gained_wh = sample.energy_wh - before.energy_wh
        most_w = POWER_MARGIN * max(_most_w(before), _most_w(sample))
        most_wh = most_w * passed_s / 3600 + 2 * self._step_wh(sample) + JUMP_SLACK_WH
        if gained_wh > most_wh and passed_s <= LONGEST_S:
            self._jump, self._jumped_at_s = f"register jumped by {gained_wh:.0f} Wh", sample.at_s

    def _look_for_standstill(self, before: Sample, sample: Sample, passed_s: float) -> None:
        flowed_w = min(_least_w(before), _least_w(sample))
        if sample.energy_wh != before.energy_wh:
            self._still_s = self._still_wh = 0.0
        elif flowed_w > 0:
            self._still_s += passed_s
            self._still_wh += flowed_w * passed_s / 3600

    def _standstill(self, sample: Sample) -> str:
        odd_wh = max(STILL_WH, STEPS * self._step_wh(sample))
        if self._still_s < STILL_S or self._still_wh < odd_wh:
            return ""
        return f"register stands still at {sample.energy_wh:.0f} Wh"

    def _step_wh(self, sample: Sample) -> float:
        return self._resolution_wh or energy_step_wh(sample.energy_wh)


def _most_w(sample: Sample) -> float:
    return max(abs(sample.power_w or 0.0), _apparent_va(sample))


def _least_w(sample: Sample) -> float:
    """Power into the car; what flows out of it moves no import register."""
    return max(_apparent_va(sample) if sample.power_w is None else sample.power_w, 0.0)


def _apparent_va(sample: Sample) -> float:
    if len(sample.voltages) != len(sample.currents):
        return 0.0
    return sum(abs(volt * ampere) for volt, ampere in zip(sample.voltages, sample.currents, strict=True))
