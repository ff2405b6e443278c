"""The bench covers what it promises, and nothing that it finds makes it fail."""

from __future__ import annotations

import pytest

from tests.bench import __main__ as bench
from tests.bench.report import Figure

BUDGETS = {"1", "2", "3", "3b", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "14b", "15"}


def test_every_budget_has_a_step() -> None:
    assert {name for names, _, _ in bench.STEPS for name in names.split(",")} == BUDGETS | {"floor"}


def test_a_missed_budget_is_named_and_a_step_that_breaks_is_not_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(say: object, quick: bool) -> list[Figure]:
        raise OSError("no such device")

    async def misses(say: object, quick: bool) -> list[Figure]:
        return [Figure("2", "something", "<= 1", "2", kept=False)]

    monkeypatch.setattr(bench, "STEPS", (("1", "broken", breaks), ("2", "slow", misses)))
    assert bench.main([]) == 0
    broken, missed = capsys.readouterr().out.splitlines()[1:]
    assert "not measured: OSError: no such device" in broken
    assert "MISSED" in missed


def test_a_budget_that_is_measured_nowhere_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.main(["--only", "99"])
    assert "99 is measured nowhere" in capsys.readouterr().err
