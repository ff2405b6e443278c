"""The plant as a whole: its clock, its state, its lines."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from hal.simulator.devices.epc2plus import Epc2Plus
from hal.simulator.history import PlantEvent
from hal.simulator.physics.car import CarOptions
from hal.simulator.physics.outlet import Condition
from hal.simulator.plant import Plant
from hal.simulator.settings import PlantSettingsError, default_settings, from_factory
from hal.simulator.wire.line import LineFormat
from hal.simulator.wire.modbus import framed
from tests.rig.virtual_time import cancelled, run_virtual

GRANT = framed(101, bytes.fromhex("10 0005 0002 04 0001 0010"))
READ = framed(101, bytes.fromhex("03 000B 0001"))


def grant(plant: Plant, connector: int = 1) -> None:
    board = plant.outlets[connector].board
    assert isinstance(board, Epc2Plus)
    board.write_registers(4, [1, 1, 16])


def test_state_has_every_field_of_the_interface() -> None:
    state = Plant().state()
    (connector,) = state["connectors"]
    assert state["time_s"] == 0
    assert {"plugged": False, "state": "A", "current_a": [0, 0, 0], "energy_wh": 0}.items() <= connector["car"].items()
    assert connector["car"]["soc"] == 0
    assert connector["id"] == 1
    assert connector["pilot"] == {"state": "A", "duty_percent": 100}
    assert (connector["offered_a"], connector["contactor"], connector["lock"]) == (
        0,
        {"closed": False},
        {"locked": False},
    )
    assert connector["meter"] == {"energy_wh": 1234567, "power_w": 0}
    assert connector["light"] == "auto"
    assert {"name": "bus1", "online": True}.items() <= state["buses"][0].items()
    assert state["readers"] == ["reader1"]


def test_connectors_do_not_share_anything_but_the_clock() -> None:
    plant = Plant(default_settings(3))
    plant.connector(2).plug_in(CarOptions())
    grant(plant, 2)
    plant.tick(60)
    closed = [outlet.contactor.closed for outlet in plant.outlets.values()]
    assert closed == [False, True, False]
    assert [len(plant.history.of(connector, "contactor")) for connector in (1, 2, 3)] == [1, 2, 1]
    assert sorted(plant.buses["bus1"].units) == [1, 2, 3, 101, 102, 103]


def test_two_devices_at_one_unit_are_refused() -> None:
    text = "[[bus]]\n[[connector]]\nunit = 9\n[[connector]]\nunit = 9\n"
    with pytest.raises(PlantSettingsError, match=r"connector\.unit: 9"):
        Plant(from_factory(text))


def test_in_a_loop_the_plant_lives_by_itself_and_events_lie_at_their_instants() -> None:
    async def story() -> Plant:
        plant = Plant()
        running = asyncio.ensure_future(plant.run())
        await asyncio.sleep(10)
        port = await plant.port_factory("plant:bus1", LineFormat(19200, "E"))
        plant.connector(1).plug_in(CarOptions())
        await port.write(GRANT)
        await port.read()
        await asyncio.sleep(20)
        await cancelled(running)
        await port.close()
        return plant

    plant = run_virtual(story())
    granted_s = 10 + len(GRANT) * 11 / 19200
    offered = next(event for event in plant.history.of(1, "offered_a") if event.value == 16)
    assert offered.time_s == pytest.approx(10.02, abs=0.002)
    assert granted_s < offered.time_s
    closed = next(event for event in plant.history.of(1, "contactor") if event.value)
    assert closed.time_s == pytest.approx(offered.time_s + 1.07, abs=0.002)


def test_a_witness_is_called_at_the_instant_itself() -> None:
    async def story() -> list[float]:
        plant, late_s = Plant(), list[float]()
        began_s = asyncio.get_running_loop().time()

        def witness(event: PlantEvent) -> None:
            late_s.append(asyncio.get_running_loop().time() - began_s - event.time_s)

        running = asyncio.ensure_future(plant.run())
        await asyncio.sleep(1)
        plant.history.witnesses.append(witness)
        plant.connector(1).plug_in(CarOptions())
        grant(plant)
        await asyncio.sleep(100)
        await cancelled(running)
        return late_s

    late_s = run_virtual(story())
    assert len(late_s) > 5
    assert max(late_s) < 0.002


def test_the_plant_is_at_the_present_when_it_is_asked_even_if_nobody_runs_it() -> None:
    async def story() -> float:
        plant = Plant()
        plant.sync()
        await asyncio.sleep(123)
        return plant.state()["time_s"]  # type: ignore[no-any-return]

    assert run_virtual(story()) == 123


def test_a_witness_may_look_at_the_plant() -> None:
    plant, seen = Plant(), list[float]()
    plant.history.witnesses.append(lambda event: seen.append(plant.state()["time_s"]))
    plant.connector(1).plug_in(CarOptions())
    grant(plant)
    plant.tick(10)
    assert seen == sorted(seen)
    assert seen[-1] > 2


def test_plant_time_can_run_faster() -> None:
    async def story() -> float:
        plant = Plant(replace(default_settings(), time_scale=60))
        plant.sync()
        await asyncio.sleep(10)
        plant.sync()
        return plant.time_s

    assert run_virtual(story()) == pytest.approx(600)


def test_hours_of_charging_costs_little() -> None:
    async def story() -> Plant:
        plant = Plant()
        running = asyncio.ensure_future(plant.run())
        plant.sync()
        plant.connector(1).plug_in(CarOptions(capacity_wh=1e6))
        grant(plant)
        await asyncio.sleep(6 * 3600)
        plant.sync()
        await cancelled(running)
        return plant

    began_s = time.process_time()
    plant = run_virtual(story())
    assert plant.time_s == pytest.approx(6 * 3600)
    assert plant.outlets[1].register.energy_wh > 1_234_567 + 60_000
    assert time.process_time() - began_s < 15


def test_a_broken_reader_hears_no_card() -> None:
    plant = Plant(from_factory("[[bus]]\n[[connector]]\n[[connector]]\n[[reader]]\nconnectors = [1]\n[[reader]]\n"))
    plant.set_condition(1, Condition.READER, True)
    assert [reader.online for reader in plant.readers.values()] == [False, False]
    plant.set_condition(1, Condition.READER, False)
    plant.set_condition(2, Condition.READER, True)
    assert [reader.online for reader in plant.readers.values()] == [True, False]


def test_without_power_nobody_answers() -> None:
    async def story() -> list[bytes]:
        plant = Plant()
        heard = list[bytes]()
        line = plant.buses["bus1"]
        line.attach(heard.append)
        plant.set_power(False)
        line.receive(READ)
        await asyncio.sleep(1)
        plant.set_power(True)
        line.receive(READ)
        await asyncio.sleep(1)
        return heard

    assert len(run_virtual(story())) == 1
