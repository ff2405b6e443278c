"""What the charging profiles of all upstreams allow a connector now: remembered until something changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from agent.station.power.composite import Bound, Use, bound
from agent.station.power.limits import Contribution, Source
from agent.station.power.profiles import Profiles
from agent.station.power.schedule import NEVER
from agent.station.turn import Turn
from agent.vocabulary.charging import InstalledProfile
from agent.vocabulary.ids import UpstreamId

Judge = Callable[[Sequence[InstalledProfile], Use, int], Bound]


class ProfileLimit:
    """A memory: profiles are judged anew when one was changed, or when the next of their times comes."""

    def __init__(self, profiles: Profiles, judge: Judge = bound) -> None:
        self._profiles = profiles
        self._judge = judge
        self._judged: dict[UpstreamId, Bound] = {}
        self._key: tuple[int, Use] | None = None
        self._from_ms = 0
        self._until_ms = 0

    def contributions(self, use: Use, wall_ms: int, turn: Turn) -> Iterator[Contribution]:
        """One upper bound per upstream that has any; the station is woken when the next of them changes."""
        key = (self._profiles.version, use)
        if key != self._key or not self._from_ms <= wall_ms < self._until_ms:
            self._key, self._from_ms = key, wall_ms
            self._judged = {u: self._judge(self._profiles.of(u), use, wall_ms) for u in self._profiles.upstreams}
            self._until_ms = min((each.until_ms for each in self._judged.values()), default=NEVER)
        if self._until_ms < NEVER:
            turn.reached(turn.now_ms + self._until_ms - wall_ms)
        for upstream, found in self._judged.items():
            if found.current_a is not None:
                why = f"{found.reason} of {upstream}"
                yield Contribution(found.current_a, why, Source.PROFILE, upstream)
