"""What registers counted between two samples: per register and phase, never negative, nothing for what is new."""

from __future__ import annotations

from agent.station.evse.intervals import Intervals
from hal.api import Measurand, Measured, Phase

EXPORT, EXPORTED = Measurand.ENERGY_ACTIVE_EXPORT, Measurand.ENERGY_ACTIVE_EXPORT_INTERVAL
IMPORTED = Measurand.ENERGY_ACTIVE_IMPORT_INTERVAL


def test_each_register_and_phase_counts_for_itself() -> None:
    intervals = Intervals()
    intervals.begin(1000, (Measured(EXPORT, 5.0), Measured(EXPORT, 2.0, Phase.L1), Measured(Measurand.VOLTAGE, 230.0)))
    taken = intervals.take(1010, (Measured(EXPORT, 8.5), Measured(EXPORT, 2.0, Phase.L1)))
    assert set(taken) == {Measured(EXPORTED, 3.5), Measured(EXPORTED, 0.0, Phase.L1), Measured(IMPORTED, 10.0)}
    assert intervals.take(1011, ()) == (Measured(IMPORTED, 1.0),)


def test_the_billed_register_counts_and_not_the_one_of_the_meter() -> None:
    intervals = Intervals()
    intervals.begin(1000, (Measured(Measurand.ENERGY_ACTIVE_IMPORT, 70_000.0),))
    assert intervals.take(1004, (Measured(Measurand.ENERGY_ACTIVE_IMPORT, 2.0),)) == (Measured(IMPORTED, 4.0),)


def test_what_is_new_or_fell_counts_nothing() -> None:
    intervals = Intervals()
    assert intervals.take(1000, ()) == ()
    assert intervals.take(900, ()) == (Measured(IMPORTED, 0.0),)
