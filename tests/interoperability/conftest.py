"""Folders of cases lie in memory where the system has such a place, as those of the scenarios."""

from __future__ import annotations

from tests.scenarios.conftest import tmp_path

__all__ = ["tmp_path"]
