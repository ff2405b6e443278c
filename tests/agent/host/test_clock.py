from __future__ import annotations

from pathlib import Path

from agent.host.clock import RELEASED_MS, earliest_wall_ms, is_ntp_synchronised


def test_no_time_before_the_release_or_the_last_one_seen_is_believed() -> None:
    assert earliest_wall_ms(None) == RELEASED_MS
    assert earliest_wall_ms(5) == RELEASED_MS
    assert earliest_wall_ms(RELEASED_MS + 5) == RELEASED_MS + 5


def test_ntp_is_known_by_its_flag(tmp_path: Path) -> None:
    assert not is_ntp_synchronised(str(tmp_path / "synchronized"))
    (tmp_path / "synchronized").touch()
    assert is_ntp_synchronised(str(tmp_path / "synchronized"))
