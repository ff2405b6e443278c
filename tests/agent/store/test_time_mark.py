"""The latest mark is read back, whatever a torn write leaves of the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.store.errors import StoreError
from agent.store.time_mark import TimeMark


def latest(path: Path) -> int | None:
    mark = TimeMark(path)
    found = mark.open()
    mark.close()
    return found


def test_the_latest_of_many_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    mark = TimeMark(path)
    assert mark.open() is None
    size = path.stat().st_size
    for wall_ms in range(1_000, 8_000, 1_000):
        mark.write(wall_ms)
        assert latest(path) == wall_ms
    mark.close()
    assert path.stat().st_size == size, "written in place"


def test_a_torn_mark_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    mark = TimeMark(path)
    mark.open()
    mark.write(1_000)
    before = path.read_bytes()
    mark.write(2_000)
    after = path.read_bytes()
    mark.close()
    changed = [at for at in range(len(after)) if after[at] != before[at]]
    for cut in range(changed[0], changed[-1] + 1):
        path.write_bytes(after[:cut] + before[cut:])
        assert latest(path) == 1_000
    path.write_bytes(after)
    assert latest(path) == 2_000


def test_noise_is_no_mark(tmp_path: Path) -> None:
    (tmp_path / "mark").write_bytes(b"\xa5" * 8192)
    assert latest(tmp_path / "mark") is None


def test_a_mark_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="mark"):
        TimeMark(tmp_path / "nowhere" / "mark").open()
