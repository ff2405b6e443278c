"""Samples of a meter to readings."""

from __future__ import annotations

from typing import Any

import pytest

from hal.api import ContactorFeedback, ContactorKind, Fault, FaultSeen, Measurand, Phase, Reading
from hal.changes import Changes, FaultKeeper
from hal.drivers.contactor import ContactorDriver
from hal.drivers.meter import MeterDriver
from hal.profile import ContactorPart
from hal.profile_reader import find_meter

GOOD: dict[str, Any] = {
    **{f"voltage_l{phase}": 230.0 for phase in (1, 2, 3)},
    **{f"current_l{phase}": 16.0 for phase in (1, 2, 3)},
    **{f"power_l{phase}": 3680.0 for phase in (1, 2, 3)},
    "power": 11040.0,
    "energy_import": 5000.5,
}


class Desk:
    def __init__(self, phases: int = 3) -> None:
        self.told: list[Reading] = []
        self.faults = FaultKeeper(1, self.told.append, lambda _: None)
        part = ContactorPart(ContactorKind.AUTONOMOUS, ContactorFeedback.STATE)
        contactor = ContactorDriver(1, part, Changes(self.told.append), self.faults)
        self.meter = MeterDriver(1, find_meter("eastron_sdm72dm_v2"), phases, self.faults, contactor)


def test_energy_is_rounded_half_to_even_and_other_values_keep_their_phase() -> None:
    (seen,) = Desk().meter.take(GOOD, (0,), 0)
    assert (seen.energy_wh, seen.request) == (5000, 0)
    assert seen.value(Measurand.CURRENT_IMPORT, Phase.L2) == 16.0
    assert seen.value(Measurand.POWER_ACTIVE_IMPORT) == 11040.0
    assert seen.value(Measurand.ENERGY_ACTIVE_IMPORT) is None


def test_slow_values_are_kept_between_their_rounds() -> None:
    desk = Desk()
    desk.meter.take(GOOD | {"frequency": 50.0}, (0,), 0)
    (seen,) = desk.meter.take(GOOD, (7,), 1)
    assert seen.value(Measurand.FREQUENCY) == 50.0
    assert seen.request == 7
    assert "frequency" not in {one.name for one in desk.meter.wanted(False)}
    assert "frequency" in {one.name for one in desk.meter.wanted(True)}


def test_every_request_is_answered() -> None:
    assert [one.request for one in Desk().meter.take(GOOD, (3, 4), 0)] == [3, 4]


def test_a_single_phase_connection_has_one_phase() -> None:
    desk = Desk(phases=1)
    assert (Measurand.VOLTAGE, Phase.L2) not in desk.meter.measurands
    one_phase = GOOD | {"power": 3680.0}
    (seen,) = desk.meter.take({k: v for k, v in one_phase.items() if k[-2:] not in ("l2", "l3")}, (0,), 0)
    assert {one.phase for one in seen.values} == {None, Phase.L1}


def test_what_cannot_be_true_is_dropped_and_a_fault_after_three() -> None:
    desk = Desk()
    for at in range(3):
        assert desk.meter.take(GOOD | {"voltage_l1": 2141.0}, (0,), at) == ()
        assert desk.faults.active(Fault.METER_IMPLAUSIBLE) is (at == 2)
    assert desk.meter.take(GOOD, (0,), 3)
    desk.faults.tick(6)
    assert not desk.faults.active(Fault.METER_IMPLAUSIBLE)


def test_a_meter_without_an_energy_value_is_implausible() -> None:
    desk = Desk()
    assert desk.meter.take(GOOD | {"energy_import": None}, (0,), 0) == ()
    assert desk.faults.active(Fault.METER_IMPLAUSIBLE)


@pytest.mark.parametrize(
    ("volt", "fault"), [(170.0, Fault.UNDER_VOLTAGE), (270.0, Fault.OVER_VOLTAGE), (200.0, None), (0.0, None)]
)
def test_voltages_out_of_the_band(volt: float, fault: Fault | None) -> None:
    desk = Desk()
    desk.meter.take(GOOD | {"voltage_l2": volt, "power": 9000.0}, (0,), 0)
    active = [one for one in (Fault.UNDER_VOLTAGE, Fault.OVER_VOLTAGE) if desk.faults.active(one)]
    assert active == ([fault] if fault else [])


@pytest.mark.rule("ocpp16.X40")
def test_an_odd_register_is_told_and_its_readings_count_all_the_same() -> None:
    desk = Desk()
    for second in range(4):
        desk.meter.take(GOOD, (0,), second)
    energies = [desk.meter.take(GOOD | {"energy_import": 5500.0}, (0,), 4 + second) for second in range(6)]
    told = [(one.fault, one.active, one.detail) for one in desk.told if isinstance(one, FaultSeen)]
    assert (Fault.METER_SUSPECT, True, "register jumped by 500 Wh") in told
    assert [reading.energy_wh for round in energies for reading in round] == [5500] * 3  # three had to agree first
