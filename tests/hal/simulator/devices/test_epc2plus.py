"""EPC 2.0 Plus by raw bytes; its dead-man."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hal.simulator.devices.epc2plus import Epc2Plus
from hal.simulator.physics.car import CarOptions
from hal.simulator.physics.outlet import Condition, Outlet
from hal.simulator.plant import Plant
from hal.simulator.settings import default_settings
from hal.simulator.wire.modbus import answer


def board(plant: Plant | None = None) -> tuple[Plant, Outlet, Epc2Plus]:
    plant = plant or Plant()
    outlet = plant.outlets[1]
    assert isinstance(outlet.board, Epc2Plus)
    return plant, outlet, outlet.board


def ask(unit: Epc2Plus, pdu: str) -> str:
    return answer(unit, bytes.fromhex(pdu)).hex()


def read(unit: Epc2Plus, address: int) -> int:
    return int.from_bytes(answer(unit, b"\x03" + address.to_bytes(2, "big") + b"\x00\x01")[2:], "big")


def test_after_power_up_nothing_is_offered() -> None:
    plant, outlet, unit = board()
    outlet.plug_in(CarOptions())
    plant.tick(30)
    assert (read(unit, 11), read(unit, 16), outlet.contactor.closed) == (1, 0, False)


def test_one_frame_grants_and_one_withdraws() -> None:
    plant, outlet, unit = board()
    outlet.plug_in(CarOptions())
    assert ask(unit, "10 0005 0002 04 0001 0010") == "1000050002"
    plant.tick(10)
    assert (read(unit, 11), read(unit, 16), outlet.board.duty_percent) == (2, 16, pytest.approx(26.67, abs=0.01))
    assert read(unit, 8) == 160
    assert 2250 < read(unit, 7) < 2320
    assert ask(unit, "10 0005 0002 04 0000 0000") == "1000050002"
    plant.tick(5)
    assert (read(unit, 11), read(unit, 16), outlet.contactor.closed) == (1, 0, False)


@pytest.mark.parametrize(
    ("pdu", "reply"),
    [
        ("03 0000 007E", "83 03"),  # 126 registers
        ("03 002C 0002", "83 02"),  # beyond the map
        ("04 000B 0001", "84 01"),
        ("01 0000 0001", "81 01"),
        ("06 0006 0005", "86 03"),  # 5 A
        ("06 0006 0021", "86 03"),  # 33 A
        ("06 0004 0003", "86 03"),
        ("06 001C 03E7", "86 03"),  # 999 ms
        ("06 000B 0001", "86 02"),  # read only
        ("10 0005 0002 04 0001 0005", "90 03"),
    ],
)
def test_refuses(pdu: str, reply: str) -> None:
    _, _, unit = board()
    assert ask(unit, pdu) == reply.replace(" ", "")
    assert read(unit, 5) == 0


def test_lock_reads_back_what_the_latch_did() -> None:
    plant, outlet, unit = board()
    ask(unit, "06 0004 0001")
    assert read(unit, 4) == 2
    plant.tick(0.5)
    assert read(unit, 4) == 1
    outlet.set_condition(Condition.LOCK_JAM, True)
    ask(unit, "06 0004 0002")
    plant.tick(1)
    assert read(unit, 4) == 1
    assert read(unit, 14) == 1 << 7
    outlet.set_condition(Condition.LOCK_JAM, False)
    plant.tick(5)
    assert (read(unit, 4), read(unit, 14)) == (2, 0)


def test_error_bits_of_diode_and_residual_current() -> None:
    plant, outlet, unit = board()
    outlet.plug_in(CarOptions())
    outlet.set_condition(Condition.DIODE, True)
    plant.tick(1)
    assert read(unit, 14) == 0  # without PWM nobody sees it
    ask(unit, "10 0005 0002 04 0001 0010")
    plant.tick(1)
    assert (read(unit, 14), read(unit, 16)) == (1, 0)
    outlet.set_condition(Condition.DIODE, False)
    outlet.set_condition(Condition.RESIDUAL_CURRENT, True)
    plant.tick(1)
    assert read(unit, 14) == 2


def test_the_cable_limits_the_offer() -> None:
    plant, outlet, unit = board()
    outlet.plug_in(CarOptions(cable_a=20))
    ask(unit, "10 0005 0002 04 0001 0020")
    plant.tick(1)
    assert (read(unit, 15), read(unit, 16)) == (20, 20)
    outlet.plug_out()
    assert read(unit, 15) == 20  # the board had locked it
    plant.tick(1)
    assert read(unit, 15) == 0


def test_light() -> None:
    _, outlet, unit = board()
    assert outlet.board.light == "auto"
    ask(unit, "10 0000 0004 08 00FF 0080 0000 0001")
    assert outlet.board.light == "#FF8000"


def test_one_charge_only() -> None:
    plant, outlet, unit = board()
    outlet.plug_in(CarOptions())
    ask(unit, "10 0005 0002 04 0002 0010")
    plant.tick(10)
    assert outlet.contactor.closed
    outlet.plug_out()
    plant.tick(1)
    assert read(unit, 5) == 0


def armed(fallback_a: int) -> tuple[Plant, Outlet, Epc2Plus]:
    """Charging at 16 A with a communication time-out of 10 s, the last request just now."""
    plant, outlet, unit = board()
    outlet.plug_in(CarOptions())
    ask(unit, f"06 001E {fallback_a:04X}")
    ask(unit, "06 001C 2710")
    ask(unit, "10 0005 0002 04 0001 0010")
    plant.tick(9)
    ask(unit, "03 000B 0001")
    return plant, outlet, unit


def test_a_silent_master_lets_it_fall_back_to_nothing() -> None:
    plant, outlet, _ = armed(0)
    plant.tick(9.9)
    assert outlet.board.offered_a == 16
    plant.tick(2)
    assert (outlet.board.offered_a, outlet.contactor.closed) == (0, False)
    withdrawn_s = plant.history.of(1, "offered_a")[-1].time_s
    assert withdrawn_s == pytest.approx(19.0, abs=0.01)


def test_a_silent_master_lets_it_fall_back_to_six_ampere() -> None:
    plant, outlet, unit = armed(6)
    plant.tick(15)
    assert (outlet.board.offered_a, outlet.contactor.closed) == (6, True)
    assert read(unit, 6) == 6
    plant.tick(5)
    assert outlet.board.offered_a == 6  # a read alone brings nothing back


def test_any_request_feeds_the_time_out() -> None:
    plant, outlet, unit = armed(0)
    for _ in range(10):
        plant.tick(9)
        ask(unit, "03 000B 0001")
    assert outlet.board.offered_a == 16


def test_the_time_out_stays_on_the_time_of_the_line_when_the_plant_runs_faster() -> None:
    plant, outlet, unit = board(Plant(replace(default_settings(), time_scale=60)))
    outlet.plug_in(CarOptions())
    ask(unit, "06 001C 2710")
    ask(unit, "10 0005 0002 04 0001 0010")
    plant.tick(599)
    assert outlet.board.offered_a == 16
    plant.tick(2)
    assert outlet.board.offered_a == 0


def test_settings_are_volatile() -> None:
    plant, outlet, unit = armed(6)
    plant.set_power(False)
    plant.tick(5)
    plant.set_power(True)
    plant.tick(1)
    assert [read(unit, at) for at in (5, 6, 28, 30)] == [0, 0, 0, 0]
    assert outlet.board.offered_a == 0


def test_a_second_silence_lets_it_fall_back_again() -> None:
    plant, outlet, unit = armed(0)
    plant.tick(15)
    ask(unit, "10 0005 0002 04 0001 0010")
    plant.tick(9)
    assert outlet.board.offered_a == 16
    plant.tick(2)
    assert outlet.board.offered_a == 0


@pytest.mark.rule("INV-4")
def test_an_offer_that_ends_while_the_contacts_are_on_their_way_closes_nothing() -> None:
    plant, outlet, unit = board()
    outlet.plug_in(CarOptions())
    assert ask(unit, "10 0005 0002 04 0001 0010") == "1000050002"
    while not outlet.contactor.commanded:
        plant.tick(0.01)
    assert not outlet.contactor.closed
    assert ask(unit, "10 0005 0002 04 0000 0000") == "1000050002"
    for _ in range(20):
        plant.tick(0.01)
        assert not outlet.contactor.closed, "closed after the offer had ended"
