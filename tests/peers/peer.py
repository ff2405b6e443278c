"""What a backend that nobody here wrote must be for the story of these tests: a place, a ledger and a way to ask."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol, Self

from tests.rig.ledger import Ledger

IDENTITY = "CP1"
PASSWORD = "correct-horse:battery"


class Peer(Protocol):
    """A backend of somebody else."""

    name: str
    ledger: Ledger
    connected: asyncio.Event
    complaints: list[str]
    """What it found wrong with the station, or with us; a good run has none."""

    async def __aenter__(self) -> Self:
        """Listen."""

    async def __aexit__(self, *_: object) -> None:
        """End."""

    @property
    def url(self) -> str:
        """What the station is configured with."""

    async def ask(self, action: str, **payload: Any) -> dict[str, Any]:
        """Send a request in the spelling of the wire; its answer. Raises AssertionError for a CALLERROR."""
