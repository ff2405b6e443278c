"""Bits to faults."""

from __future__ import annotations

from hal.api import Fault, FaultSeen, Reading
from hal.changes import FaultKeeper
from hal.drivers.fault_words import FaultWordDriver
from hal.profile import FaultWord
from hal.profile_reader import find_board


def told_by(words: tuple[FaultWord, ...], **values: int | None) -> list[FaultSeen]:
    told: list[Reading] = []
    FaultWordDriver(words, FaultKeeper(1, told.append, lambda _: None)).take(values, 0)
    return [one for one in told if isinstance(one, FaultSeen)]


PHOENIX = find_board("phoenix_ev_cc_basic").faults
EPC = find_board("viridian_epc2plus").faults


def test_phoenix_bits() -> None:
    (seen,) = told_by(PHOENIX, error_bits=1 << 12)
    assert (seen.fault, seen.detail) == (Fault.CONTACTOR_WELDED, "error_bits 0x1000 bit 12")


def test_the_high_word_is_told_where_it_is_there() -> None:
    (seen,) = told_by(PHOENIX, error_bits=0, error_bits_high=1)
    assert seen.fault is Fault.RESIDUAL_CURRENT
    assert told_by(PHOENIX, error_bits=0) == []


def test_a_bit_that_nobody_explains() -> None:
    (seen,) = told_by(PHOENIX, error_bits=1 << 9)
    assert (seen.fault, seen.detail) == (Fault.CONTROLLER_OTHER, "error_bits 0x0200")


def test_an_epc_tells_every_error_as_other_too_since_its_bits_are_assumed() -> None:
    assert [one.fault for one in told_by(EPC, error_code=1)] == [Fault.DIODE, Fault.CONTROLLER_OTHER]
    assert [one.fault for one in told_by(EPC, error_code=0x80)] == [Fault.CONTROLLER_OTHER]
    assert told_by(EPC, error_code=0) == []
    assert told_by(EPC, error_code=None) == []


def test_what_is_explained_is_told_first_and_ends_last() -> None:
    told: list[Reading] = []
    faults = FaultKeeper(1, told.append, lambda _: None)
    driver = FaultWordDriver(EPC, faults)
    for second in range(10):
        driver.take({"error_code": 2 if 1 <= second < 3 else 0}, float(second))
        faults.tick(float(second))  # as each round of a board does
    seen = [(one.fault, one.active) for one in told if isinstance(one, FaultSeen)]
    general, special = Fault.CONTROLLER_OTHER, Fault.RESIDUAL_CURRENT
    assert seen == [(special, True), (general, True), (general, False), (special, False)]
