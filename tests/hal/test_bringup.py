"""Bring-up against a fake device: what an installer reads on his terminal."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from hal import bringup
from tests.hal.bench import EpcUnit, MeterUnit, PhoenixUnit
from tests.hal.fake_line import FakeLine
from tests.hal.test_safe_off import device
from tests.rig.virtual_time import run_virtual


def play(line: FakeLine, profile: str, *arguments: str) -> tuple[int, str]:
    """Exit status and output, on virtual time."""
    told: list[str] = []
    options = bringup._parser().parse_args(["--profile", profile, "--port", "/dev/ttyX", *arguments])
    found = bringup.find(profile)
    bringup.introduce(found, told.append)
    status = run_virtual(bringup.try_device(found, options, line.open, told.append))
    return status, "\n".join(told)


def test_prints_assumptions_limitations_and_every_register() -> None:
    status, text = play(FakeLine(EpcUnit()), "viridian_epc2plus")
    assert status == 0
    assert "ASSUMPTION   fallback_zero:" in text
    assert "limitation:  " in text
    assert "probe: active_state = 0: as expected" in text
    assert "cable_amps" in text


def test_reads_a_meter_in_its_units() -> None:
    status, text = play(FakeLine(MeterUnit()), "eastron_sdm72dm_v2")
    assert "1234567.017 Wh" in text
    assert status == 1  # this fake has no holding registers: told, not hidden
    assert "serial_number                -- unit 1: exception 2 (illegal address)" in text


def test_nothing_answers_and_the_ways_out_are_named() -> None:
    unit = EpcUnit()
    unit.silent = True
    status, text = play(FakeLine(unit), "viridian_epc2plus", "--unit", "5", "--baud", "9600")
    assert status == 1
    assert "Nothing answered rightly on /dev/ttyX at 9600 baud, 8E1 as unit 5" in text
    assert "systemctl stop stationd" in text


def test_a_port_that_is_not_there_is_told() -> None:
    line = FakeLine()
    line.plugged = False
    status, text = play(line, "viridian_epc2plus")
    assert status == 1
    assert "/dev/ttyX: no such line" in text


def test_another_device_is_recognised() -> None:
    unit = EpcUnit()
    unit.holding[11] = 77
    status, text = play(FakeLine(unit), "viridian_epc2plus")
    assert status == 1
    assert "active_state = 77: NOT as" in text


@pytest.mark.parametrize("action", [("offer", "10"), ("off",), ("lock",), ("unlock",), ("light", "charging")])
def test_actions_of_an_epc(action: Sequence[str]) -> None:
    unit = EpcUnit()
    status, text = play(FakeLine(unit), "viridian_epc2plus", "--hold", "2", *action)
    assert status == 0, text
    assert unit.written
    assert unit.offered_a == 0


def test_an_offer_is_withdrawn_at_the_end() -> None:
    unit = PhoenixUnit()
    status, text = play(FakeLine(unit), "phoenix_ev_cc_basic", "offer", "16", "--hold", "3")
    assert status == 0, text
    assert "pwm_amps = 16" in text
    assert unit.offered_a == 0


@pytest.mark.parametrize("action", [("offer", "3"), ("offer", "viel"), ("light", "pink")])
def test_what_is_out_of_range_is_told_with_the_range(action: Sequence[str]) -> None:
    status, text = play(FakeLine(EpcUnit()), "viridian_epc2plus", *action)
    assert status == 1
    assert "give" in text


def test_an_unknown_profile_names_those_there_are() -> None:
    told: list[str] = []
    assert bringup.main(["--profile", "epc", "--port", "x"], tell=told.append) == 2
    assert "viridian_epc2plus" in told[0]


def test_help_names_actions_and_profiles(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        bringup.main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for word in ("offer AMPERES", "--port", "rdm6300"):
        assert word in text


def test_actions_are_asked_for_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = iter(["offer 10", "nonsense", "lock", ""])
    monkeypatch.setattr("builtins.input", lambda _: next(lines))
    unit: Any = EpcUnit()
    status, text = play(FakeLine(unit), "viridian_epc2plus", "--hold", "1", "try")
    assert status == 0
    assert "one of: read, offer" in text
    assert "locked, confirmed by readback" in text


def test_the_dead_man_is_armed_before_a_current_is_offered() -> None:
    unit = EpcUnit()
    status, text = play(FakeLine(unit), "viridian_epc2plus", "offer", "16", "--hold", "2")
    assert status == 0
    assert unit.holding[28] == 10_000
    assert text.index("dead-man: written") < text.index("offer: written")


@pytest.mark.rung3
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_an_offer_does_not_outlive_the_terminal(told: signal.Signals) -> None:
    unit = EpcUnit()
    with device(unit) as port:
        command = [sys.executable, "-u", "-m", "hal.bringup", "--profile", "viridian_epc2plus", "--port", port]
        with subprocess.Popen([*command, "offer", "16", "--hold", "60"], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            while "advertised_amps = 16" not in process.stdout.readline():
                assert process.poll() is None
            process.send_signal(told)
            assert process.wait(10) == 1
            assert unit.offered_a == 0
            assert "off: written" in process.stdout.read()
