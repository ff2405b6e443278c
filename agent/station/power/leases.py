"""Leases: an upstream whose limits are only good while it is heard. Pure.

Theory of operation
-------------------
An upstream that set a lease (`stationd.LimitLeaseSeconds`) and has said nothing for longer is silent: its failsafe
(`stationd.FailsafeLimit`) is one more upper bound of the station until it says something again. It only ever adds a
bound, so it can raise nothing. Messages count, pongs do not: a proxy can answer a ping for a backend that is dead.

Silence is counted in this life of the agent: whoever was not heard in it yet counts as silent at once, so that no
restart lifts a failsafe. An upstream that is removed is in no registry, and its lease with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from agent.station.power.limits import Contribution, Source
from agent.station.turn import Turn
from agent.station.upstreams.registry import Upstream
from agent.vocabulary.ids import UpstreamId

HEARD_EVERY_MS: Final = 1000
"""A link tells that its upstream was heard so often at most; silence is never told sooner than it is."""


class Leases:
    """Who was heard when."""

    def __init__(self) -> None:
        self._heard_ms: dict[UpstreamId, int] = {}

    def heard(self, upstream: UpstreamId, turn: Turn) -> None:
        """A message of this upstream came."""
        self._heard_ms[upstream] = turn.now_ms

    def failsafes(self, upstreams: Iterable[Upstream], turn: Turn) -> Iterator[Contribution]:
        """One bound per silent upstream; the station is woken when the next lease runs out."""
        for upstream in upstreams:
            lease_s, failsafe_a = upstream.options.limit_lease_s, upstream.options.failsafe_limit_a
            heard_ms = self._heard_ms.get(upstream.id)
            if not lease_s:
                continue
            if heard_ms is None:
                why = f"failsafe of {upstream.id}, not heard since the start"
            elif turn.reached(heard_ms + 1000 * lease_s + HEARD_EVERY_MS):
                why = f"failsafe of {upstream.id}, silent for longer than {lease_s} s"
            else:
                continue
            yield Contribution(failsafe_a, why, Source.FAILSAFE, upstream.id, heard_ms)
