"""The control interface without sockets: every path, every error name, every refusal."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from hal.simulator.control import Control
from hal.simulator.devices.epc2plus import Epc2Plus
from hal.simulator.plant import Plant
from hal.simulator.settings import default_settings
from tests.rig.virtual_time import run_virtual

ERRORS = [
    "under_voltage",
    "over_voltage",
    "over_temperature",
    "residual_current",
    "diode",
    "ground",
    "contactor_welded",
    "contactor_stuck",
    "lock_jam",
    "reader",
    "tamper",
    "emergency_stop",
]


def control(connectors: int = 1) -> tuple[Plant, Control]:
    plant = Plant(default_settings(connectors))
    return plant, Control(plant)


def post(interface: Control, path: str, **fields: Any) -> tuple[int, dict[str, Any]]:
    answer = interface.handle("POST", path, json.dumps(fields).encode())
    return answer.status, json.loads(answer.body())


def get(interface: Control, path: str) -> dict[str, Any]:
    answer = interface.handle("GET", path)
    assert answer.status == 200
    document: dict[str, Any] = json.loads(answer.body())
    return document


def test_health_and_state() -> None:
    _, interface = control()
    assert get(interface, "/v1/health") == {"status": "ok", "time_s": 0}
    assert set(get(interface, "/v1/state")) == {"time_s", "connectors", "buses", "readers"}


def test_a_car_comes_pauses_resumes_and_goes() -> None:
    plant, interface = control()
    status, connector = post(interface, "/v1/connectors/1/plug_in", amps=10, phases=1, soc=20, timer_s=5)
    assert (status, connector["car"]["state"], connector["car"]["soc"]) == (200, "B", 20)
    board = plant.outlets[1].board
    assert isinstance(board, Epc2Plus)
    board.write_registers(5, [1, 16])
    plant.tick(4)
    assert get(interface, "/v1/state")["connectors"][0]["car"]["state"] == "B"
    plant.tick(10)
    charging = get(interface, "/v1/state")["connectors"][0]
    assert (charging["car"]["state"], charging["car"]["current_a"], charging["offered_a"]) == ("C", [10, 0, 0], 16)
    assert charging["pilot"] == {"state": "C", "duty_percent": 26.67}
    assert charging["contactor"] == {"closed": True}
    assert 2200 < charging["meter"]["power_w"] < 2300
    assert post(interface, "/v1/connectors/1/pause")[0] == 200
    plant.tick(3)
    assert get(interface, "/v1/state")["connectors"][0]["car"]["state"] == "B"
    assert post(interface, "/v1/connectors/1/resume")[0] == 200
    plant.tick(3)
    assert get(interface, "/v1/state")["connectors"][0]["car"]["state"] == "C"
    status, connector = post(interface, "/v1/connectors/1/plug_out")
    assert (status, connector["car"]["plugged"], connector["car"]["current_a"]) == (200, False, [0, 0, 0])
    assert post(interface, "/v1/connectors/1/plug_out")[0] == 200


def test_an_empty_body_plugs_an_ordinary_car() -> None:
    plant, interface = control()
    assert interface.handle("POST", "/v1/connectors/1/plug_in", b"").status == 200
    car = plant.outlets[1].car
    assert car is not None
    assert (car.options.amps, car.options.phases) == (16, 3)


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_can_be_set_and_cleared(error: str) -> None:
    plant, interface = control()
    assert post(interface, "/v1/connectors/1/error", error=error)[1]["errors"] == [error]
    plant.tick(3)
    assert post(interface, "/v1/connectors/1/error", error=error, active=False)[1]["errors"] == []
    plant.tick(3)


def test_key_switch() -> None:
    _, interface = control()
    assert post(interface, "/v1/connectors/1/key")[1]["key"] is True
    assert post(interface, "/v1/connectors/1/key", on=False)[1]["key"] is False


def test_meter_register() -> None:
    _, interface = control()
    assert post(interface, "/v1/connectors/1/meter", energy_wh=5000.5)[1]["meter"]["energy_wh"] == 5000.5


def test_bus_faults_stay_until_they_are_changed() -> None:
    plant, interface = control()
    status, bus = post(interface, "/v1/buses/bus1", online=False, crc_error_rate=0.1, foreign_frames=True)
    assert (status, bus["name"], bus["online"]) == (200, "bus1", False)
    post(interface, "/v1/buses/bus1", online=True, delay_ms=20)
    faults = plant.buses["bus1"].faults
    assert (faults.online, faults.crc_error_rate, faults.delay_ms, faults.foreign_frames) == (True, 0.1, 20, 1)


def test_cards() -> None:
    async def story() -> None:
        plant, interface = control()
        status, document = post(interface, "/v1/cards", id_token="04a1b2c3")
        assert (status, document) == (200, {"reader": "reader1", "id_token": "04A1B2C3"})
        assert plant.readers["reader1"].card == bytes.fromhex("04A1B2C3")
        assert post(interface, "/v1/cards", id_token="04A1B2C3", reader="reader1")[0] == 200
        await asyncio.sleep(0)

    run_virtual(story())


@pytest.mark.parametrize(
    ("path", "fields", "status", "field"),
    [
        ("/v1/connectors/9/plug_in", {}, 404, "connector"),
        ("/v1/connectors/x/plug_in", {}, 404, "connector"),
        ("/v1/connectors/1/explode", {}, 404, "path"),
        ("/v1/buses/bus9", {"online": False}, 404, "bus"),
        ("/v1/cards", {"id_token": "04A1B2C3", "reader": "back"}, 404, "reader"),
        ("/v1/cards", {}, 400, "id_token"),
        ("/v1/cards", {"id_token": "hello"}, 400, "id_token"),
        ("/v1/connectors/1/plug_in", {"amps": -1}, 400, "amps"),
        ("/v1/connectors/1/plug_in", {"phases": 4}, 400, "phases"),
        ("/v1/connectors/1/plug_in", {"soc": 101}, 400, "soc"),
        ("/v1/connectors/1/plug_in", {"timer_s": "soon"}, 400, "timer_s"),
        ("/v1/connectors/1/plug_in", {"diode_fault_after_s": -1}, 400, "diode_fault_after_s"),
        ("/v1/connectors/1/error", {"error": "flood"}, 400, "error"),
        ("/v1/connectors/1/error", {}, 400, "error"),
        ("/v1/connectors/1/error", {"error": "diode", "active": "yes"}, 400, "active"),
        ("/v1/connectors/1/meter", {}, 400, "energy_wh"),
        ("/v1/buses/bus1", {"crc_error_rate": 2}, 400, "crc_error_rate"),
        ("/v1/buses/bus1", {"online": 1}, 400, "online"),
        ("/v1/connectors/1/pause", {}, 409, "connector"),
    ],
)
def test_refusals_name_field_value_and_fix(path: str, fields: dict[str, Any], status: int, field: str) -> None:
    _, interface = control()
    got, document = post(interface, path, **fields)
    assert (got, document["field"]) == (status, field)
    assert {"error", "value", "fix"} <= set(document)
    assert document["fix"]


def test_a_second_car_is_refused() -> None:
    _, interface = control()
    post(interface, "/v1/connectors/1/plug_in")
    status, document = post(interface, "/v1/connectors/1/plug_in")
    assert (status, document["fix"]) == (409, "plug_out first")


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/state"), ("GET", "/v1/cards"), ("DELETE", "/v1/health")])
def test_other_methods(method: str, path: str) -> None:
    assert control()[1].handle(method, path).status == 405


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/state", "/v1/state/x"])
def test_other_paths(path: str) -> None:
    assert control()[1].handle("GET", path).status == 404


def test_history_since() -> None:
    plant, interface = control()
    plant.tick(10)
    post(interface, "/v1/connectors/1/plug_in")
    events = get(interface, "/v1/history?since=5")["events"]
    assert [event["kind"] for event in events] == ["plugged", "car"]
    assert interface.handle("GET", "/v1/history?since=x").status == 400


def test_what_the_house_draws_besides() -> None:
    plant, interface = control()
    assert post(interface, "/v1/house", l1=5, l2=-3) == (200, {"l1": 5, "l2": -3, "l3": 0})
    assert post(interface, "/v1/house", l3=1.5) == (200, {"l1": 5, "l2": -3, "l3": 1.5})
    assert plant.house.currents_a() == (5, 3, 1.5)
    assert post(interface, "/v1/house", l1="much")[0] == 400


def test_power() -> None:
    plant, interface = control()
    assert post(interface, "/v1/power", on=False) == (200, {"on": False})
    assert plant.outlets[1].volts() == (0, 0, 0)
