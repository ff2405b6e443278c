"""Certification, Reservation: a connector or the station is kept for a card, and how that ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ocpp.v16 import call

from agent.vocabulary.moments import iso8601
from tests.certification.messages import authorize, status
from tests.certification.tool import FAMILY_CARD, OTHER_CARD, Tool, examine, station
from tests.rig.driver import CARD
from tests.rig.rig_options import RigOptions
from tests.rig.virtual_time import wall_ms

NUMBER = 7
TIME_OUT_S = 20
STATION, CONNECTOR = 0, 1


def reserving(tool: Tool, connector: int = CONNECTOR, *, seconds: float = 600, parent: str | None = None) -> Any:
    """ReserveNow for `CARD`: the status."""
    request = call.ReserveNow(
        connector_id=connector,
        expiry_date=iso8601(wall_ms() + round(1000 * seconds)),
        id_tag=CARD,
        reservation_id=NUMBER,
        parent_id_tag=parent,
    )
    return tool.backend.status_of(request)


def cancelling(tool: Tool) -> Any:
    """CancelReservation: the status."""
    return tool.backend.status_of(call.CancelReservation(reservation_id=NUMBER))


async def reserve(tool: Tool, connector: int = CONNECTOR, **more: Any) -> None:
    """A reservation that is accepted and shown."""
    await tool.ask(reserving(tool, connector, **more), "Accepted")
    await tool.expect(status(1, "Reserved"))


@pytest.mark.certification("TC_046_1_CS")
@pytest.mark.rule("ocpp16.R04")
@pytest.mark.rule("ocpp16.R06")
def test_tc_046_1_the_card_charges_at_the_connector_that_is_kept_for_it(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await reserve(tool)
        tool.rig.card()
        await tool.expect_in_any_order(authorize(CARD), status(1, "Preparing"))
        tool.rig.plug()
        await tool.expect_charging(reservation=NUMBER)
        await tool.expect_nothing()

    examine(tmp_path, script)


@pytest.mark.certification("TC_046_2_CS")
@pytest.mark.rule("ocpp16.R06")
def test_tc_046_2_a_remote_start_uses_the_reservation_of_its_card(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await reserve(tool)
        await tool.ask(tool.backend.remote_start(CARD, 1), "Accepted")
        await tool.expect_in_any_order(authorize(CARD), status(1, "Preparing"))
        tool.rig.plug()
        await tool.expect_charging(reservation=NUMBER)
        await tool.expect_nothing()

    examine(tmp_path, script, keys={"AuthorizeRemoteTxRequests": "true"})


@pytest.mark.certification("TC_047_CS")
@pytest.mark.rule("ocpp16.R05")
def test_tc_047_a_reservation_ends_at_its_date_and_others_charge(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await reserve(tool, seconds=TIME_OUT_S)
        begun_s = tool.now_s()
        available = await tool.expect(status(1, "Available"), within_s=TIME_OUT_S + 5)
        assert available.at_s - begun_s == pytest.approx(TIME_OUT_S, abs=2)
        await tool.charge(OTHER_CARD)

    examine(tmp_path, script, keys={"AuthorizeRemoteTxRequests": "true"})


@pytest.mark.certification("TC_048_1_CS")
@pytest.mark.rule("ocpp16.R01")
def test_tc_048_1_a_faulted_connector_is_not_kept(tmp_path: Path) -> None:
    refused_where_faulted(tmp_path, CONNECTOR)


@pytest.mark.certification("TC_050_1_CS")
@pytest.mark.rule("ocpp16.R01")
def test_tc_050_1_a_faulted_station_is_not_kept(tmp_path: Path) -> None:
    refused_where_faulted(tmp_path, STATION)


@pytest.mark.certification("TC_048_2_CS")
@pytest.mark.rule("ocpp16.R01")
def test_tc_048_2_an_occupied_connector_is_not_kept(tmp_path: Path) -> None:
    refused_where_occupied(tmp_path, CONNECTOR)


@pytest.mark.certification("TC_050_2_CS")
@pytest.mark.rule("ocpp16.R01")
def test_tc_050_2_an_occupied_station_is_not_kept(tmp_path: Path) -> None:
    refused_where_occupied(tmp_path, STATION)


@pytest.mark.certification("TC_048_3_CS")
@pytest.mark.rule("ocpp16.R01")
def test_tc_048_3_an_unavailable_connector_is_not_kept(tmp_path: Path) -> None:
    refused_where_unavailable(tmp_path, CONNECTOR)


@pytest.mark.certification("TC_050_3_CS")
@pytest.mark.rule("ocpp16.R01")
def test_tc_050_3_an_unavailable_station_is_not_kept(tmp_path: Path) -> None:
    refused_where_unavailable(tmp_path, STATION)


@pytest.mark.certification("TC_048_4_CS")
@pytest.mark.rule("ocpp16.R01")
def test_tc_048_4_a_station_that_keeps_no_connector_for_this_backend_says_rejected(tmp_path: Path) -> None:
    refused_for_data_and_control(tmp_path, CONNECTOR)


@pytest.mark.certification("TC_050_4_CS")
@pytest.mark.rule("ocpp16.R01")
def test_tc_050_4_a_station_that_is_not_kept_for_this_backend_says_rejected(tmp_path: Path) -> None:
    refused_for_data_and_control(tmp_path, STATION)


@pytest.mark.certification("TC_049_CS")
@pytest.mark.rule("ocpp16.R03")
def test_tc_049_the_last_free_connector_is_shown_as_reserved(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(tool.backend.change_availability(2, "Inoperative"), "Accepted")
        await tool.expect(status(2, "Unavailable"))
        await reserve(tool, STATION)
        tool.rig.card()
        await tool.expect_in_any_order(authorize(CARD), status(1, "Preparing"))
        tool.rig.plug()
        await tool.expect_charging(reservation=NUMBER)
        await tool.expect_nothing()

    examine(tmp_path, script, options=station(connectors=2))


@pytest.mark.certification("TC_049_CS")
@pytest.mark.rule("ocpp16.R03")
def test_tc_049_the_only_connector_is_shown_as_reserved(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await reserve(tool, STATION)
        tool.rig.card(OTHER_CARD)
        await tool.expect_nothing()
        assert not tool.rig.closed()
        tool.rig.card()
        await tool.expect_in_any_order(authorize(CARD), status(1, "Preparing"))
        tool.rig.plug()
        await tool.expect_charging(reservation=NUMBER)

    examine(tmp_path, script)


@pytest.mark.certification("TC_051_CS")
@pytest.mark.rule("ocpp16.R05")
def test_tc_051_a_cancelled_reservation_is_in_no_start(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await reserve(tool)
        await tool.ask(cancelling(tool), "Accepted")
        await tool.expect(status(1, "Available"))
        await tool.charge()
        await tool.expect_nothing()

    examine(tmp_path, script)


@pytest.mark.certification("TC_052_CS")
@pytest.mark.rule("ocpp16.R05")
def test_tc_052_a_reservation_that_there_is_not_cannot_be_cancelled(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(cancelling(tool), "Rejected")
        await tool.expect_nothing()

    examine(tmp_path, script)


@pytest.mark.certification("TC_053_CS")
@pytest.mark.rule("ocpp16.R04")
@pytest.mark.parametrize("remotely", [False, True], ids=["card", "remote start"])
def test_tc_053_a_card_of_the_same_group_uses_the_reservation(tmp_path: Path, remotely: bool) -> None:
    async def script(tool: Tool) -> None:
        tool.backend.script.parents[FAMILY_CARD] = "FAMILY"
        await reserve(tool, parent="FAMILY")
        if remotely:
            await tool.ask(tool.backend.remote_start(FAMILY_CARD, 1), "Accepted")
        else:
            tool.rig.card(FAMILY_CARD)
        await tool.expect_in_any_order(authorize(FAMILY_CARD), status(1, "Preparing"))
        tool.rig.plug()
        await tool.expect_charging(FAMILY_CARD, reservation=NUMBER)
        await tool.expect_nothing()

    examine(tmp_path, script)


def refused_where_faulted(folder: Path, connector: int) -> None:
    """A fault of the only connector."""

    async def script(tool: Tool) -> None:
        tool.rig.fault("residual_current")
        await tool.expect(status(1, "Faulted", error="GroundFailure"))
        await tool.ask(reserving(tool, connector), "Faulted")
        await tool.expect_nothing()

    examine(folder, script)


def refused_where_occupied(folder: Path, connector: int) -> None:
    """A car at the only connector, before and while it charges."""

    async def script(tool: Tool) -> None:
        tool.rig.plug()
        await tool.expect(status(1, "Preparing"))
        await tool.ask(reserving(tool, connector), "Occupied")
        tool.rig.card()
        await tool.expect(authorize(CARD))
        await tool.expect_charging()
        await tool.ask(reserving(tool, connector), "Occupied")
        await tool.expect_nothing()

    examine(folder, script)


def refused_where_unavailable(folder: Path, connector: int) -> None:
    """What is reserved was put out of service."""

    async def script(tool: Tool) -> None:
        await tool.ask(tool.backend.change_availability(connector, "Inoperative"), "Accepted")
        gone = [status(each, "Unavailable") for each in range(connector, 2)]
        await tool.expect_in_any_order(*gone)
        await tool.ask(reserving(tool, connector), "Unavailable")
        await tool.expect_nothing()

    examine(folder, script)


def refused_for_data_and_control(folder: Path, connector: int) -> None:
    """Beside a Billing upstream nobody else may reserve: the profile is off for this backend."""

    async def script(tool: Tool) -> None:
        await tool.ask(reserving(tool, connector), "Rejected")
        await tool.expect_nothing()

    examine(folder, script, options=RigOptions(management_keys={}))
