"""The migrations of this release, and which files it may open.

Theory of operation
-------------------
`user_version` of a file is the number of its last migration. Migrations are additive within two releases: a file of a
newer release is opened all the same, its unknown columns and tables are left alone, unless its `min_reader` says that
an older release would misread it.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from agent.store.errors import DamagedStore, NewerStore

READER_VERSION = 1
"""What a file's `min_reader` is compared with."""

Row = tuple[Any, ...]


def migrations() -> list[tuple[int, str]]:
    """Number and text of every migration of this release, in order."""
    folder = resources.files("agent.store") / "migrations"
    scripts = [entry for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return sorted((int(entry.name.split("_")[0]), entry.read_text()) for entry in scripts)


def check_readable(path: Path, min_reader: Row | None) -> None:
    """Raises NewerStore if the file needs a newer reader, DamagedStore if it does not say so in a number."""
    needed = min_reader[0] if min_reader else None
    if not isinstance(needed, int):
        raise DamagedStore(f"{path} does not say which release can read it")
    if needed > READER_VERSION:
        raise NewerStore(
            f"{path} needs a reader of version {needed}, this release has {READER_VERSION}: "
            "install a newer release, or move the file away to start with an empty one"
        )
