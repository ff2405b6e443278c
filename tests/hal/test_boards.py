"""From plan to hardware: what is refused, what the capabilities say, what is left for the day the agent dies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hal import modbus
from hal.api import (
    BusPlan,
    ConnectorPlan,
    ContactorFeedback,
    DeadMan,
    HardwarePlan,
    LockConfirmation,
    Measurand,
    Phase,
)
from hal.blocks import area_writes
from hal.boards import StationHardware, build
from hal.profile_reader import find_meter
from hal.toml_table import ProfileError

CONNECTOR = ConnectorPlan(1, "viridian_epc2plus", "rs485", None, "eastron_sdm72dm_v2", "meters", None, 20.0)
PLAN = HardwarePlan((BusPlan("rs485", "/dev/a"), BusPlan("meters", "/dev/b")), (CONNECTOR,))


def make(plan: HardwarePlan) -> StationHardware:
    return build(plan, lambda _: None, log=lambda _: None)


def test_capabilities_of_an_epc() -> None:
    found = make(PLAN).capabilities[1]
    assert found.contactor_feedback is ContactorFeedback.STATE
    assert found.lock is LockConfirmation.READBACK
    assert found.dead_man == DeadMan(10, 0)
    assert (found.minimum_current_a, found.maximum_current_a) == (6, 20)
    assert found.light
    assert not found.key_input
    assert found.cable_rating
    assert (Measurand.VOLTAGE, Phase.L3) in found.measurands
    assert (Measurand.ENERGY_ACTIVE_IMPORT, None) in found.measurands
    assert any(one.startswith("fallback_zero: ") for one in found.assumptions)
    assert any("meter" in one.lower() for one in found.limitations)


def test_capabilities_of_a_phoenix_say_what_it_lacks() -> None:
    found = make(replace(PLAN, connectors=(replace(CONNECTOR, board="phoenix_ev_cc_basic"),))).capabilities[1]
    assert found.dead_man is None
    assert not found.light
    assert found.key_input
    assert found.lock is LockConfirmation.NO_FAULT_AFTER_MS
    assert any("dead-man" in one for one in found.limitations)
    assert any(one.startswith("function_24000: ") for one in found.assumptions)


def test_the_worst_opening_time_grows_with_what_shares_the_line() -> None:
    alone = make(PLAN).capabilities[1].worst_opening_ms
    bus = BusPlan("rs485", "/dev/a", 9600, "N", 1)
    shared = replace(PLAN, buses=(bus,), connectors=(replace(CONNECTOR, meter_bus="rs485"),))
    two = (
        replace(CONNECTOR, meter_bus="rs485"),
        replace(CONNECTOR, id=2, board_unit=102, meter_unit=2, meter_bus="rs485"),
    )
    slower = make(shared).capabilities[1].worst_opening_ms
    slowest = make(replace(shared, connectors=two)).capabilities[1].worst_opening_ms
    assert 500 < alone < slower < slowest < 4000


def test_the_longest_exchange_with_a_meter_that_signs_is_one_of_its_writes() -> None:
    meter = find_meter("iskra_wm3m4c", ())
    assert meter.signing is not None
    requests = area_writes(meter.signing.identification, bytes(200), 33, meter.limits)
    octets = max(len(modbus.encode(one)) + modbus.response_length(one) for one in requests)
    longest = modbus.Read(33, 3, 0, meter.longest_exchange)
    assert octets == len(modbus.encode(longest)) + modbus.response_length(longest)
    assert find_meter("eastron_sdm72dm_v2", ()).longest_exchange == find_meter("eastron_sdm72dm_v2", ()).limits.max_read


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"buses": (BusPlan("rs485", "/dev/a"),)}, r"meter_bus: there is no bus 'meters'; there are: rs485"),
        ({"connectors": (replace(CONNECTOR, id=2),)}, r"number them 1, 2"),
        ({"connectors": (CONNECTOR, CONNECTOR)}, r"number them 1, 2"),
        ({"buses": (*PLAN.buses, BusPlan("third", "/dev/c"))}, r"'third': no connector uses it"),
        ({"buses": (*PLAN.buses, BusPlan("rs485", "/dev/c"))}, r"a name of its own"),
        ({"connectors": (replace(CONNECTOR, board="epc"),)}, r"no profile 'epc'; there are"),
        ({"connectors": (replace(CONNECTOR, board="rdm6300"),)}, r"is not one of a board"),
        (
            {"buses": (BusPlan("rs485", "/dev/a"),), "connectors": (replace(CONNECTOR, meter_bus="rs485"),)},
            r"'rs485': baud: its devices differ \(viridian_epc2plus 19200, eastron_sdm72dm_v2 9600\)",
        ),
        (
            {"connectors": (CONNECTOR, replace(CONNECTOR, id=2, meter_unit=2))},
            r"bus 'rs485': unit 101 is board of connector 1 and board of connector 2; give each a unit of its own",
        ),
        (
            {
                "buses": (BusPlan("rs485", "/dev/a", 9600, "N", 1),),
                "connectors": (replace(CONNECTOR, board_unit=1, meter_bus="rs485"),),
            },
            r"unit 1 is board of connector 1 and meter of connector 1",
        ),
        (
            {"connectors": (replace(CONNECTOR, key_input=True),)},
            r"connector 1: board 'viridian_epc2plus' has no key input; authorise by card, or .* a board with \[key\]",
        ),
        (
            {"connectors": (replace(CONNECTOR, signing_required=True),)},
            r"connector 1: meter 'eastron_.*' does not sign; choose another, or signed = 'off'",
        ),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        make(replace(PLAN, **change))
