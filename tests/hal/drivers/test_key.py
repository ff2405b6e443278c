"""The key switch: told once it stands still, in both directions, and on each board that has an input for it."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from hal.api import BusPlan, ConnectorPlan, HardwarePlan, KeySeen, Reading
from hal.boards import build
from hal.changes import Changes
from hal.drivers.key import KeyDriver
from hal.profile import BoardProfile, KeyPart
from hal.profile_reader import find, shipped_ids
from hal.simulator.plant import Plant
from hal.simulator.settings import default_settings
from tests.hal.bench import Bench
from tests.rig.virtual_time import cancelled, run_virtual, until

BUSES = {"phoenix_ev_cc_basic": BusPlan("bus1", "plant:bus1", 9600, "N", 1)}
WITH_KEY = [one for one in shipped_ids() if isinstance(board := find(one), BoardProfile) and board.key is not None]


def told(samples: list[tuple[float, float | None]], part: KeyPart | None = None) -> list[bool]:
    readings: list[Reading] = []
    driver = KeyDriver(1, part or KeyPart("inputs", 0), Changes(readings.append))
    for at_s, raw in samples:
        driver.take({"inputs": raw}, at_s)
    return [one.on for one in readings if isinstance(one, KeySeen)]


def test_a_key_is_told_when_it_has_stood_still() -> None:
    assert told([(0.0, 1), (0.1, 1)]) == []
    assert told([(0.0, 1), (0.2, 1)]) == [True]
    assert told([(0.0, 1), (0.2, 1), (0.5, 1), (1.0, 0), (1.2, 0)]) == [True, False]


def test_a_key_that_chatters_is_not_told() -> None:
    assert told([(0.0, 0), (0.2, 0), (0.3, 1), (0.4, 0), (0.5, 1), (0.6, 0), (2.0, 0)]) == [False]


def test_an_input_without_a_value_says_nothing() -> None:
    assert told([(0.0, 1), (0.2, None), (0.3, 1), (0.4, 1)]) == []


def test_the_other_bits_are_none_of_its_business_and_an_input_may_be_inverted() -> None:
    assert told([(0.0, 0b1110), (0.2, 0b1110)]) == [False]
    assert told([(0.0, 0b1110), (0.2, 0b1110)], KeyPart("inputs", 0, inverted=True)) == [True]
    assert told([(0.0, 1), (0.2, 1)], KeyPart("inputs")) == [True]


def test_a_coil_without_a_bit_is_a_key_too() -> None:
    async def scenario(bench: Bench) -> None:
        await asyncio.sleep(2)
        bench.board.coils[3] = 1
        await asyncio.sleep(0.8)
        assert [one.on for one in bench.seen(KeySeen)] == [False, True]
        assert bench.hardware.capabilities[1].key_input

    Bench("tiny_commanded").play(scenario)


@pytest.mark.parametrize("board", WITH_KEY)
def test_each_board_with_a_key_input_tells_its_key_within_a_second(board: str) -> None:
    async def story() -> None:
        plant, readings = Plant(default_settings(1, board)), list[Reading]()
        plan = HardwarePlan(
            (BUSES[board],), (ConnectorPlan(1, board, "bus1", None, "eastron_sdm72dm_v2", "bus1", 2, 32.0),)
        )
        hardware = build(plan, readings.append, plant.port_factory, lambda _: None)
        task = asyncio.create_task(hardware.run())
        for on in (False, True, False):
            plant.turn_key(1, on)
            await until(partial(readings.__contains__, KeySeen(1, on)), within_s=1.0)
            readings.clear()
        await cancelled(task)

    assert WITH_KEY
    run_virtual(story())
