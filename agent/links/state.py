"""The link of one upstream, as people see it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinkState:
    """The link as people see it."""

    stage: str = "waiting"
    """`dialling`, `connected` or `waiting`."""
    cause: str = ""
    """Why the last link ended or was refused; the first word is from the closed list of `LinkRefused`."""
    since_ms: int = 0
    heard_ms: int | None = None
    """When the last message came, in monotonic milliseconds."""
