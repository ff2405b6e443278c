"""Cars at all connectors of a `Driver`, which do what they are told, and a witness of what may flow on each phase.

The witness knows only effects and time: what a connector was told, and that a car may take five seconds to follow
(IEC 61851-1 A.6), or until its contactor is open.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from agent.vocabulary import effects as fx
from agent.vocabulary.effects import Effect
from agent.vocabulary.options import ConnectorOptions
from hal.api import Measurand, Measured, MeterSeen, Phase
from tests.agent.station.driver import Driver

FOLLOWS_MS = 5000
PHASES = (Phase.L1, Phase.L2, Phase.L3)


class Fleet(Driver):
    """`phases_used`: on which phases of its connector each car draws; all of them by default."""

    def __init__(self, connectors: Sequence[ConnectorOptions], **more: Any) -> None:
        self.phases_used = {c.id: tuple(range(c.phases)) for c in connectors}
        self.told: dict[int, list[tuple[int, float]]] = {c.id: [(0, 0.0)] for c in connectors}
        """When each was told what."""
        self.closed = {c.id: False for c in connectors}
        self._todo: list[Effect] = []
        self._reacting = False
        super().__init__(connectors, **more)

    def _take(self, effects: list[Effect]) -> None:
        super()._take(effects)
        self._todo += effects
        if self._reacting:
            return
        self._reacting = True
        while self._todo:
            self._react(self._todo.pop(0))
        self._reacting = False

    def _react(self, effect: Effect) -> None:
        match effect:
            case fx.Offer(number, current_a, _) | fx.Lower(number, current_a, _):
                self.told[number].append((self.ms, current_a))
                if not self.closed[number]:
                    self.closed[number] = True
                    self.pilot("B", True, number)
                    self.pilot("C", True, number)
                    self.contactor(True, number)
                self.current[number] = (
                    min(self.current[number], current_a) if isinstance(effect, fx.Lower) else current_a
                )
            case fx.Withdraw(number, _):
                self.told[number].append((self.ms, 0.0))
                self.current[number] = 0.0
                self.pilot("B", False, number)
            case fx.OpenContactor(number, _):
                self.told[number] = [(self.ms, 0.0)]
                self.closed[number], self.current[number] = False, 0.0
                self.contactor(False, number)

    def meter(self, number: int = 1, request: int = 0) -> list[Effect]:
        """As the driver's, phase by phase."""
        on = [self.current[number] if i in self.phases_used[number] else 0.0 for i in range(3)]
        values = [Measured(Measurand.CURRENT_IMPORT, a, phase) for a, phase in zip(on, PHASES, strict=True)]
        power = Measured(Measurand.POWER_ACTIVE_IMPORT, sum(on) * 230)
        return self.give(MeterSeen(number, self.energy[number], (*values, power), request))

    def begin(self, *numbers: int) -> None:
        """A session at each, one after the other."""
        for number in numbers:
            self.start_session(number, f"04{number:06X}")

    def offered(self) -> dict[int, float | None]:
        """What each is offered now."""
        return {int(c.id): c.offered_a for c in self.station.overview(self.now).connectors}

    def reason(self, number: int) -> str:
        """Why it is no more."""
        return self.station.overview(self.now).connectors[number - 1].limit_reason

    def may_flow(self, number: int) -> float:
        """The most that may flow at a connector now."""
        history = self.told[number]
        late = [a for (_, a), (until_ms, _) in itertools.pairwise(history) if until_ms + FOLLOWS_MS > self.ms]
        return max([*late, history[-1][1]])
