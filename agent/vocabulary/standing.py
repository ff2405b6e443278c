"""Who is connected and who authorises, as the store needs to know it."""

from __future__ import annotations

from dataclasses import dataclass

from agent.vocabulary.ids import UpstreamId


@dataclass(frozen=True, slots=True)
class Standing:
    """The upstreams of this boot."""

    configured: frozenset[UpstreamId]
    billing: UpstreamId
    """The one that authorises."""


@dataclass(frozen=True, slots=True)
class Owed:
    """What an upstream was not sent yet."""

    upstream: UpstreamId
    waiting: int
    """Messages in its queue."""
    given_up: int
    """Messages that were given up, and are kept."""
