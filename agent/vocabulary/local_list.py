"""The local authorization list in words of no particular version (OCPP 1.6 3.5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent.vocabulary.ids import IdToken
from agent.vocabulary.records import Verdict

MAXIMUM_ENTRIES: Final = 10_000
"""Of the whole list."""
MAXIMUM_SENT: Final = 500
"""Of one update; so many fit in the longest frame."""


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One card and what the list says of it; None in a differential update: the card leaves the list."""

    token: IdToken
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class ListUpdate:
    """A whole new list, or changes to the present one."""

    version: int
    full: bool
    entries: tuple[ListEntry, ...]
