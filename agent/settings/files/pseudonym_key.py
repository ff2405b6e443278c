"""The secret behind the pseudonyms of cards: made once on this station, and never told to anybody."""

from __future__ import annotations

import secrets
from pathlib import Path

from agent.settings.files.storage import read_file, write_file
from agent.settings.locations import Locations
from agent.settings.problems import Problem, SettingsError
from agent.vocabulary.ids import Secret

_BYTES = 32
_REMEDY = "remove it: a new one is made"


def pseudonym_key(locations: Locations, problems: list[Problem]) -> Secret | None:
    """The secret; None if the disk neither has it nor takes it, and then cards are not told by pseudonyms at all."""
    path = Path(locations.state) / "pseudonym.key"
    try:
        return _whole(read_file(path, _REMEDY).strip(), path)
    except FileNotFoundError:
        made = secrets.token_hex(_BYTES)
    except SettingsError as error:
        problems += error.problems
        return None
    try:
        write_file(path, made + "\n")
    except OSError as error:
        message = f"the secret for pseudonyms could not be kept ({error.strerror})"
        problems.append(
            Problem("", message, "see the disk; until then further operators get one name for all", str(path))
        )
        return None
    return Secret(made)


def _whole(text: str, path: Path) -> Secret:
    """With a shorter one whoever knows that could try all cards. Raises SettingsError."""
    if len(text) != 2 * _BYTES:
        raise SettingsError([Problem("", "is not the secret for pseudonyms any more", _REMEDY, str(path))])
    return Secret(text)
