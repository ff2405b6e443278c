"""Turns: who is charged where not all can have the minimum. Pure.

A queue. Those who wait come first; whoever has had a turn of a quarter of an hour, or does not use it, goes to its end.
So over time each is charged as long as the others, and nobody is switched more often than cars bear.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from agent.station.turn import Turn
from agent.vocabulary.ids import ConnectorId

TURN_MS: Final = 900_000
UNUSED_MS: Final = 120_000
"""A car that does not ask for so long while others wait has had its turn."""


class Turns:
    """The order in which connectors are admitted."""

    def __init__(self) -> None:
        self._queue: list[ConnectorId] = []
        self._began_ms: int | None = None
        """When the present turn began; None: nobody waits."""

    @property
    def ends_ms(self) -> int | None:
        """When the present turn is over; None: nobody waits."""
        return None if self._began_ms is None else self._began_ms + TURN_MS

    def order(self, wanting: Collection[ConnectorId]) -> list[ConnectorId]:
        """First who waits longest. A newcomer goes to the end."""
        self._queue = [each for each in self._queue if each in wanting]
        self._queue += [each for each in wanting if each not in self._queue]
        return list(self._queue)

    def rotate(self, charged: Collection[ConnectorId], unused: Iterable[ConnectorId], turn: Turn) -> bool:
        """Begin the next turn if the present one is over, or is not used by some; True if the order is another.

        `charged`: who was admitted. To be asked in every turn of the station.
        """
        waiting = [each for each in self._queue if each not in charged]
        if not waiting:
            self._began_ms = None
            return False
        if self._began_ms is None:
            self._began_ms = turn.now_ms
        over = turn.reached(self._began_ms + TURN_MS)
        behind = [each for each in self._queue if each in (charged if over else set(unused))]
        if not behind:
            return False
        before = list(self._queue)
        self._queue = [each for each in self._queue if each not in behind] + behind
        if over:
            self._began_ms = turn.now_ms
            turn.reached(self._began_ms + TURN_MS)
        return self._queue != before
