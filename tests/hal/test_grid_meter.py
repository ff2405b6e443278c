"""The grid meter: what it tells, what it does not believe, and that it starves nobody."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from hal.api import (
    BusPlan,
    ConnectorPlan,
    Fault,
    FaultSeen,
    GridPlan,
    GridSeen,
    HardwarePlan,
    MeterSeen,
    Reading,
)
from hal.boards import build
from hal.simulator.plant import Plant
from hal.simulator.settings import GridSettings, default_settings
from hal.toml_table import ProfileError
from tests.rig.virtual_time import cancelled, run_virtual

EPC, METER, BUS = "viridian_epc2plus", "eastron_sdm72dm_v2", "plant:bus1"
GRID = GridPlan("eastron_sdm630", "bus1", 40)
PLAN = HardwarePlan(
    (BusPlan("bus1", "bus1", 19200, "E", 1),),
    (ConnectorPlan(1, EPC, "bus1", None, METER, "bus1", None, 20.0),),
    grid=GRID,
)

pytestmark = [pytest.mark.rule("product.N5")]


def told(act: Any = None, seconds: float = 20.0) -> list[Reading]:
    """What the hardware tells beside a plant with a grid meter; `act(plant)` half way."""

    async def main() -> list[Reading]:
        found: list[Reading] = []
        plant = Plant(replace(default_settings(), grid=GridSettings(GRID.meter, "bus1", 40)))
        hardware = build(PLAN, found.append, plant.port_factory, lambda _: None)
        plant.sync()
        tasks = [asyncio.ensure_future(plant.run()), asyncio.ensure_future(hardware.run())]
        assert list(hardware.progress) == ["bus1"]
        await asyncio.sleep(seconds / 2)
        if act is not None:
            act(plant)
        await asyncio.sleep(seconds / 2)
        for task in tasks:
            await cancelled(task)
        return found

    return run_virtual(main())


def test_it_is_read_every_second_with_the_direction_of_each_phase() -> None:
    def act(plant: Plant) -> None:
        plant.house.load_a = (5.0, -3.0, 0.5)

    found = told(act)
    grid = [each.currents_a for each in found if isinstance(each, GridSeen)]
    assert 15 <= len(grid) <= 21
    assert grid[0] == (0, 0, 0)
    assert grid[-1] == pytest.approx((5, -3, 0.5))
    assert any(isinstance(each, MeterSeen) for each in found)


def test_its_silence_is_a_fault_of_the_station_and_of_no_connector() -> None:
    found = told(lambda plant: plant.buses["bus1"].units.pop(40), 30)
    faults = [each for each in found if isinstance(each, FaultSeen)]
    assert [(each.connector, each.fault, each.active) for each in faults] == [(None, Fault.METER_OFFLINE, True)]
    last = max(n for n, each in enumerate(found) if isinstance(each, GridSeen))
    assert any(isinstance(each, MeterSeen) for each in found[last:])


@pytest.mark.parametrize("amps", [float("nan"), 1000.0])
def test_what_cannot_be_is_not_told(amps: float) -> None:
    def act(plant: Plant) -> None:
        plant.house.load_a = (amps, 0.0, 0.0)

    found = told(act)
    assert max(each.currents_a[0] for each in found if isinstance(each, GridSeen)) == 0
    assert FaultSeen(None, Fault.METER_IMPLAUSIBLE, True, "grid meter: a current cannot be") in found


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (replace(GRID, bus="bus9"), "there is no bus 'bus9'"),
        (replace(GRID, unit=101), "unit 101 is the grid meter and a device of connector 1"),
        (replace(GRID, meter="nothing"), "no profile 'nothing'"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(grid: GridPlan, message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        build(replace(PLAN, grid=grid), lambda _: None, log=lambda _: None)
