"""Merged reads and merged writes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hal.blocks import Level, merge, with_exponents, write_requests
from hal.modbus import WriteWords
from hal.profile import Limits, Register, Write
from hal.profile_reader import find_board, find_meter
from hal.registers import ValueType

EPC = find_board("viridian_epc2plus")
PHOENIX = find_board("phoenix_ev_cc_basic")


def word(name: str, address: int, functions: tuple[int, ...] = (3,)) -> Register:
    return Register(name, functions, address, ValueType.UINT16, 1)


def spans(registers: list[Register], limits: Limits, level: Level = Level.HOLES) -> list[tuple[int, int]]:
    return [(block.address, block.count) for block in merge(registers, limits, level)]


def test_levels() -> None:
    registers = [word("a", 4), word("b", 5), word("c", 8), word("d", 30)]
    limits = Limits(largest_hole=2)
    assert spans(registers, limits) == [(4, 5), (30, 1)]
    assert spans(registers, limits, Level.TOUCHING) == [(4, 2), (8, 1), (30, 1)]
    assert spans(registers, limits, Level.SINGLE) == [(4, 1), (5, 1), (8, 1), (30, 1)]


def test_a_block_is_never_longer_than_allowed() -> None:
    registers = [word(str(at), at) for at in range(45)]
    assert spans(registers, Limits(max_read=20)) == [(0, 20), (20, 20), (40, 5)]


def test_even_starts() -> None:
    assert spans([word("a", 5)], Limits(even_starts=True)) == [(4, 2)]


def test_other_functions_are_other_blocks() -> None:
    assert len(merge([word("a", 0), word("b", 1, (4,)), word("c", 2, (4, 3))], Limits(largest_hole=9))) == 3


def test_values_find_their_words() -> None:
    (block,) = merge([word("a", 4), word("b", 7)], Limits(largest_hole=5))
    assert block.values([10, 11, 12, 13]) == {"a": 10, "b": 13}


@pytest.mark.parametrize(
    ("meter", "expected"),
    [("eastron_sdm72dm_v2", [(0, 18), (52, 2), (72, 2)]), ("eastron_sdm630", [(0, 80)])],
)
def test_the_fast_round_of_a_meter(meter: str, expected: list[tuple[int, int]]) -> None:
    profile = find_meter(meter)
    fast = [one for one in profile.registers.values() if one.measurand and not one.slow]
    assert spans(fast, profile.limits) == expected


def test_an_offer_to_an_epc_is_one_frame_so_there_is_no_half_of_it() -> None:
    assert write_requests(EPC.offer.grant, EPC.registers, 101, 16) == (WriteWords(101, 16, 5, (1, 16)),)
    assert write_requests(EPC.offer.withdraw, EPC.registers, 101) == (WriteWords(101, 16, 5, (0, 0)),)


def test_an_offer_to_a_phoenix_sets_the_current_before_it_enables() -> None:
    assert write_requests(PHOENIX.offer.grant, PHOENIX.registers, 1, 16) == (
        WriteWords(1, 16, 22000, (16,)),
        WriteWords(1, 5, 20000, (1,)),
    )


def test_a_value_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        write_requests((Write("set_current", 70000),), EPC.registers, 101)


@pytest.mark.parametrize(("power", "expected"), [(-1, 0.5), (2, 500.0), (31, None), (400, None), (-32768, None)])
def test_a_power_of_ten_that_no_meter_has_gives_no_value(power: int, expected: float | None) -> None:
    energy = replace(word("energy", 1), exponent="power")
    found = with_exponents((energy, word("power", 2)), {"energy": 5, "power": power})
    assert found["energy"] == expected
