"""Certification, SmartCharging: profiles that are set, combined and cleared, and the composite that is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from ocpp.v16 import call

from tests.certification.charging import DEFAULT, MAXIMUM, SESSION, clearing, composite, profile, setting
from tests.certification.messages import authorize, status
from tests.certification.tool import Tool, examine
from tests.rig.driver import CARD

NUMBER = 1
in_each_unit = pytest.mark.parametrize(("unit", "limit", "offered_a"), [("A", 6, 6), ("W", 6000, 8)])
"""6000 W are 8.7 A on each of three phases, and this board takes whole amperes."""


@in_each_unit
@pytest.mark.certification("TC_056_CS")
@pytest.mark.rule("ocpp16.C15")
@pytest.mark.rule("ocpp16.C07")
def test_tc_056_a_default_profile_limits_the_next_transaction(
    tmp_path: Path, unit: str, limit: float, offered_a: float
) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(setting(tool, profile(NUMBER, DEFAULT, (0, limit), unit=unit)), "Accepted")
        await tool.charge()
        await tool.ask(composite(tool, unit=unit), [(0, limit)])
        await expect_offered(tool, offered_a)

    examine(tmp_path, script)


@in_each_unit
@pytest.mark.certification("TC_057_CS")
@pytest.mark.rule("ocpp16.C15")
@pytest.mark.rule("ocpp16.C01")
def test_tc_057_a_profile_of_the_transaction_limits_it(
    tmp_path: Path, unit: str, limit: float, offered_a: float
) -> None:
    async def script(tool: Tool) -> None:
        transaction = await tool.charge()
        mine = profile(NUMBER, SESSION, (0, limit), unit=unit, transaction_id=transaction)
        await tool.ask(setting(tool, mine), "Accepted")
        await tool.ask(composite(tool, unit=unit), [(0, limit)])
        await expect_offered(tool, offered_a)

    examine(tmp_path, script)


@pytest.mark.certification("TC_058_1_CS")
@pytest.mark.rule("ocpp16.C01")
def test_tc_058_1_a_profile_of_a_transaction_needs_one(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(
            setting(tool, profile(NUMBER, SESSION, (0, 6))), "Rejected", "CALLERROR PropertyConstraintViolation"
        )
        await tool.expect_nothing()

    examine(tmp_path, script)


@pytest.mark.certification("TC_058_2_CS")
@pytest.mark.rule("ocpp16.C01")
def test_tc_058_2_a_profile_of_another_transaction_is_rejected(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        transaction = await tool.charge()
        other = profile(NUMBER, SESSION, (0, 6), transaction_id=transaction + 1)
        await tool.ask(setting(tool, other), "Rejected")
        await tool.ask(composite(tool), [(0, 16)])
        await tool.expect_nothing()

    examine(tmp_path, script)


@in_each_unit
@pytest.mark.certification("TC_082_CS")
@pytest.mark.rule("ocpp16.C13")
def test_tc_082_a_default_profile_limits_a_transaction_that_runs(
    tmp_path: Path, unit: str, limit: float, offered_a: float
) -> None:
    async def script(tool: Tool) -> None:
        await tool.charge()
        await tool.ask(setting(tool, profile(NUMBER, DEFAULT, (0, limit), unit=unit)), "Accepted")
        await tool.ask(composite(tool, unit=unit), [(0, limit)])
        await expect_offered(tool, offered_a)

    examine(tmp_path, script)


@pytest.mark.certification("TC_066_CS")
@pytest.mark.rule("ocpp16.C05")
@pytest.mark.rule("ocpp16.C15")
def test_tc_066_the_composite_is_the_least_of_station_and_session(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(setting(tool, profile(1, MAXIMUM, (0, 10)), 0), "Accepted")
        await tool.ask(setting(tool, profile(2, DEFAULT, (0, 6), duration=300)), "Accepted")
        transaction = await tool.charge()
        mine = profile(3, SESSION, (0, 8), (50, 11), (200, 6), (240, 12), transaction_id=transaction, duration=400)
        await tool.ask(setting(tool, mine), "Accepted")
        await tool.ask(composite(tool, 400), [(0, 8), (50, 10), (200, 6), (240, 10)])
        await tool.expect_nothing()

    examine(tmp_path, script)


@pytest.mark.certification("TC_067_CS")
@pytest.mark.rule("ocpp16.C15")
@pytest.mark.rule("ocpp16.C16")
def test_tc_067_profiles_are_cleared_by_id_by_what_they_are_and_all(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(setting(tool, profile(1, MAXIMUM, (0, 7)), 0), "Accepted")
        await tool.ask(setting(tool, profile(2, DEFAULT, (0, 8), level=2)), "Accepted")
        await tool.ask(setting(tool, profile(3, DEFAULT, (0, 9), level=1)), "Accepted")
        await tool.ask(composite(tool), [(0, 7)])
        await tool.ask(clearing(tool, id=1), "Accepted")
        await tool.ask(composite(tool), [(0, 8)])
        of_level_2 = {"connector_id": 1, "charging_profile_purpose": DEFAULT, "stack_level": 2}
        await tool.ask(clearing(tool, **of_level_2), "Accepted")
        await tool.ask(composite(tool), [(0, 9)])
        await tool.ask(clearing(tool, **of_level_2), "Unknown")
        await tool.ask(clearing(tool), "Accepted")
        await tool.ask(composite(tool), [(0, 16)])
        await tool.ask(composite(tool, unit="W"), [(0, 16 * 690)])
        await tool.ask(clearing(tool), "Unknown")
        await tool.expect_nothing()

    examine(tmp_path, script)


@pytest.mark.certification("TC_072_CS")
@pytest.mark.rule("ocpp16.C03")
@pytest.mark.rule("ocpp16.C06")
@pytest.mark.rule("ocpp16.C15")
def test_tc_072_the_higher_level_counts_while_it_lasts(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        below = profile(1, DEFAULT, (0, 7), (100, 9), (200, 10), level=0, duration=400)
        above = profile(2, DEFAULT, (0, 8), level=1, duration=50, from_s=150)
        await tool.ask(setting(tool, below), "Accepted")
        await tool.ask(setting(tool, above), "Accepted")
        found = await composite(tool, 350)
        assert found == [(0, 7), (100, 9), (150, 8), (200, 10)]
        await tool.expect_nothing()

    examine(tmp_path, script)


@in_each_unit
@pytest.mark.certification("TC_059_CS")
@pytest.mark.rule("ocpp16.C12")
@pytest.mark.rule("ocpp16.C15")
def test_tc_059_a_remote_start_brings_the_profile_of_its_transaction(
    tmp_path: Path, unit: str, limit: float, offered_a: float
) -> None:
    async def script(tool: Tool) -> None:
        brought = profile(NUMBER, SESSION, (0, limit), unit=unit)
        tool.rig.plug()
        await tool.expect(status(1, "Preparing"))
        await tool.ask(tool.backend.status_of(call.RemoteStartTransaction(CARD, 1, brought)), "Accepted")
        await tool.expect(authorize(CARD))
        await tool.expect_charging()
        await tool.ask(composite(tool, unit=unit), [(0, limit)])
        await expect_offered(tool, offered_a)

    examine(tmp_path, script, keys={"AuthorizeRemoteTxRequests": "true"})


@pytest.mark.certification("TC_060_CS")
@pytest.mark.rule("ocpp16.C12")
@pytest.mark.parametrize("purpose", [DEFAULT, MAXIMUM])
def test_tc_060_a_remote_start_brings_no_other_profile(tmp_path: Path, purpose: str) -> None:
    async def script(tool: Tool) -> None:
        wrong = call.RemoteStartTransaction(CARD, 1, profile(NUMBER, purpose, (0, 6)))
        await tool.ask(tool.backend.status_of(wrong), "Rejected", "CALLERROR PropertyConstraintViolation")
        await tool.expect_nothing()

    examine(tmp_path, script)


async def expect_offered(tool: Tool, current_a: float) -> None:
    """The car is told so much within the time of a change of the pilot, and nothing else happens."""
    await tool.expect_nothing()
    tool.rig.plant.sync()
    assert tool.rig.plant.connector(1).board.offered_a == pytest.approx(current_a, abs=0.3)
