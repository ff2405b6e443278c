"""Waits between dials."""

from __future__ import annotations

import random

import pytest

from agent.links.backoff import FIRST_S, LONGEST_S, Backoff


@pytest.mark.rule("ocpp16.J13")
def test_the_first_wait_is_0_to_5_s_and_then_they_double_to_5_min() -> None:
    most = Backoff(lambda: 1.0)
    assert [most.next_s() for _ in range(9)] == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    least = Backoff(lambda: 0.0)
    assert [least.next_s() for _ in range(8)] == [0, 5, 10, 20, 40, 80, 150, 150]


def test_an_answered_call_sets_it_back() -> None:
    waits = Backoff(lambda: 1.0)
    for _ in range(5):
        waits.next_s()
    waits.reset()
    assert waits.next_s() == FIRST_S


def test_stations_do_not_return_as_one() -> None:
    waits = [Backoff(random.Random(seed).random) for seed in range(200)]
    firsts = sorted(wait.next_s() for wait in waits)
    assert firsts[0] < 0.5
    assert firsts[-1] > 4.5
    for wait in waits:
        for _ in range(10_000):
            assert 0 <= wait.next_s() <= LONGEST_S
        break
