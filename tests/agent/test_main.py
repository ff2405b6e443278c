"""The command line of the agent: what it refuses to start with, and with which words and exit status."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.__main__ import main
from agent.runtime.crashes import CrashFile
from agent.runtime.supervision import EXIT_SETTINGS

FACTORY = """
[station]
vendor = "V"
model = "M"
[[bus]]
name = "bus1"
port = "/dev/null"
[[connector]]
id = 1
board = "{board}"
bus = "bus1"
maximum_current_a = 16
[connector.meter]
profile = "{meter}"
bus = "bus1"
[management]
url = "{url}"
identity = "CP1"
"""


def start(folder: Path, factory: str | None, boot: str = "boot1") -> int:
    if factory is not None:
        (folder / "factory.toml").write_text(factory)
    places = [f"--{name}={folder / name}" for name in ("settings", "state", "run")]
    return main([f"--factory={folder / 'factory.toml'}", *places, f"--boot-id={boot}"])


def test_a_missing_factory_file_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert start(tmp_path, None) == EXIT_SETTINGS
    assert str(tmp_path / "factory.toml") in capfd.readouterr().err


def test_a_bad_value_is_named_with_file_line_field_and_remedy(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = FACTORY.format(board="viridian_epc2plus", meter="eastron_sdm630", url="http://example")
    assert start(tmp_path, text) == EXIT_SETTINGS
    line = text.splitlines().index('url = "http://example"') + 1
    told = capfd.readouterr().err
    assert f"factory.toml:{line}: management.url" in told
    assert "ws://" in told


def test_devices_that_cannot_share_a_line_are_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = FACTORY.format(board="viridian_epc2plus", meter="eastron_sdm630", url="ws://127.0.0.1:1")
    assert start(tmp_path, text) == EXIT_SETTINGS
    assert "set baud of the bus" in capfd.readouterr().err


def test_a_boot_id_that_is_none_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert start(tmp_path, None, boot="not a boot id") == EXIT_SETTINGS
    assert "--boot-id" in capfd.readouterr().err


def test_settings_that_cannot_be_used_are_no_crash(tmp_path: Path) -> None:
    for _ in range(5):
        start(tmp_path, FACTORY.format(board="viridian_epc2plus", meter="eastron_sdm630", url="ws://127.0.0.1:1"))
    mark = CrashFile(str(tmp_path / "state")).read()
    assert mark is not None
    assert mark.crashes_s == ()
    assert not mark.running
