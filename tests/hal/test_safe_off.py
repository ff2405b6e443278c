"""The switch-off that outlives the agent: its files, and over a real pseudo-terminal with nobody else alive."""

from __future__ import annotations

import ast
import json
import os
import pty
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hal import safe_off
from hal.safe_off import SafeOff
from tests.hal.bench import Bench, EpcUnit, PhoenixUnit
from tests.hal.fake_line import FakeUnit, checksum, framed


def test_imports_nothing_but_the_standard_library() -> None:
    tree = ast.parse(Path(safe_off.__file__ or "").read_text())
    names = [one.names[0].name for one in ast.walk(tree) if isinstance(one, ast.Import)]
    names += [one.module or "" for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)]
    assert names
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_build_leaves_the_frames_of_each_connector(tmp_path: Path) -> None:
    Bench("viridian_epc2plus", safe_off_folder=str(tmp_path))
    entry = safe_off.read(tmp_path / "connector-1.json")
    assert (entry.port, entry.baud, entry.parity, entry.stop_bits) == ("fake:board", 19200, "E", 1)
    assert entry.frames == (framed("65 10 00 05 00 02 04 00 00 00 00").hex(),)
    assert entry.answers == (framed("65 10 00 05 00 02").hex(),)
    assert [one.name for one in tmp_path.iterdir()] == ["connector-1.json"]


def test_a_commanded_contactor_is_opened_before_the_offer_is_withdrawn(tmp_path: Path) -> None:
    Bench("tiny_commanded", safe_off_folder=str(tmp_path))
    entry = safe_off.read(tmp_path / "connector-1.json")
    assert [one[:4] for one in entry.frames] == ["0705", "0710"]


def test_usage_and_nothing_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert safe_off.main([]) == 2
    assert safe_off.main(["--help"]) == 0
    assert safe_off.main([str(tmp_path)]) == 0
    assert safe_off.main([str(tmp_path / "missing")]) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_a_bad_file_and_a_missing_port_are_told_and_the_rest_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "connector-1.json").write_text("{}")
    (tmp_path / "connector-2.json").write_text("no json")
    safe_off.write(tmp_path, SafeOff(3, "/dev/not-there", 9600, "N", 1, ("00",), ("",)))
    safe_off.write(tmp_path, SafeOff(4, "/dev/not-there", 9601, "N", 1, ("00",), ("",)))
    safe_off.write(tmp_path, SafeOff(5, "/dev/not-there", 9600, "N", 1, ("xx",), ("",)))
    assert safe_off.main([str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert "/dev/not-there" in lines[2]
    assert all("off: off" not in line for line in lines)


@contextmanager
def device(unit: FakeUnit) -> Iterator[str]:
    """A unit on a pseudo-terminal, served by a thread; yields the path of the port."""
    master, slave = pty.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    path = os.ttyname(slave)

    def serve() -> None:
        buffer = b""
        while True:
            try:
                data = os.read(master, 256)
            except OSError:
                return
            if data == b"\x00stop":
                return
            buffer += data
            if len(buffer) >= 8 and buffer[-2:] == checksum(buffer[:-2]):
                if (answer := unit.answer(buffer)) is not None:
                    os.write(master, answer)
                buffer = b""

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield path
    finally:
        os.write(slave, b"\x00stop")
        thread.join(2)
        os.close(slave)
        os.close(master)


def entry_for(path: str, board: str, folder: Path) -> None:
    """The frames as `build` left them, with the port of the test."""
    Bench(board, safe_off_folder=str(folder))
    file = folder / "connector-1.json"
    data: dict[str, Any] = json.loads(file.read_text())
    file.write_text(json.dumps(data | {"port": path}))


def run(folder: Path) -> tuple[int, str, float]:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "hal.safe_off", str(folder)], capture_output=True, text=True, timeout=20, check=False
    )
    return done.returncode, done.stdout + done.stderr, time.monotonic() - began


@pytest.mark.rung3
@pytest.mark.parametrize(("board", "unit"), [("viridian_epc2plus", EpcUnit), ("phoenix_ev_cc_basic", PhoenixUnit)])
def test_a_charging_board_is_switched_off_by_a_process_of_its_own(tmp_path: Path, board: str, unit: Any) -> None:
    fake = unit()
    fake.plug()
    fake.holding.update({5: 1, 6: 16} if board.startswith("viridian") else {4000: 3, 22000: 16})
    fake.coils.update({20000: 1} if fake.coils else {})
    fake.deaf_for = 1
    assert fake.offered_a == 16
    with device(fake) as path:
        entry_for(path, board, tmp_path)
        for _ in range(2):  # harmless when all is off already
            status, text, _ = run(tmp_path)
            assert (status, text.strip()) == (0, "safe_off: connector-1: off")
    assert fake.offered_a == 0


@pytest.mark.rung3
def test_a_silent_board_ends_in_time_with_status_1(tmp_path: Path) -> None:
    fake = EpcUnit()
    fake.silent = True
    with device(fake) as path:
        entry_for(path, "viridian_epc2plus", tmp_path)
        status, text, took_s = run(tmp_path)
    assert status == 1
    assert "frame 1 was not answered" in text
    assert took_s < 6


@pytest.mark.rung3
def test_dead_boards_do_not_take_the_time_of_the_living(tmp_path: Path) -> None:
    dead, living = EpcUnit(), EpcUnit(105)
    dead.silent = True
    living.holding.update({5: 1, 6: 16})
    Bench("viridian_epc2plus", safe_off_folder=str(tmp_path))
    entry = safe_off.read(tmp_path / "connector-1.json")
    with device(dead) as gone, device(living) as path:
        for number in range(1, 5):
            safe_off.write(tmp_path, replace(entry, connector=number, port=gone))
        frames = (framed("69 10 00 05 00 02 04 00 00 00 00").hex(),)
        answers = (framed("69 10 00 05 00 02").hex(),)
        safe_off.write(tmp_path, replace(entry, connector=5, port=path, frames=frames, answers=answers))
        status, text, took_s = run(tmp_path)
    assert status == 1
    assert "safe_off: connector-5: off" in text
    assert living.offered_a == 0
    assert took_s < 8
