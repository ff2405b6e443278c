"""What bears how much before the connectors do: feeds, and the main fuse of the house."""

from __future__ import annotations

from dataclasses import dataclass

from agent.vocabulary.ids import ConnectorId


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """Connectors behind one supply line that bears less than all of them together."""

    name: str
    connectors: tuple[ConnectorId, ...]
    maximum_a: float
    """On each phase."""


@dataclass(frozen=True, slots=True)
class GridOptions:
    """The main fuse of the house, where a meter watches it."""

    fuse_a: float
    """On each phase."""
    safe_a: float
    """What the station may take on each phase while the meter says nothing."""
