"""A whole station on virtual time that stays alive over many examples, with a link to shoot at.

Theory of operation
-------------------
Hypothesis calls a plain function for each example. The loop of the station stands still between two of them and goes
on in the next: `LiveStation.send` runs it until the frame is answered, or so long that an answer would have come. A car
is plugged in and no card is ever good, so that any grant of power is a find.
"""

from __future__ import annotations

import asyncio
import gc
import json
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, seed, settings

from tests.rig.ledger import RECEIVED
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import VirtualTimeLoop

T = TypeVar("T")
Test = TypeVar("Test", bound=Callable[..., Any])
ANSWER_S = 25.0
UNANSWERED_S = 0.05
"""Virtual; answers that need no station have come by then."""
LIMIT_S = 10_000_000.0


class LiveStation:
    """Made by `live_station`. Its methods are called from outside the loop."""

    def __init__(self, runner: asyncio.Runner, rig: StationRig) -> None:
        self.rig = rig
        self._runner = runner

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Let the station go on until the coroutine has ended."""
        return self._runner.run(coroutine)

    def send(self, text: str, expected_id: str | None) -> list[list[Any]]:
        """Send a frame to the station as its primary; every answer that came because of it."""
        return self.run(self._sent(text, expected_id))

    def pass_time(self, seconds: float) -> None:
        """Virtual time passes."""
        self.run(asyncio.sleep(seconds))

    def links(self) -> list[int]:
        """How many connections each backend has had; waits for those that are gone."""
        self.run(self._connected())
        return [backend.connections for backend in self.rig.backends]

    def check_alive(self) -> None:
        """Raise AssertionError if the agent, or the task of an upstream, did not live through it."""
        assert self.rig.agent.status is None, self.rig.agent.log[-2000:]
        assert "upstream_bug" not in self.rig.agent.log, self.rig.agent.log[-2000:]

    def check_idle(self) -> None:
        """Raise AssertionError if power was ever offered, or if the other backend is not served as ever."""
        self.rig.plant.sync()
        assert [e.kind for e in self.rig.plant.history.of(1, "contactor") if e.value is True] == []
        assert [e.value for e in self.rig.plant.history.of(1, "offered_a") if e.value] == []
        assert self.rig.primary.ledger.starts() == self.rig.management.ledger.starts() == []
        self.check_other()

    def check_other(self) -> None:
        """Raise AssertionError if the other backend gets no answer."""
        known, unknown = self.run(self.rig.management.get_configuration("HeartbeatInterval"))
        assert (list(known), unknown) == (["HeartbeatInterval"], [])

    def tasks(self) -> int:
        """How many tasks there are while nothing happens."""

        async def count() -> int:
            return len(asyncio.all_tasks())

        return self.run(count())

    def objects(self) -> Counter[str]:
        """How many objects of ours there are, by type."""
        gc.collect()
        kinds = (type(thing) for thing in gc.get_objects())
        return Counter(kind.__qualname__ for kind in kinds if kind.__module__.startswith("agent."))

    async def _connected(self) -> None:
        backends = self.rig.backends
        await self.rig.until(lambda: all(b.connected.is_set() for b in backends), within_s=600, what="both connected")

    async def _sent(self, text: str, expected_id: str | None) -> list[list[Any]]:
        ledger = self.rig.primary.ledger
        ledger.frames.clear()
        await self.rig.primary.send_text(text)
        if expected_id is not None:
            await self.rig.until(lambda: ledger.answers(expected_id, RECEIVED), within_s=ANSWER_S, what="an answer")
        await asyncio.sleep(UNANSWERED_S)
        return [json.loads(f.text) for f in ledger.frames if f.direction == RECEIVED and not f.is_call]


def examples(count: int, chance: int) -> Callable[[Test], Test]:
    """Decorator of a `given` test on a live station: so many examples from this seed, whatever they take."""
    chosen = settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    return lambda test: seed(chance)(chosen(test))


@contextmanager
def live_station(folder: Path, real_limit_s: float, cards: str = "Invalid") -> Iterator[LiveStation]:
    """A station that both backends know, with a car; `cards` is the verdict on every card."""
    rig = StationRig(folder, RigOptions(), direct=True)
    for backend in rig.backends:
        backend.script.default = cards

    async def begin() -> None:
        await rig.__aenter__()
        await rig.ready()
        rig.plug()
        await rig.until_status("Preparing")

    loop = lambda: VirtualTimeLoop(limit_s=LIMIT_S, real_limit_s=real_limit_s)  # noqa: E731
    with asyncio.Runner(loop_factory=loop) as runner:
        try:
            runner.run(begin())
            yield LiveStation(runner, rig)
        finally:
            runner.run(rig.__aexit__(None, None, None))
