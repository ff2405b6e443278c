"""The car's state of charge: beside the values of the meter, while a car is there and the board knows."""

from __future__ import annotations

import asyncio

import pytest

from hal.api import Measurand, MeterSeen, Phase
from hal.blocks import merge
from hal.drivers.state_of_charge import StateOfChargeDriver
from hal.modbus import Read, Receiver, Reply, encode
from hal.profile import StateOfChargePart
from hal.profile_reader import find_board
from hal.registers import Value
from tests.hal.bench import PROFILES, Bench
from tests.hal.fake_line import framed


def told(raw: Value, plugged: bool = True) -> list[float]:
    driver = StateOfChargeDriver(StateOfChargePart("car"))
    driver.take({"car": raw}, plugged)
    return [one.value for one in driver.measured]


def test_what_can_be_one_is_told() -> None:
    assert [told(raw) for raw in (0, 55.5, 100)] == [[0.0], [55.5], [100.0]]


@pytest.mark.parametrize("raw", [None, -1, 100.5, 255, "55"])
def test_what_cannot_be_one_is_none(raw: Value) -> None:
    assert told(raw) == []


def test_a_car_that_is_gone_has_none() -> None:
    assert told(55, plugged=False) == []


@pytest.mark.rule("ocpp16.X32")
def test_a_board_that_knows_it_gives_it_with_the_readings_of_the_meter() -> None:
    async def scenario(bench: Bench) -> None:
        assert (Measurand.STATE_OF_CHARGE, None) in bench.hardware.capabilities[1].measurands
        bench.hardware.session_pace(1, True)
        bench.board.plug()
        await asyncio.sleep(2.5)
        assert bench.seen(MeterSeen)[-1].value(Measurand.STATE_OF_CHARGE) is None
        bench.board.holding[6] = 111  # half percents
        await asyncio.sleep(2.5)
        newest = bench.seen(MeterSeen)[-1]
        assert newest.value(Measurand.STATE_OF_CHARGE) == 55.5
        assert newest.value(Measurand.VOLTAGE, Phase.L1) == 230.0
        bench.board.unplug()
        await asyncio.sleep(2.5)
        assert bench.seen(MeterSeen)[-1].value(Measurand.STATE_OF_CHARGE) is None

    Bench("tiny_commanded").play(scenario)


def test_boards_without_it_do_not_claim_it() -> None:
    assert (Measurand.STATE_OF_CHARGE, None) not in Bench().hardware.capabilities[1].measurands


def test_the_words_on_the_wire() -> None:
    """Synthetic: no shipped board has such a register."""
    profile = find_board("tiny_commanded", (PROFILES,))
    (block,) = merge([profile.registers["car_charge"]], profile.limits)
    request = Read(profile.unit, block.functions[0], block.address, block.count)
    assert encode(request) == framed("07 03 0006 0001")
    reply = Receiver(request).feed(framed("07 03 02 006f"))
    assert isinstance(reply, Reply)
    assert block.values(reply.words) == {"car_charge": 55.5}
