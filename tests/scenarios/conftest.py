"""Folders of scenarios lie in memory where the system has such a place: a station syncs often; its disk is played."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

IN_MEMORY = Path("/dev/shm")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """As pytest's own, but in memory and gone after the test."""
    place = IN_MEMORY if os.access(IN_MEMORY, os.W_OK | os.X_OK) else None
    with tempfile.TemporaryDirectory(prefix="stationd-", dir=place) as folder:
        yield Path(folder)
