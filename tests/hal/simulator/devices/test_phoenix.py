"""Phoenix EV Charge Control Basic by raw bytes; no dead-man."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hal.simulator.devices.phoenix import PhoenixBasic
from hal.simulator.physics.car import CarOptions
from hal.simulator.physics.outlet import Condition, Outlet
from hal.simulator.plant import Plant
from hal.simulator.settings import default_settings
from hal.simulator.wire.modbus import answer

SETTINGS = default_settings(board="phoenix_ev_cc_basic")


def board(*, configured: bool = True, status_function: str = "both") -> tuple[Plant, Outlet, PhoenixBasic]:
    plant = Plant(replace(SETTINGS, phoenix_status_function=status_function))
    outlet = plant.outlets[1]
    assert isinstance(outlet.board, PhoenixBasic)
    if configured:
        for address, value in ((4000, 3), (4001, 2), (4002, 3), (4006, 1)):
            outlet.board.write_registers(address, [value])
    return plant, outlet, outlet.board


def ask(unit: PhoenixBasic, pdu: str) -> bytes:
    return answer(unit, bytes.fromhex(pdu))


def status(unit: PhoenixBasic, address: int) -> int:
    return int.from_bytes(ask(unit, f"04 {address:04X} 0001")[2:], "big")


def state(unit: PhoenixBasic) -> str:
    return ask(unit, "04 5DC0 0001")[2:].decode().rstrip("\0")


def test_a_fresh_board_waits_for_its_enable_input() -> None:
    plant, outlet, unit = board(configured=False)
    ask(unit, "05 4E20 FF00")
    outlet.plug_in(CarOptions())
    plant.tick(10)
    assert (state(unit), outlet.board.offered_a) == ("B1", 0)


def test_enable_coil_and_current_make_an_offer() -> None:
    plant, outlet, unit = board()
    outlet.plug_in(CarOptions())
    plant.tick(1)
    assert state(unit) == "B1"
    assert ask(unit, "06 55F0 0010") == bytes.fromhex("06 55F0 0010")
    assert ask(unit, "05 4E20 FF00") == bytes.fromhex("05 4E20 FF00")
    plant.tick(0.5)
    assert state(unit) == "B2"
    plant.tick(5)
    assert (state(unit), outlet.contactor.closed, status(unit, 24003)) == ("C2", True, 16)
    assert status(unit, 24005) >> 3 & 1 == 1  # CON
    assert status(unit, 24004) >> 3 & 1 == 0  # CCR: the normally closed contact is open
    ask(unit, "05 4E20 0000")
    plant.tick(3)
    assert (state(unit), outlet.contactor.closed) == ("B1", False)


def test_not_available_is_state_f_and_opens_at_once() -> None:
    plant, outlet, unit = board()
    outlet.plug_in(CarOptions())
    ask(unit, "05 4E20 FF00")
    plant.tick(5)
    ask(unit, "05 4E21 0000")
    plant.tick(0.1)
    assert (state(unit), outlet.contactor.closed, status(unit, 24025)) == ("F", False, 1 << 5)


@pytest.mark.parametrize(
    ("status_function", "by_three", "by_four"),
    [("both", "03", "04"), ("holding", "03", "84"), ("input", "83", "04")],
)
def test_status_registers_answer_to_the_function_that_was_chosen(
    status_function: str, by_three: str, by_four: str
) -> None:
    _, _, unit = board(status_function=status_function)
    assert ask(unit, "03 5DC0 0001")[:1].hex() == by_three
    assert ask(unit, "04 5DC0 0001")[:1].hex() == by_four


@pytest.mark.parametrize(
    ("pdu", "reply"),
    [
        ("03 5DC0 0015", "83 03"),  # 21 registers
        ("03 5DBF 0001", "83 02"),
        ("01 4E24 0001", "81 02"),
        ("02 4E20 0001", "82 02"),
        ("06 55F0 0005", "86 03"),
        ("06 55F0 0040", "86 03"),
        ("06 0FA9 0001", "86 02"),  # case is set by DIP switch
        ("06 5DC0 0001", "86 02"),
    ],
)
def test_refuses(pdu: str, reply: str) -> None:
    _, _, unit = board()
    assert ask(unit, pdu) == bytes.fromhex(reply)


@pytest.mark.parametrize(
    ("condition", "bit"),
    [(Condition.RESIDUAL_CURRENT, 15), (Condition.EMERGENCY_STOP, 5), (Condition.CONTACTOR_WELDED, 12)],
)
def test_error_bits(condition: Condition, bit: int) -> None:
    plant, outlet, unit = board()
    outlet.set_condition(condition, True)
    plant.tick(2)
    assert status(unit, 24025) == 1 << bit
    outlet.set_condition(condition, False)
    plant.tick(2)
    assert status(unit, 24025) == 0


def test_bit_16_is_in_the_high_word() -> None:
    plant, outlet, unit = board()
    outlet.set_condition(Condition.GROUND, True)
    plant.tick(1)
    assert (status(unit, 24025), status(unit, 24026)) == (0, 1)


def test_a_contactor_that_does_not_close_is_an_error() -> None:
    plant, outlet, unit = board()
    outlet.set_condition(Condition.CONTACTOR_STUCK, True)
    outlet.plug_in(CarOptions())
    ask(unit, "05 4E20 FF00")
    plant.tick(5)
    assert (status(unit, 24025), outlet.board.offered_a) == (1 << 12, 0)


def test_without_monitoring_a_weld_goes_unnoticed() -> None:
    plant, outlet, unit = board()
    ask(unit, "06 0FA6 0000")
    outlet.set_condition(Condition.CONTACTOR_WELDED, True)
    plant.tick(5)
    assert status(unit, 24025) == 0


def test_lock_coil_and_its_fault_bits() -> None:
    plant, outlet, unit = board()
    assert outlet.lock is not None
    ask(unit, "05 4E22 FF00")
    plant.tick(0.5)
    assert outlet.lock.locked
    outlet.set_condition(Condition.LOCK_JAM, True)
    ask(unit, "05 4E22 0000")
    plant.tick(0.9)
    assert status(unit, 24025) == 1 << 7
    assert ask(unit, "01 4E20 0004") == bytes.fromhex("01 01 02")  # available is on, lock is off


def test_a_silent_master_changes_nothing() -> None:
    plant, outlet, unit = board()
    outlet.plug_in(CarOptions(soc=1))
    ask(unit, "06 55F0 0010")
    ask(unit, "05 4E20 FF00")
    plant.tick(3600)
    assert (outlet.board.offered_a, outlet.contactor.closed) == (16, True)


def test_coils_are_volatile_and_the_configuration_is_kept() -> None:
    plant, _, unit = board()
    ask(unit, "05 4E20 FF00")
    plant.set_power(False)
    plant.set_power(True)
    assert ask(unit, "01 4E20 0003") == bytes.fromhex("01 01 02")
    assert ask(unit, "03 0FA0 0001") == bytes.fromhex("03 02 0003")


def test_it_says_who_it_is() -> None:
    _, _, unit = board()
    assert ask(unit, "04 03E8 0010")[2:].rstrip(b"\0") == b"EV-CC-AC1-M3-CBC-SER"
