from __future__ import annotations

import pytest

from hal.simulator.client import CALLS, main, parser


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("plug", ("POST", "/v1/connectors/1/plug_in", {})),
        ("plug 2 --amps 10 --phases 1 --timer-s 5", None),
        ("unplug 2", ("POST", "/v1/connectors/2/plug_out", {})),
        ("pause", ("POST", "/v1/connectors/1/pause", {})),
        ("resume", ("POST", "/v1/connectors/1/resume", {})),
        ("card 04A1 --reader r", ("POST", "/v1/cards", {"id_token": "04A1", "reader": "r"})),
        ("fault diode", ("POST", "/v1/connectors/1/error", {"error": "diode", "active": True})),
        ("fault diode --connector 2 --clear", ("POST", "/v1/connectors/2/error", {"error": "diode", "active": False})),
        ("key on --connector 2", ("POST", "/v1/connectors/2/key", {"on": True})),
        ("meter 100", ("POST", "/v1/connectors/1/meter", {"energy_wh": 100})),
        ("bus bus1 --no-online", ("POST", "/v1/buses/bus1", {"online": False})),
        ("bus bus1 --delay-ms 5", ("POST", "/v1/buses/bus1", {"delay_ms": 5})),
        ("house --l1 5 --l2 -3", ("POST", "/v1/house", {"l1": 5.0, "l2": -3.0})),
        ("power off", ("POST", "/v1/power", {"on": False})),
        ("state", ("GET", "/v1/state", {})),
    ],
)
def test_each_verb_is_one_call(line: str, call: tuple[str, str, dict[str, object]] | None) -> None:
    options = parser().parse_args(line.split())
    if call is None:
        call = ("POST", "/v1/connectors/2/plug_in", {"amps": 10, "phases": 1, "timer_s": 5})
    assert CALLS[options.verb](options) == call


@pytest.mark.rung3
def test_without_a_plant_it_says_how_to_start_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--control", "127.0.0.1:1", "plug"]) == 1
    assert "python -m hal.simulator" in capsys.readouterr().err
