from __future__ import annotations

from pathlib import Path

import pytest

from agent.runtime.crashes import CrashFile, RunMark, judge


def test_the_third_crash_within_ten_minutes_leads_to_safe_mode() -> None:
    mark = judge(None, "boot", 0.0).mark
    seen = []
    for now in (100.0, 200.0, 300.0, 400.0):
        verdict = judge(mark, "boot", now)
        seen.append(verdict.safe_mode)
        mark = verdict.mark
    assert seen == [False, False, True, True]


def test_crashes_further_apart_do_not() -> None:
    mark = judge(None, "boot", 0.0).mark
    for now in range(0, 10_000, 301):
        verdict = judge(mark, "boot", float(now))
        assert not verdict.safe_mode
        mark = verdict.mark


def test_a_power_cut_is_no_crash_and_forgets_the_earlier_ones() -> None:
    verdict = judge(RunMark("boot1", True, (1.0, 2.0)), "boot2", 3.0)
    assert not verdict.after_crash
    assert verdict.mark.crashes_s == ()


def test_an_orderly_end_is_no_crash() -> None:
    verdict = judge(RunMark("boot", False, (1.0, 2.0)), "boot", 3.0)
    assert not verdict.after_crash
    assert not verdict.safe_mode


def test_a_limit_of_zero_is_never() -> None:
    assert not judge(RunMark("boot", True, tuple(map(float, range(20)))), "boot", 20.0, limit=0).safe_mode


def test_the_file_remembers_over_runs(tmp_path: Path) -> None:
    crashes = CrashFile(str(tmp_path))
    assert not crashes.start("boot", 1.0, 3).after_crash
    assert crashes.start("boot", 2.0, 3).after_crash
    last = crashes.start("boot", 3.0, 3)
    crashes.end(last.mark)
    assert not crashes.start("boot", 4.0, 3).after_crash
    assert CrashFile(str(tmp_path)).start("boot", 5.0, 3).safe_mode


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"boot": 1}', '{"boot":"b","running":true,"crashes_s":[{}]}', "[" * 9999]
)
def test_a_file_that_cannot_be_read_counts_as_a_first_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "crashes.json").write_text(text)
    assert not CrashFile(str(tmp_path)).start("boot", 1.0, 3).after_crash
