"""A bus with an SDM72 and an EPC on it, seen from the wire on virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine

import pytest

from hal.simulator.plant import Plant
from hal.simulator.wire.bus import BusFaults
from hal.simulator.wire.line import LineFormat
from hal.simulator.wire.modbus import checksum, framed
from tests.rig.virtual_time import run_virtual

READ_STATE = framed(101, bytes.fromhex("03 00 0B 00 01"))
STATE_A = framed(101, bytes.fromhex("03 02 00 00"))

Ask = Callable[[bytes], Coroutine[object, object, bytes]]


def on_bus(faults: BusFaults, story: Callable[[Plant, Ask], Coroutine[object, object, None]]) -> None:
    """Run a story with a plant and a way to ask its bus (everything that comes back within a second)."""

    async def run() -> None:
        plant = Plant(rng=random.Random(7))
        plant.set_bus("bus1", faults)
        port = await plant.port_factory("plant:bus1", LineFormat(19200, "E"))

        async def ask(frame: bytes) -> bytes:
            await port.write(frame)
            received = b""
            try:
                async with asyncio.timeout(1):
                    while True:
                        received += await port.read()
            except TimeoutError:
                return received

        await story(plant, ask)
        await port.close()

    run_virtual(run())


def test_answers_only_its_own_units() -> None:
    async def story(plant: Plant, ask: Ask) -> None:
        assert await ask(READ_STATE) == STATE_A
        assert await ask(framed(55, bytes.fromhex("03 00 0B 00 01"))) == b""

    on_bus(BusFaults(), story)


def test_a_broadcast_is_obeyed_by_all_and_answered_by_nobody() -> None:
    async def story(plant: Plant, ask: Ask) -> None:
        assert await ask(framed(0, bytes.fromhex("06 00 06 00 0A"))) == b""
        assert (await ask(framed(101, bytes.fromhex("03 00 06 00 01"))))[3:5] == b"\x00\x0a"

    on_bus(BusFaults(), story)


def test_an_offline_bus_is_silent_and_does_nothing() -> None:
    async def story(plant: Plant, ask: Ask) -> None:
        assert await ask(framed(101, bytes.fromhex("06 00 06 00 0A"))) == b""
        plant.set_bus("bus1", BusFaults())
        assert (await ask(framed(101, bytes.fromhex("03 00 06 00 01"))))[3:5] == b"\x00\x00"

    on_bus(BusFaults(online=False), story)


def test_garbled_exchanges_come_at_their_rate() -> None:
    async def story(plant: Plant, ask: Ask) -> None:
        answers = [await ask(READ_STATE) for _ in range(200)]
        silent = sum(answer == b"" for answer in answers)
        garbled = sum(answer != b"" and checksum(answer[:-2]) != answer[-2:] for answer in answers)
        assert 35 < silent + garbled < 85
        assert silent > 5
        assert garbled > 5

    on_bus(BusFaults(crc_error_rate=0.3), story)


def test_delay_is_added_to_the_answer() -> None:
    async def story(plant: Plant, ask: Ask) -> None:
        loop = asyncio.get_running_loop()
        port = await plant.port_factory("plant:bus1", LineFormat(19200, "E"))
        began_s = loop.time()
        await port.write(READ_STATE)
        assert await port.read() == STATE_A
        wire_s = (len(READ_STATE) + len(STATE_A)) * 11 / 19200
        assert loop.time() - began_s == pytest.approx(wire_s + 0.015 + 0.25)

    on_bus(BusFaults(delay_ms=250), story)


def test_a_stranger_talks_before_the_answer() -> None:
    async def story(plant: Plant, ask: Ask) -> None:
        heard = await ask(READ_STATE)
        assert heard.endswith(STATE_A)
        assert heard[0] not in plant.buses["bus1"].units
        plant.set_bus("bus1", BusFaults())
        assert await ask(READ_STATE) == STATE_A

    on_bus(BusFaults(foreign_frames=1), story)


def test_a_request_in_two_lumps_and_one_behind_noise() -> None:
    async def story(plant: Plant, ask: Ask) -> None:
        port = await plant.port_factory("plant:bus1", LineFormat(19200, "E"))
        await port.write(READ_STATE[:4])
        await asyncio.sleep(0.004)
        await port.write(READ_STATE[4:])
        assert await port.read() == STATE_A
        await port.write(b"\x00\xff\x55")
        await asyncio.sleep(0.05)
        await port.write(READ_STATE)
        assert await port.read() == STATE_A

    on_bus(BusFaults(), story)
