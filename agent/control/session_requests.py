"""Requests of the control socket about sessions and what upstreams have not got of them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.control.request_fields import Fields

MOST_SESSIONS = 1_000
MOST_MESSAGES = 100
"""So that no answer grows beyond what a client reads, whatever was sampled."""
LATEST_MS = 253_402_300_800_000
"""The end of the year 9999."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions, newest first, and what each upstream has of them; `since_ms` counts in, `until_ms` does not."""

    limit: int = 20
    since_ms: int | None = None
    until_ms: int | None = None
    connector: int | None = None
    before: str = ""
    """Id of the last session seen: what comes behind it."""


@dataclass(frozen=True, slots=True)
class DeleteSessions:
    """Delete sessions that started before, for good; `word` confirms it."""

    before_ms: int
    word: str


@dataclass(frozen=True, slots=True)
class Export:
    """What an upstream has not got, be it removed or not, oldest first."""

    upstream: str
    with_cards: bool = False
    """Cards in full, and what the meter signed."""
    behind: int = 0
    """Place of the last message seen: what comes behind it."""
    limit: int = MOST_MESSAGES


SessionRequest = Sessions | DeleteSessions | Export


def _sessions(held: Fields) -> Sessions:
    return Sessions(
        limit=held.integer("limit", 20, 1, MOST_SESSIONS),
        since_ms=held.optional("since_ms", 0, LATEST_MS),
        until_ms=held.optional("until_ms", 0, LATEST_MS),
        connector=held.optional("connector", 1, 64),
        before=held.text("before", "", longest=64),
    )


def _export(held: Fields) -> Export:
    return Export(
        held.text("upstream"),
        held.boolean("with_cards", False),
        held.integer("behind", 0, 0, 1 << 62),
        held.integer("limit", MOST_MESSAGES, 1, MOST_MESSAGES),
    )


SESSION_COMMANDS: Mapping[str, Callable[[Fields], SessionRequest]] = {
    "sessions": _sessions,
    "delete-sessions": lambda held: DeleteSessions(held.integer("before_ms", None, 0, LATEST_MS), held.text("word")),
    "export": _export,
}
