from __future__ import annotations

import pytest

from agent.station.power.limits import Contribution, Limit, effective


def test_the_smallest_wins_and_says_why() -> None:
    found = effective([Contribution(32, "hardware"), Contribution(13, "cable rating")], 6)
    assert found == Limit(13, "cable rating")


def test_below_the_minimum_nothing_is_offered() -> None:
    assert effective([Contribution(32, "hardware"), Contribution(5.9, "profile")], 6) == Limit(None, "profile")
    assert effective([Contribution(6, "profile")], 6) == Limit(6, "profile")


def test_without_a_limit_there_is_no_answer() -> None:
    with pytest.raises(ValueError, match="contributions"):
        effective([], 6)
