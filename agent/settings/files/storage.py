"""Whole files or none: how settings reach the disk. The only system calls of the settings.

Theory of operation
-------------------
A file is written beside its place, synced, renamed over it, and the folder is synced: after a power cut the place holds
the old file or the new one, never a part. The last line of what we write is a checksum, so that a decayed file is told
from a sound one; a file without that line (written by hand) is taken as it is. Everything is for our own eyes (0600).
"""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

from agent.settings.problems import Problem, SettingsError

LARGEST_FILE = 256 * 1024
REWRITING = threading.RLock()
"""Held from reading a file of several upstreams until it is written again: settings change in threads, and two
farewells may end at once."""
_SEAL = "# sha256 "


def read_file(path: Path, remedy: str) -> str:
    """The text of a file. Raises FileNotFoundError if there is none, SettingsError if it cannot be used."""
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _refusal(path, f"cannot be read ({error.strerror})", remedy) from None
    if len(content) > LARGEST_FILE:
        raise _refusal(path, f"is larger than {LARGEST_FILE} bytes", remedy)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _refusal(path, "is not UTF-8 text", remedy, line) from None
    return _unsealed(path, text, remedy)


def write_file(path: Path, text: str, seal: bool = True) -> None:
    """Replace a file by a new one, wholly or not at all, and make it last. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = (text + _seal_of(text) if seal else text).encode("utf-8")
    beside = path.with_name(f".{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        written = 0
        while written < len(content):
            written += os.write(descriptor, content[written:])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(beside, path)
    sync_folder(path.parent)


def move_file(source: Path, target: Path) -> None:
    """Rename within one folder, and make it last. Raises OSError."""
    os.replace(source, target)
    sync_folder(target.parent)


def remove_file(path: Path) -> None:
    """Remove a file if it is there, and make it last. Raises OSError."""
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a power cut. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _seal_of(text: str) -> str:
    return f"{_SEAL}{hashlib.sha256(text.encode('utf-8')).hexdigest()}\n"


def _unsealed(path: Path, text: str, remedy: str) -> str:
    place = text.rfind(_SEAL)
    if place == -1:
        return text
    if text[place:] != _seal_of(text[:place]):
        raise _refusal(path, "was changed by somebody else or damaged: its checksum is wrong", remedy)
    return text[:place]


def _refusal(path: Path, message: str, remedy: str, line: int = 0) -> SettingsError:
    return SettingsError([Problem("", message, remedy, str(path), line)])
