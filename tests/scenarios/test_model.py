"""Anything may happen in any order: plugs, cards, commands of every upstream, late answers, lost links, kills, cuts.

A failure prints its seed and the acts that led to it; the same seed does the same again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, TypeVar

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.rig.defects import BREAKS
from tests.rig.memory_folder import memory_folder
from tests.rig.model import BLOCKED, CARDS, CONNECTORS, FAULTS, KEYS, MOODS, MOODY, Machine

T = TypeVar("T")

LOOK_EVERY = 10
"""Acts between two judgements on the way."""
WAITS_S = (0.0, 0.1, 0.5, 0.5, 2.0, 2.0, 5.0, 5.0, 15.0, 70.0)
BYTE = st.integers(0, 255)

Act = Callable[[Machine, int, int, int], None]


def one_of(choices: Sequence[T], number: int) -> T:
    """Any number is a choice."""
    return choices[number % len(choices)]


def comes_to_charge(machine: Machine, a: int, b: int, c: int) -> None:
    machine.plug(one_of(CONNECTORS, a))
    machine.card(one_of(CARDS, b))


def goes(machine: Machine, a: int, b: int, c: int) -> None:
    machine.unplug(one_of(CONNECTORS, a))


def ends_and_goes(machine: Machine, a: int, b: int, c: int) -> None:
    machine.card(one_of(CARDS, b))
    machine.pass_time(5)
    machine.unplug(one_of(CONNECTORS, a))


def plugs(machine: Machine, a: int, b: int, c: int) -> None:
    machine.plug(one_of(CONNECTORS, a))


def shows_a_card(machine: Machine, a: int, b: int, c: int) -> None:
    machine.card(one_of((*CARDS, BLOCKED), a))


def pauses(machine: Machine, a: int, b: int, c: int) -> None:
    machine.pause(one_of(CONNECTORS, a), bool(b % 2))


def breaks_or_mends(machine: Machine, a: int, b: int, c: int) -> None:
    machine.fault(one_of(CONNECTORS, a), one_of(FAULTS, b))


def remote_start(machine: Machine, a: int, b: int, c: int) -> None:
    machine.ask(a % 3, lambda backend: backend.remote_start(one_of(CARDS, b), one_of(CONNECTORS, c)))


def remote_stop(machine: Machine, a: int, b: int, c: int) -> None:
    machine.stop_transaction(a % 3, b % 3)


def unlock(machine: Machine, a: int, b: int, c: int) -> None:
    machine.ask(a % 3, lambda backend: backend.unlock(one_of(CONNECTORS, b)))


def availability(machine: Machine, a: int, b: int, c: int) -> None:
    kind = one_of(("Operative", "Operative", "Operative", "Inoperative"), c)
    machine.ask(a % 3, lambda backend: backend.change_availability(one_of((0, *CONNECTORS), b), kind))


def reset(machine: Machine, a: int, b: int, c: int) -> None:
    machine.ask(a % 3, lambda backend: backend.reset(one_of(("Soft", "Hard"), b)))


def key(machine: Machine, a: int, b: int, c: int) -> None:
    name = one_of(sorted(KEYS), b)
    machine.ask(a % 3, lambda backend: backend.change_configuration(name, one_of(KEYS[name], c)))


def limit(machine: Machine, a: int, b: int, c: int) -> None:
    purpose = one_of(("ChargePointMaxProfile", "TxDefaultProfile"), b)
    machine.limit(a % 3, purpose, one_of(CONNECTORS, b // 2), one_of((0, 6, 8, 10, 13, 16, 32), c))


def unlimit(machine: Machine, a: int, b: int, c: int) -> None:
    machine.unlimit(a % 3)


def secret(machine: Machine, a: int, b: int, c: int) -> None:
    machine.whisper(a % 3, 256 * b + c)


def mood(machine: Machine, a: int, b: int, c: int) -> None:
    machine.mood(a % 3, one_of(MOODY, b), one_of(sorted(MOODS), c))


def drop(machine: Machine, a: int, b: int, c: int) -> None:
    machine.drop(a % 3)


def goes_away_or_comes_back(machine: Machine, a: int, b: int, c: int) -> None:
    machine.away(a % 3)


def kill(machine: Machine, a: int, b: int, c: int) -> None:
    machine.kill(system=bool(a % 2))


def slow_disk(machine: Machine, a: int, b: int, c: int) -> None:
    machine.slow_disk(one_of((0.0, 4.5), a))


def cut_power(machine: Machine, a: int, b: int, c: int) -> None:
    machine.cut_power(torn=bool(a % 2))


ACTS: Mapping[Act, int] = {
    plugs: 3, comes_to_charge: 14, goes: 5, ends_and_goes: 8, shows_a_card: 4, pauses: 3, breaks_or_mends: 3,
    remote_start: 5, remote_stop: 5, unlock: 2, availability: 3, reset: 1, key: 4, limit: 6, unlimit: 2, secret: 2,
    mood: 6, drop: 3, goes_away_or_comes_back: 3, kill: 1, cut_power: 1,
    slow_disk: 4,
}  # fmt: skip
"""What happens, and how often beside the others."""
NAMES = [act.__name__ for act, weight in ACTS.items() for _ in range(weight)]
BY_NAME = {act.__name__: act for act in ACTS}


class AnythingMayHappen(RuleBasedStateMachine):
    """One life of a station and of everything around it. One rule for all acts, so that none is left out of a life.

    The first life of a run is hypothesis's smallest, the same act again and again without time: nobody lives it.
    """

    defects: Mapping[str, Any] = {}
    lives: Iterator[int]

    def __init__(self) -> None:
        super().__init__()
        self._lived = next(self.lives) > 0
        if not self._lived:
            return
        self._folder = memory_folder()
        self._machine = Machine(self._folder.__enter__(), seed=1, defects=self.defects)
        self._acts = 0

    @rule(name=st.sampled_from(NAMES), a=BYTE, b=BYTE, c=BYTE, wait_s=st.sampled_from(WAITS_S))
    def act(self, name: str, a: int, b: int, c: int, wait_s: float) -> None:
        """Somebody does something, and time passes."""
        if not self._lived:
            return
        BY_NAME[name](self._machine, a, b, c)
        self._machine.pass_time(wait_s)
        self._acts += 1
        if self._acts % LOOK_EVERY == 0:
            self._machine.look()

    def teardown(self) -> None:
        """The end of the life. After a failure nothing more is asked."""
        if not self._lived:
            return
        try:
            if sys.exc_info()[0] is None:
                self._machine.finish()
        finally:
            self._machine.close()
            self._folder.__exit__(None, None, None)


def run(number: int, lives: int, acts: int, defects: Mapping[str, Any] | None = None) -> None:
    """So many lives of so many acts. Raises AssertionError that names the seed."""
    made = type("AnythingMayHappen", (AnythingMayHappen,), {"defects": dict(defects or {}), "lives": count()})
    wanted = settings(
        max_examples=lives + 1,
        stateful_step_count=acts,
        deadline=None,
        database=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    try:
        run_state_machine_as_test(seed(number)(made), settings=wanted, _min_steps=acts)
    except AssertionError as error:
        raise AssertionError(f"seed {number}, {lives} lives of {acts} acts: {error}") from error


QUICK = frozenset({"INV-4", "INV-6", "INV-9"})
"""Their defects show within seconds."""


def promises(test: Callable[..., None]) -> Callable[..., None]:
    """Marks a test as one that carries all nine."""
    for number in range(1, 10):
        test = pytest.mark.rule(f"INV-{number}")(test)
    return test


@promises
@pytest.mark.rule("two-upstreams.TU04")
@pytest.mark.rule("security.ATK-28")
def test_anything_may_happen() -> None:
    run(1, lives=2, acts=40)


@pytest.mark.nightly
@promises
@pytest.mark.parametrize("number", range(2, 8))
def test_two_thousand_acts(number: int) -> None:
    run(number, lives=8, acts=250)


@pytest.mark.parametrize(
    "law", [pytest.param(law, marks=[] if law in QUICK else [pytest.mark.nightly]) for law in BREAKS]
)
def test_a_defect_that_breaks_a_promise_is_found(law: str) -> None:
    with pytest.raises(AssertionError, match=law) as found:
        run(1, lives=8, acts=50 if law in QUICK else 100, defects=BREAKS[law])
    assert "seed 1" in str(found.value)


@pytest.mark.nightly
def test_the_same_seed_does_the_same_again() -> None:
    told = []
    for _ in range(2):
        with pytest.raises(AssertionError) as found:
            run(3, lives=8, acts=100, defects=BREAKS["INV-9"])
        told.append([line for line in str(found.value).splitlines() if "INV-9" in line])
    assert told[0] == told[1]
