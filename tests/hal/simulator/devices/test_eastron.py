"""Eastron meters by raw bytes. Floats by hand: 1234.5 is 449A5000, 230.0 is 43660000."""

from __future__ import annotations

import struct

import pytest

from hal.simulator.devices.eastron import EastronMeter
from hal.simulator.devices.epc2plus import Epc2Plus
from hal.simulator.physics.car import CarOptions
from hal.simulator.plant import Plant
from hal.simulator.settings import default_settings
from hal.simulator.wire.modbus import answer, framed


def meter(name: str = "eastron_sdm72dm_v2") -> tuple[Plant, EastronMeter]:
    plant = Plant(default_settings(meter=name))
    unit = plant.buses["bus1"].units[1]
    assert isinstance(unit, EastronMeter)
    return plant, unit


def floats(unit: EastronMeter, address: int, count: int) -> tuple[float, ...]:
    reply = answer(unit, bytes.fromhex(f"04 {address:04X} {2 * count:04X}"))
    assert reply[:2] == bytes((4, 4 * count))
    return struct.unpack(f">{count}f", reply[2:])


def test_energy_in_kwh_as_a_whole_frame() -> None:
    plant, unit = meter()
    plant.outlets[1].set_register(1_234_500)
    reply = framed(1, answer(unit, bytes.fromhex("04 0048 0002")))
    assert reply == bytes.fromhex("01 04 04 449A5000 F35B")


def test_values_of_a_session() -> None:
    plant, unit = meter()
    outlet = plant.outlets[1]
    assert isinstance(outlet.board, Epc2Plus)
    outlet.plug_in(CarOptions(phases=1, amps=10))
    outlet.board.write_registers(4, [1, 1, 16])
    plant.tick(60)
    volts, amps, watts = floats(unit, 0, 3), floats(unit, 6, 3), floats(unit, 12, 3)
    assert all(228 < value < 232 for value in volts)
    assert amps == (10, 0, 0)
    assert watts == (pytest.approx(volts[0] * 10 * 0.99, rel=1e-4), 0, 0)
    assert floats(unit, 52, 1)[0] == pytest.approx(watts[0])
    assert floats(unit, 70, 2) == (pytest.approx(50, abs=0.1), pytest.approx(outlet.register.energy_wh / 1000))


@pytest.mark.parametrize(
    ("name", "pdu", "reply"),
    [
        ("eastron_sdm72dm_v2", "04 0001 0002", "84 02"),  # odd address
        ("eastron_sdm72dm_v2", "04 0000 0003", "84 03"),  # half a value
        ("eastron_sdm72dm_v2", "04 0000 0016", "84 03"),  # 22 registers
        ("eastron_sdm72dm_v2", "04 0070 0002", "84 02"),  # no such value
        ("eastron_sdm72dm_v2", "04 006A 0004", "84 02"),  # half of it beyond
        ("eastron_sdm630", "04 0000 0052", "84 03"),  # 82 registers
        ("eastron_sdm72dm_v2", "03 0000 0002", "83 02"),
        ("eastron_sdm72dm_v2", "06 001C 0000", "86 01"),
        ("eastron_sdm72dm_v2", "10 001C 0002 04 40400000", "90 03"),  # no password yet
        ("eastron_sdm72dm_v2", "01 0000 0001", "81 01"),
    ],
)
def test_refuses(name: str, pdu: str, reply: str) -> None:
    _, unit = meter(name)
    assert answer(unit, bytes.fromhex(pdu)) == bytes.fromhex(reply)


def test_the_longest_reads() -> None:
    assert len(floats(meter()[1], 0, 10)) == 10
    assert len(floats(meter("eastron_sdm630")[1], 0, 40)) == 40
    assert floats(meter("eastron_sdm630")[1], 346, 3) == pytest.approx((1234.567 / 3,) * 3)


def test_a_place_without_a_value_reads_nothing() -> None:
    assert floats(meter()[1], 36, 1) == (0.0,)


def test_settings_need_the_password() -> None:
    _, unit = meter()
    assert answer(unit, bytes.fromhex("10 0018 0002 04 447A0000")) == bytes.fromhex("10 0018 0002")
    assert answer(unit, bytes.fromhex("10 001C 0002 04 40400000")) == bytes.fromhex("10 001C 0002")
    assert answer(unit, bytes.fromhex("03 001C 0002")) == bytes.fromhex("03 04 40400000")


def test_serial_number_is_no_float() -> None:
    assert answer(meter()[1], bytes.fromhex("03 FC00 0002")) == bytes.fromhex("03 04") + (21_000_001).to_bytes(4, "big")
