from __future__ import annotations

from pathlib import Path

from agent.host.clock import is_ntp_synchronised


def test_ntp_is_known_by_its_flag(tmp_path: Path) -> None:
    assert not is_ntp_synchronised(str(tmp_path / "synchronized"))
    (tmp_path / "synchronized").touch()
    assert is_ntp_synchronised(str(tmp_path / "synchronized"))
