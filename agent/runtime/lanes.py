"""Which input is handled next: the hardware and the station itself first, then the upstreams in turn. Pure.

Theory of operation
-------------------
What an upstream causes waits in the lane of that upstream; everything else is in the first lane, which is always empty
before an upstream has its turn. In one turn of the event loop at most `INPUTS_IN_A_TURN` inputs of each upstream are
handled: whatever one of them sends, the others and the hardware are looked at between two turns. A lane is bounded by
its upstream not being read while it is `crowded`, so that what is too much waits in the peer's own socket.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Final

from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import CredentialsInForce, HoldCleared, Input, ReofferRequested

INPUTS_IN_A_TURN: Final = 4
"""Of one upstream. A frame makes one or two."""
CROWDED: Final = 8
"""So many inputs that wait are enough."""
LOCAL: Final = ReofferRequested | CredentialsInForce | HoldCleared
"""These name an upstream and are the doing of the station's own people and parts."""


def lane_of(given: Input) -> UpstreamId | None:
    """The upstream that caused an input; None: the first lane."""
    return None if isinstance(given, LOCAL) else getattr(given, "upstream", None)


class Lanes:
    """Inputs that wait. Used by the engine only."""

    def __init__(self) -> None:
        self._first: deque[Input] = deque()
        self._upstreams: dict[UpstreamId, deque[Input]] = {}
        """Those that have something waiting, in the order of their turns."""
        self._taken: Counter[UpstreamId] = Counter()

    def put(self, given: Input) -> None:
        """An input came."""
        upstream = lane_of(given)
        lane = self._first if upstream is None else self._upstreams.setdefault(upstream, deque())
        lane.append(given)

    def take(self) -> Input | None:
        """What to handle now; None: nothing more in this turn of the loop."""
        if self._first:
            return self._first.popleft()
        for upstream, lane in self._upstreams.items():
            if self._taken[upstream] < INPUTS_IN_A_TURN:
                self._taken[upstream] += 1
                del self._upstreams[upstream]
                if len(lane) > 1:
                    self._upstreams[upstream] = lane  # behind the others
                return lane.popleft()
        return None

    def crowded(self, upstream: UpstreamId) -> bool:
        """Enough of this upstream waits."""
        return len(self._upstreams.get(upstream, ())) >= CROWDED

    @property
    def turn_counts(self) -> bool:
        """Inputs of upstreams were handled in this turn: the next one has to begin."""
        return bool(self._taken)

    def new_turn(self) -> None:
        """The event loop has looked at everything else."""
        self._taken.clear()
