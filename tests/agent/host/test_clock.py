"""Who keeps the clock of the machine right."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.host.clock import is_ntp_synchronised, kernel_state

NOBODY = 5


def test_ntp_is_known_by_the_flag_of_timesyncd(tmp_path: Path) -> None:
    flag = tmp_path / "synchronized"
    assert not is_ntp_synchronised(str(flag), lambda: NOBODY)
    flag.touch()
    assert is_ntp_synchronised(str(flag), lambda: NOBODY)


@pytest.mark.rule("two-upstreams.clock")
@pytest.mark.parametrize(("state", "synchronised"), [(0, True), (1, True), (4, True), (NOBODY, False), (-1, False)])
def test_any_other_daemon_is_known_by_what_it_told_the_kernel(tmp_path: Path, state: int, synchronised: bool) -> None:
    assert is_ntp_synchronised(str(tmp_path / "none"), lambda: state) is synchronised


def test_the_kernel_answers() -> None:
    assert kernel_state() in range(-1, 6)
