"""Measurands: the standard's names, units and phases, and what a station can be asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.ocpp.v16.keys import StationFacts, read_value
from agent.ocpp.v16.measurands import MEASURANDS, phase_text, read_selections, reportable, selections_text, value_text
from agent.vocabulary.options import OPTION_BY_NAME, Selection
from hal.api import INTERVAL_OF, UNITS, Measurand, Phase
from hal.profile import MeterProfile
from hal.profile_reader import find, shipped_ids

METERS = [one for one in shipped_ids() if isinstance(find(one), MeterProfile)]
STANDARD = {
    *(f"Current.{way}" for way in ("Export", "Import", "Offered")),
    *(
        f"Energy.{kind}.{way}.{what}"
        for kind in ("Active", "Reactive")
        for way in ("Export", "Import")
        for what in ("Register", "Interval")
    ),
    "Frequency",
    *(f"Power.{kind}.{way}" for kind in ("Active", "Reactive") for way in ("Export", "Import")),
    "Power.Factor",
    "Power.Offered",
    "RPM",
    "SoC",
    "Temperature",
    "Voltage",
}
"""OCPP 1.6 7.31."""
UNITS_OF_THE_STANDARD = {"Wh", "varh", "W", "var", "A", "V", "Celcius", "Percent", ""}
PHASES = {"L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N"}


@pytest.mark.rule("ocpp16.X32")
def test_every_measurand_of_the_standard_has_its_row_but_the_speed_of_a_motor() -> None:
    assert len(STANDARD) == 22
    assert {name for name, _ in MEASURANDS.values()} == STANDARD - {"RPM"}
    assert set(MEASURANDS) == set(Measurand) == set(UNITS)


@pytest.mark.rule("ocpp16.X33")
def test_units_and_phases_are_words_of_the_standard() -> None:
    assert {unit for _, unit in MEASURANDS.values()} == UNITS_OF_THE_STANDARD
    assert {phase_text(measurand, phase) for measurand in Measurand for phase in Phase} == PHASES
    for measurand, (_, unit) in MEASURANDS.items():
        assert unit in (UNITS[measurand], "Celcius", "")


@pytest.mark.rule("ocpp16.X32")
@pytest.mark.parametrize("meter", METERS)
def test_everything_that_a_meter_gives_can_be_configured_in_total_and_per_phase(meter: str) -> None:
    profile = find(meter)
    given = [(one.measurand, one.phase) for one in profile.registers.values() if one.measurand is not None]
    offered = reportable(given)
    assert set(given) <= offered
    texts = [selections_text([Selection(measurand, phase)]) for measurand, phase in given]
    selections = read_selections(",".join(texts), {measurand for measurand, _ in offered})
    assert [(one.measurand, one.phase) for one in selections] == given


@pytest.mark.rule("ocpp16.X32")
def test_what_the_station_offers_and_what_registers_counted_can_be_asked_for_everywhere() -> None:
    offered = reportable([(Measurand.ENERGY_ACTIVE_EXPORT, None), (Measurand.ENERGY_ACTIVE_IMPORT, Phase.L2)])
    assert offered == {
        (Measurand.ENERGY_ACTIVE_IMPORT, None),
        (Measurand.ENERGY_ACTIVE_IMPORT_INTERVAL, None),
        (Measurand.ENERGY_ACTIVE_IMPORT, Phase.L2),
        (Measurand.ENERGY_ACTIVE_IMPORT_INTERVAL, Phase.L2),
        (Measurand.ENERGY_ACTIVE_EXPORT, None),
        (Measurand.ENERGY_ACTIVE_EXPORT_INTERVAL, None),
        (Measurand.CURRENT_OFFERED, None),
        (Measurand.POWER_OFFERED, None),
    }


@pytest.mark.rule("ocpp16.X32")
def test_a_station_takes_what_it_computes_and_refuses_what_nothing_here_gives(make_station: Callable[..., Any]) -> None:
    facts, option = StationFacts.of(make_station()), OPTION_BY_NAME["sampled_measurands"]
    assert read_value(option, "Current.Offered, Power.Offered,Energy.Active.Import.Interval", facts)
    for nothing in ("SoC", "Temperature", "Current.Export", "RPM", "Energy.Active.Export.Interval"):
        with pytest.raises(ValueError, match=nothing):
            read_value(option, nothing, facts)


@pytest.mark.rule("ocpp16.X03")
def test_energy_is_whole_and_rounded_the_same_way_everywhere() -> None:
    for measurand in (*INTERVAL_OF, *INTERVAL_OF.values()):
        assert [value_text(measurand, value) for value in (1.4, 1.5, 2.5, 1_234_567.5)] == ["1", "2", "2", "1234568"]
    assert value_text(Measurand.VOLTAGE, 230.10004) == "230.1"
