"""How fast a peer is read: its allowance is used up by what it sends unasked, and fills up steadily."""

from __future__ import annotations

import pytest

from agent.links.allowance import ANSWER_UNITS, CALL_UNITS, MOST_UNITS, SHORTEST_WAIT_S, UNITS_PER_S, Allowance

pytestmark = [pytest.mark.rule("two-upstreams.TU06"), pytest.mark.rule("INV-13")]


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_peer_that_keeps_to_its_allowance_never_waits() -> None:
    clock = Clock()
    allowance = Allowance(clock)
    for _ in range(100_000):
        allowance.spend(1 + CALL_UNITS)
        assert allowance.wait_s() == 0
        clock.now_s += 1 / 40


def test_a_peer_that_used_it_up_waits_until_there_is_some_again() -> None:
    clock = Clock()
    allowance = Allowance(clock)
    calls = 0
    while not allowance.wait_s():
        allowance.spend(1 + CALL_UNITS)
        calls += 1
    assert calls == MOST_UNITS // (1 + CALL_UNITS) + 1
    waited_s = allowance.wait_s()
    assert 0 < waited_s <= max(SHORTEST_WAIT_S, (1 + CALL_UNITS) / UNITS_PER_S)
    clock.now_s += waited_s
    assert allowance.wait_s() == 0


def test_what_was_overdrawn_at_once_is_waited_for_in_full() -> None:
    clock = Clock()
    allowance = Allowance(clock)
    allowance.spend(int(MOST_UNITS) + 5_000)
    assert allowance.wait_s() == pytest.approx(5.0)


def test_answers_that_were_waited_for_are_free_and_nothing_is_saved_beyond_the_most() -> None:
    clock = Clock()
    allowance = Allowance(clock)
    for _ in range(100_000):
        allowance.spend(1)
        allowance.spend(ANSWER_UNITS)
        allowance.spend(ANSWER_UNITS)
        assert allowance.wait_s() == 0
    clock.now_s += 1_000
    allowance.wait_s()
    allowance.spend(int(MOST_UNITS) + 1)
    assert allowance.wait_s() > 0
