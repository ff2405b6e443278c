"""A cut leaves what was synced, a torn disk a part of what came later, a death everything."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.rig.crash_store import SECTOR, CrashStore
from tests.rig.fuse import PowerCut

OLD, NEW = b"o" * 8 * SECTOR, b"n" * 8 * SECTOR


def written(folder: Path) -> CrashStore:
    """A disk on which `OLD` is synced and `NEW` is written."""
    rig = CrashStore(folder)
    rig.path.write_bytes(OLD)
    rig.synced()
    assert not rig.newly_written()
    rig.path.write_bytes(NEW)
    assert rig.newly_written()
    assert not rig.newly_written()
    return rig


def test_a_cut_restores_the_last_sync(tmp_path: Path) -> None:
    assert written(tmp_path / "state").cut().path.read_bytes() == OLD


def test_a_torn_disk_keeps_some_sectors(tmp_path: Path) -> None:
    content = written(tmp_path / "state").cut(random.Random(1)).path.read_bytes()
    sectors = {content[at : at + SECTOR] for at in range(0, len(content), SECTOR)}
    assert sectors == {OLD[:SECTOR], NEW[:SECTOR]}


def test_a_death_keeps_everything(tmp_path: Path) -> None:
    assert written(tmp_path / "state").kill().path.read_bytes() == NEW


def test_a_cut_within_a_sync_comes_too_early_for_it(tmp_path: Path) -> None:
    def cut() -> None:
        after.append(rig.cut())
        raise PowerCut

    after: list[CrashStore] = []
    rig = written(tmp_path / "state")
    rig._before_sync = cut
    with pytest.raises(PowerCut):
        rig.synced()
    assert (after[0].path.read_bytes(), rig.syncs) == (OLD, 1)
