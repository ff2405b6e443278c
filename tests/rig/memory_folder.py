"""A folder for a test that lies in memory where the system has such a place, gone after the test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IN_MEMORY = Path("/dev/shm")


@contextmanager
def memory_folder() -> Iterator[Path]:
    """For tests that sync often and whose disk is played."""
    place = IN_MEMORY if os.access(IN_MEMORY, os.W_OK | os.X_OK) else None
    with tempfile.TemporaryDirectory(prefix="stationd-", dir=place) as folder:
        yield Path(folder)
