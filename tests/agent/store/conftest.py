"""Folders of these tests lie in memory where the system has such a place: a store syncs often; its disk is played."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.memory_folder import memory_folder


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """As pytest's own, but in memory and gone after the test."""
    with memory_folder() as folder:
        yield folder
