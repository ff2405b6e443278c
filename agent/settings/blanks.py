"""Blanks and invisible characters: what is copied from a letter or a page brings them along, and nobody sees them."""

from __future__ import annotations

import unicodedata

from agent.settings.problems import Complaint


def check_blanks(text: str) -> Complaint | None:
    """Refuse a blank or an invisible character anywhere, naming the first one and its position."""
    for position, character in enumerate(text, start=1):
        if character.isspace() or unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp", "Cn", "Co", "Cs"):
            name = unicodedata.name(character, f"character U+{ord(character):04X}").lower()
            return Complaint(f"has a blank or invisible character ({name}) at position {position}", "remove it")
    return None
