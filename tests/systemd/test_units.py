from __future__ import annotations

import argparse
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from agent.settings.locations import Locations, add_options, from_options

UNITS = Path(__file__).parents[2] / "systemd"
SPECIFIERS = {"%E": "/etc", "%S": "/var/lib", "%t": "/run", "%b": "0123456789abcdef0123456789abcdef"}


def unit(name: str) -> dict[str, list[str]]:
    """All settings of a unit file, each with its values in order (a key may stand there more than once)."""
    held: dict[str, list[str]] = defaultdict(list)
    for line in (UNITS / name).read_text().splitlines():
        if line and not line.startswith(("#", "[")):
            key, _, value = line.partition("=")
            held[key].append(value)
    return held


def expanded(text: str) -> list[str]:
    for specifier, value in SPECIFIERS.items():
        text = text.replace(specifier, value)
    assert "%" not in text
    return text.split()


def test_the_agent_is_watched_and_switched_off_after_every_end() -> None:
    service = unit("stationd.service")
    assert service["Type"] == ["notify"]
    assert service["NotifyAccess"] == ["main"]
    assert service["WatchdogSec"] == ["10"]
    assert expanded(service["ExecStopPost"][0]) == ["/usr/bin/python3", "-m", "hal.safe_off", Locations().run]
    assert service["Restart"] == ["always"]
    assert service["StartLimitIntervalSec"] == ["0"]
    assert service["RuntimeDirectoryPreserve"] == ["restart"]


def test_the_options_of_the_unit_are_those_of_the_agent_and_name_the_default_places() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser)
    options = parser.parse_args(expanded(unit("stationd.service")["ExecStart"][0])[1:])
    assert from_options(options) == Locations()
    assert options.boot_id == SPECIFIERS["%b"]


def test_serial_lines_stay_visible_and_everything_else_is_closed() -> None:
    service = unit("stationd.service")
    assert "PrivateDevices" not in service
    assert "DynamicUser" not in service
    assert service["DevicePolicy"] == ["closed"]
    assert "char-ttyS rw" in service["DeviceAllow"]
    assert service["CapabilityBoundingSet"] == [""]
    assert service["NoNewPrivileges"] == ["yes"]
    assert service["ProtectSystem"] == ["strict"]
    assert service["RestrictAddressFamilies"] == ["AF_UNIX AF_INET AF_INET6"]


def test_the_station_does_not_wait_for_a_network_or_for_the_time() -> None:
    text = (UNITS / "stationd.service").read_text()
    started_after = " ".join(unit("stationd.service")["After"] + unit("stationd.service")["Wants"])
    assert "network-online" not in started_after
    assert "time-sync" not in started_after
    assert "Requires=" not in text


def test_the_reboot_request_is_the_file_that_the_agent_creates() -> None:
    assert unit("stationd-reboot.path")["PathExists"] == [Locations().reboot_request]
    starts = unit("stationd-reboot.service")["ExecStart"]
    assert starts == [f"/bin/rm -f {Locations().reboot_request}", "/bin/systemctl --no-block reboot"]


def test_the_user_has_a_fixed_number_and_the_group_of_the_serial_lines() -> None:
    lines = [line.split() for line in (UNITS / "stationd.sysusers").read_text().splitlines() if line[:1] in "um"]
    assert lines[0][:3] == ["u", "stationd", "941"]
    assert lines[1] == ["m", "stationd", "dialout"]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A root folder with the units and empty stand-ins for what they start."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed here")
    units = tmp_path / "usr/lib/systemd/system"
    units.mkdir(parents=True)
    for path in UNITS.iterdir():
        if path.suffix in (".service", ".path"):
            shutil.copy(path, units)
    for program in ("usr/bin/stationd", "usr/bin/python3", "bin/rm", "bin/systemctl"):
        place = tmp_path / program
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch(mode=0o755)
    for target in ("multi-user", "basic", "network", "sysinit", "shutdown", "paths"):
        (units / f"{target}.target").write_text(f"[Unit]\nDescription={target}\nDefaultDependencies=no\n")
    for target in ("system.slice", "-.slice"):
        (units / target).write_text("[Unit]\nDescription=slice\n")
    return tmp_path


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={"PATH": "/usr/bin"},
    )


@pytest.mark.rung3
@pytest.mark.parametrize("name", ["stationd.service", "stationd-reboot.path", "stationd-reboot.service"])
def test_systemd_understands_every_line(image: Path, name: str) -> None:
    found = analyze("verify", "--man=no", f"--root={image}", name)
    complaints = [line for line in found.stderr.splitlines() if name.split(".")[0] in line]
    assert complaints == []


@pytest.mark.rung3
def test_the_exposure_of_the_agent_stays_below_two(image: Path) -> None:
    found = analyze("security", "--offline=true", f"--root={image}", "--threshold=20", "stationd.service")
    assert found.returncode == 0, found.stdout[-300:]
