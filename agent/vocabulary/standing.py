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
    successions: tuple[tuple[UpstreamId, UpstreamId], ...] = ()
    """Old and new id of who was removed and set again: what the old one is owed is the new one's."""


@dataclass(frozen=True, slots=True)
class Owed:
    """What an upstream was not sent yet."""

    upstream: UpstreamId
    waiting: int
    """Messages in its queue."""
    given_up: int
    """Messages that were given up, and are kept."""
