"""Phase rotation: which phases of the feed a connector's phases are (OCPP 1.6 9.1.7 "ConnectorPhaseRotation"). Pure."""

from __future__ import annotations

from typing import Final

from agent.vocabulary.ids import ConnectorId

_LETTERS: Final = "RST"
ALL_PHASES: Final = (0, 1, 2)


def rotation_of(connector: ConnectorId, keys: str) -> str:
    """The word of the key for a connector; RST where it says nothing."""
    for item in keys.split(","):
        number, _, word = item.strip().partition(".")
        if number == str(connector):
            return word
    return "RST"


def feed_phases(word: str, phases: int) -> tuple[tuple[int, ...], ...]:
    """For each phase of a connector, in order, the phases of the feed that it may be.

    Three phases in any order load all of the feed. One phase whose place is not known may load any.
    """
    if word in ("Unknown", "NotApplicable"):
        return (ALL_PHASES,) * phases
    return tuple((_LETTERS.index(letter),) for letter in word[:phases])
