from __future__ import annotations

from pathlib import Path

import pytest

from agent.host.reboot import request_reboot
from agent.settings.locations import Locations


def test_asking_twice_is_asking_once(tmp_path: Path) -> None:
    request = Locations(run=str(tmp_path)).reboot_request
    assert not Path(request).exists()
    request_reboot(request)
    request_reboot(request)
    assert Path(request).exists()


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "reboot-request").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="reboot-request"):
        request_reboot(str(tmp_path / "reboot-request"))
    assert not (tmp_path / "elsewhere").exists()
