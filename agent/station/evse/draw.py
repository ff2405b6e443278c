"""Draw: what the car of a connector may draw at this instant, and on which phases, whatever it was told last.

Theory of operation
-------------------
A car has five seconds to follow a lower duty (IEC 61851-1 A.6), and a second goes by until the board has it: so long
what was offered before still counts, and longer if the meter still shows more. What was withdrawn counts until
the connector is seen quiet. Before a board was heard at all, its contacts may be closed: all that the hardware bears
counts, unless the meter shows nothing. So the sum over a feed is true of every instant, and not only after it.

A car may draw on every phase of its connector until it was seen to charge on fewer for a minute without a pause: one
that begins on one phase may take the others a little later. A current on another phase ends that at once. It begins
anew with each car.
"""

from __future__ import annotations

from typing import Final

from agent.station.evse.connector import Connector
from agent.station.evse.energy import NO_LOAD_A
from agent.station.evse.over_current import AFTER_REDUCTION_MS
from agent.station.turn import Turn
from hal.api import Measurand, Phase

OBSERVED_MS: Final = 60_000
_PHASES: Final = (Phase.L1, Phase.L2, Phase.L3)


class Draw:
    """One connector; to be looked at in every turn, before and after its offer changes."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._most_a = connector.options.capabilities.maximum_current_a
        """What may flow now."""
        self._told_a: float | None = None
        self._told_ms = 0
        """When less was told than may flow."""
        self._used: frozenset[int] = frozenset()
        """Phases, from 0, on which a current was seen since the cable was plugged."""
        self._used_ms: int | None = None
        """Since when the car charges on these and no others, without a pause; None: it does not charge."""
        self._known = False
        """It was seen to use these and no others."""

    @property
    def told_a(self) -> float:
        """What was offered last; 0: nothing is."""
        return self._told_a or 0.0

    @property
    def current_a(self) -> float:
        """The most that may flow on any phase now."""
        return self._most_a

    def look(self, turn: Turn) -> None:
        """See what was told, and what the meter says."""
        connector = self._connector
        told_a = connector.energy.offered_a or 0.0
        if told_a >= self._most_a:
            self._most_a = told_a
        elif self._told_a is None or told_a < self._told_a:
            self._told_ms = turn.now_ms
        self._told_a = told_a
        if told_a < self._most_a and self._followed(told_a, turn):
            self._most_a = told_a
        elif not self._most_a and connector.facts.contactor_closed:
            self._most_a = connector.options.capabilities.maximum_current_a  # closed by itself
        self._observe(turn)

    @property
    def phases(self) -> tuple[int, ...]:
        """The phases of the connector, from 0, that the car may draw on."""
        every = range(self._connector.options.phases)
        return tuple(each for each in every if each in self._used or not self._known)

    def _followed(self, told_a: float, turn: Turn) -> bool:
        connector = self._connector
        current_a = connector.meter.current_a(turn)
        if told_a:
            in_time = turn.reached(self._told_ms + AFTER_REDUCTION_MS)
            return in_time and (current_a is None or current_a <= told_a * 1.1 + 0.5)
        if connector.welded():
            return False
        unheard = connector.facts.contactor_closed is None and connector.facts.has_feedback
        return connector.energy.quiet(turn) or (unheard and current_a is not None and current_a < NO_LOAD_A)

    def _observe(self, turn: Turn) -> None:
        if not self._connector.facts.plugged:
            self._used, self._used_ms, self._known = frozenset(), None, False
        latest = self._connector.meter.latest
        if not self._connector.facts.plugged or latest is None or latest.at.monotonic_ms != turn.now_ms:
            return
        by_phase = {m.phase: abs(m.value) for m in latest.values if m.measurand is Measurand.CURRENT_IMPORT}
        if any(phase not in by_phase for phase in _PHASES[: self._connector.options.phases]):
            return  # a phase that is not measured may carry anything
        seen = frozenset(i for i, phase in enumerate(_PHASES) if by_phase.get(phase, 0.0) >= NO_LOAD_A)
        if seen - self._used:
            self._used, self._used_ms, self._known = self._used | seen, turn.now_ms, False
        elif not seen:
            self._used_ms = None
        elif self._used_ms is None:
            self._used_ms = turn.now_ms
        elif turn.now_ms >= self._used_ms + OBSERVED_MS:
            self._known = True
