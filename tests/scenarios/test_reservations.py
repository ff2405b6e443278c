"""Reservations from both sides: who may charge at what is kept for somebody, and how a reservation ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from ocpp.v16 import call

from agent.vocabulary.moments import iso8601
from tests.rig.backend import ScriptedBackend
from tests.rig.driver import CARD
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import wall_ms
from tests.scenarios.acts import OTHER_CARD, back, begin, end, play, statuses, wait

ALONE = RigOptions(primary=False)


async def reserve(
    backend: ScriptedBackend,
    number: int,
    connector: int = 1,
    card: str = CARD,
    parent: str | None = None,
    seconds: float = 600,
) -> str:
    """ReserveNow: the status."""
    request = call.ReserveNow(
        connector_id=connector,
        expiry_date=iso8601(wall_ms() + round(1000 * seconds)),
        id_tag=card,
        reservation_id=number,
        parent_id_tag=parent,
    )
    return await backend.status_of(request)


async def cancel(backend: ScriptedBackend, number: int) -> str:
    """CancelReservation: the status."""
    return await backend.status_of(call.CancelReservation(reservation_id=number))


def used(backend: ScriptedBackend) -> list[int | None]:
    """The reservations that the starts name."""
    return [frame.payload.get("reservationId") for frame in backend.ledger.deduplicated("StartTransaction")]


@pytest.mark.rule("ocpp16.R04")
@pytest.mark.rule("ocpp16.X04")
@pytest.mark.rule("product.H10")
def test_only_the_reserved_card_charges_and_only_its_operator_learns_the_reservation(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        assert await reserve(rig.management, 1) == "Rejected"
        assert await reserve(rig.primary, 7) == "Accepted"
        for backend in rig.backends:
            await rig.until(lambda b=backend: statuses(b)[-1] == "Reserved", within_s=5)
        asked = len(rig.primary.ledger.calls("Authorize"))
        rig.card(OTHER_CARD)
        await wait(6)
        assert len(rig.primary.ledger.calls("Authorize")) == asked
        assert await rig.primary.remote_start(OTHER_CARD, 1) == "Rejected"
        rig.card(CARD)
        await rig.until_status("Preparing")
        rig.plug()
        await rig.until_status("Charging")
        assert used(rig.primary) == [7]
        assert used(rig.management) == [None]
        assert await cancel(rig.primary, 7) == "Rejected"
        await end(rig)

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.R04")
def test_a_card_of_the_reserved_parent_charges_once_its_parent_is_known(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.management.script.parents[OTHER_CARD] = "GROUP"
        assert await reserve(rig.management, 7, card="SOMEBODY", parent="GROUP") == "Accepted"
        await rig.until_status("Reserved")
        rig.card(CARD)
        await wait(6)
        assert rig.management.ledger.status(1) == "Reserved"
        rig.card(OTHER_CARD)
        await rig.until_status("Preparing")
        rig.plug()
        await rig.until_status("Charging")
        assert used(rig.management) == [7]
        await end(rig, card=OTHER_CARD)

    play(tmp_path, story, ALONE)


@pytest.mark.rule("ocpp16.R05")
@pytest.mark.rule("ocpp16.R07")
def test_a_reservation_survives_a_power_cut_and_ends_at_its_date(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        assert await reserve(rig.management, 7, seconds=120) == "Accepted"
        await rig.until_status("Reserved")
        before = asyncio.get_running_loop().time()
        await back(rig, rig.power_cut())
        assert statuses(rig.management)[-1] == "Reserved"
        await rig.until(lambda: statuses(rig.management)[-1] == "Available", within_s=200)
        assert asyncio.get_running_loop().time() - before == pytest.approx(120, abs=3)
        await begin(rig, card=OTHER_CARD)
        assert used(rig.management) == [None]
        await end(rig, card=OTHER_CARD)

    play(tmp_path, story, ALONE)


@pytest.mark.rule("ocpp16.R05")
@pytest.mark.rule("ocpp16.S43")
def test_a_reservation_is_cancelled_or_ends_with_its_connector(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        operator = rig.management
        assert await cancel(operator, 7) == "Rejected"
        assert await reserve(operator, 7) == "Accepted"
        await rig.until_status("Reserved")
        assert await cancel(operator, 7) == "Accepted"
        await rig.until_status("Available")
        assert await reserve(operator, 8) == "Accepted"
        await rig.until_status("Reserved")
        assert await reserve(operator, 9, card=OTHER_CARD) == "Occupied"
        assert await reserve(operator, 8, card=OTHER_CARD) == "Accepted"  # the same id is replaced
        assert await operator.change_availability(1, "Inoperative") == "Accepted"
        await rig.until_status("Unavailable")
        assert await reserve(operator, 9) == "Unavailable"
        assert await operator.change_availability(1, "Operative") == "Accepted"
        await rig.until_status("Available")
        assert await cancel(operator, 8) == "Rejected"

    play(tmp_path, story, ALONE)


@pytest.mark.rule("ocpp16.R03")
def test_a_reservation_of_any_connector_keeps_one_free(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        assert await reserve(rig.management, 7, connector=0) == "Accepted"
        await wait(2)
        assert rig.management.ledger.status(1) == "Available"
        await begin(rig, 1, card=OTHER_CARD)
        await rig.until_status("Reserved", 2)
        await end(rig, 1, card=OTHER_CARD)
        await rig.until_status("Available", 2)
        await begin(rig, 2, card=CARD)
        assert used(rig.management) == [None, 7]
        await end(rig, 2, card=CARD, sessions=2)

    play(tmp_path, story, RigOptions(primary=False, connectors=2))


@pytest.mark.rule("ocpp16.R08")
def test_a_driver_who_shows_the_card_and_never_plugs_keeps_the_reservation(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        assert await rig.management.change_configuration("ConnectionTimeOut", "30") == "Accepted"
        assert await reserve(rig.management, 7, seconds=300) == "Accepted"
        await rig.until_status("Reserved")
        rig.card(CARD)
        await rig.until_status("Preparing")
        await rig.until_status("Reserved", within_s=60)
        assert statuses(rig.management)[-3:] == ["Preparing", "Available", "Reserved"]

    play(tmp_path, story, ALONE)
