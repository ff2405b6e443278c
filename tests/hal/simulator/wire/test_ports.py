from __future__ import annotations

import asyncio

import pytest

from hal.simulator.plant import Plant
from hal.simulator.settings import from_factory
from hal.simulator.wire.line import LineFormat
from tests.rig.virtual_time import run_virtual


def test_an_address_that_the_plant_does_not_have() -> None:
    async def story() -> None:
        with pytest.raises(OSError, match="plant:bus9"):
            await Plant().port_factory("plant:bus9", LineFormat(9600))

    run_virtual(story())


def test_a_line_is_found_by_the_port_of_the_factory_file() -> None:
    async def story() -> None:
        plant = Plant(from_factory('[[bus]]\nname = "a"\nport = "/dev/ttyX"\n[[connector]]\nbus = "a"\n'))
        await plant.port_factory("/dev/ttyX", LineFormat(9600))
        assert plant.buses["a"].format == LineFormat(9600)

    run_virtual(story())


def test_a_port_that_vanishes_reads_nothing_and_refuses_writes() -> None:
    async def story() -> None:
        port = await Plant().port_factory("plant:bus1", LineFormat(9600))
        reading = asyncio.ensure_future(port.read())
        await asyncio.sleep(1)
        port.vanish()
        assert await reading == b""
        assert await port.read() == b""
        with pytest.raises(OSError, match="gone"):
            await port.write(b"x")

    run_virtual(story())


def test_flush_forgets_what_was_not_read() -> None:
    async def story() -> None:
        plant = Plant()
        port = await plant.port_factory("bus1", LineFormat(9600))
        plant.buses["bus1"].send(b"old")
        await asyncio.sleep(1)
        await port.flush()
        plant.buses["bus1"].send(b"new")
        assert await port.read() == b"new"

    run_virtual(story())
