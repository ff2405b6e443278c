"""The plant as a process: pseudo-terminals, control, signals."""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import subprocess
import sys
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hal.simulator.__main__ import address, main, parser, read_settings
from hal.simulator.wire.modbus import framed

READY_S = 10.0


@contextmanager
def plant_process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A plant and the port of its control interface; ends it with SIGTERM and looks at how it ends."""
    command = [sys.executable, "-m", "hal.simulator", "--control", "127.0.0.1:0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert select.select([process.stdout], [], [], READY_S)[0], "not ready in time"
            ready = process.stdout.readline()
            assert ready.startswith("plant ready: control http://127.0.0.1:")
            yield process, ready.split("http://")[1].split()[0]
            process.send_signal(signal.SIGTERM)
            assert process.wait(READY_S) == 0
        finally:
            process.kill()


def ask(control: str, method: str, path: str, **fields: Any) -> Any:
    connection = http.client.HTTPConnection(control, timeout=READY_S)
    connection.request(method, path, json.dumps(fields) if method == "POST" else None)
    document = json.loads(connection.getresponse().read())
    connection.close()
    return document


def exchange(path: Path, baud: int, request: bytes, length: int) -> tuple[bytes, float]:
    """Write to a tty and read so many bytes; with the seconds that it took."""
    device = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        tty.setraw(device)
        attributes = termios.tcgetattr(device)
        attributes[4] = attributes[5] = baud
        termios.tcsetattr(device, termios.TCSANOW, attributes)
        began_s = time.monotonic()
        os.write(device, request)
        received = b""
        while len(received) < length and select.select([device], [], [], READY_S)[0]:
            received += os.read(device, 256)
        return received, time.monotonic() - began_s
    finally:
        os.close(device)


@pytest.mark.rung3
def test_a_plant_from_a_factory_file_answers_on_its_ports_and_over_http(tmp_path: Path) -> None:
    bus, reader = tmp_path / "run" / "ttyBus", tmp_path / "run" / "ttyCard"
    factory = tmp_path / "factory.toml"
    factory.write_text(
        f'[[bus]]\nname = "rs485"\nport = "{bus}"\n[[connector]]\nbus = "rs485"\n'
        f'[[reader]]\nname = "front"\nprofile = "rdm6300"\nport = "{reader}"\n'
    )
    with plant_process("--factory", str(factory)) as (_, control):
        assert ask(control, "GET", "/v1/health")["status"] == "ok"
        request = framed(1, bytes.fromhex("04 0048 0002"))
        answer, seconds = exchange(bus, termios.B2400, request, 9)
        assert answer[:3] == bytes.fromhex("01 04 04")
        assert seconds > (8 + 9) * 10 / 2400  # never faster than the wire
        assert ask(control, "POST", "/v1/connectors/1/plug_in", amps=6)["car"]["plugged"]
        state_b, tries = framed(101, bytes.fromhex("03 02 0001")), 5
        while tries and exchange(bus, termios.B19200, framed(101, bytes.fromhex("03 000B 0001")), 7)[0] != state_b:
            tries -= 1
        assert tries, "the board did not see the car"
        ask(control, "POST", "/v1/cards", id_token="0A004B9D2C")
        assert exchange(reader, termios.B9600, b"", 14)[0] == b"\x020A004B9D2CF0\x03"
    assert not bus.is_symlink()
    assert not reader.is_symlink()


@pytest.mark.rung3
def test_a_plant_without_a_file_links_its_ports_in_a_folder(tmp_path: Path) -> None:
    with plant_process("--ports", str(tmp_path), "--connectors", "2") as (process, control):
        assert sorted(path.name for path in tmp_path.iterdir()) == ["bus1", "reader1"]
        assert [connector["id"] for connector in ask(control, "GET", "/v1/state")["connectors"]] == [1, 2]
        client = [sys.executable, "-m", "hal.simulator.client", "--control", control]
        done = subprocess.run([*client, "plug", "2"], capture_output=True, text=True, timeout=READY_S, check=True)
        assert json.loads(done.stdout)["car"]["plugged"]
        done = subprocess.run([*client, "watch"], capture_output=True, text=True, timeout=READY_S, check=True)
        assert "connector" in done.stdout
        done = subprocess.run([*client, "plug", "9"], capture_output=True, text=True, timeout=READY_S)
        assert (done.returncode, "use one of: 1, 2" in done.stderr) == (1, True)
        assert process.poll() is None


@pytest.mark.rung3
def test_a_port_that_is_something_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = tmp_path / "tty"
    port.write_text("mine")
    factory = tmp_path / "factory.toml"
    factory.write_text(f'[[bus]]\nport = "{port}"\n[[connector]]\n')
    assert main(["--factory", str(factory), "--control", "127.0.0.1:0"]) == 2
    assert str(port) in capsys.readouterr().err
    assert port.read_text() == "mine"


def test_addresses() -> None:
    assert address("127.0.0.1:9700") == ("127.0.0.1", 9700)
    assert address(":0") == ("127.0.0.1", 0)
    assert address("[::1]:5") == ("::1", 5)
    assert parser().parse_args([]).control == ("127.0.0.1", 9700)


@pytest.mark.parametrize("line", ["--control nonsense", "--time-scale 0", "--board acme"])
def test_a_command_line_that_cannot_be(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(line.split())
    assert line.split()[1] in capsys.readouterr().err


def test_options_make_a_plant() -> None:
    settings = read_settings(
        parser().parse_args(["--connectors", "2", "--board", "phoenix_ev_cc_basic", "--time-scale", "60"])
    )
    assert [outlet.board for outlet in settings.outlets] == ["phoenix_ev_cc_basic"] * 2
    assert settings.time_scale == 60
