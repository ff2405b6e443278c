"""Two connectors and one reader: which connector a card means."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.driver import CARD
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import OTHER_CARD, SAME_CARD_S, begin, leave, logged, play, wait

TWO = RigOptions(connectors=2)

pytestmark = [pytest.mark.rule("product.N6")]


def started(rig: StationRig) -> list[tuple[int, str]]:
    """Connector and card of each start, as the primary was told."""
    return [(start.connector, start.id_tag) for start in rig.primary.ledger.starts()]


@pytest.mark.rule("ocpp16.X08")
@pytest.mark.rule("two-upstreams.TU04")
def test_a_card_that_charges_starts_the_waiting_car_too_and_then_stops_its_own(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig, 1)
        rig.plug(2)
        await rig.until_status("Preparing", 2)
        await wait(SAME_CARD_S)
        rig.card(CARD)
        await rig.until_status("Charging", 2)
        assert rig.closed(1)
        assert started(rig) == [(1, CARD), (2, CARD)]
        assert await rig.primary.remote_stop(2001) == "Accepted"  # the second, by the id that the primary gave
        await rig.until_delivered(1)
        assert rig.closed(1)
        await leave(rig, 2)
        rig.card(CARD)
        await rig.until_delivered(2)
        await leave(rig, 1)

    play(tmp_path, story, TWO)


def test_of_two_waiting_cars_the_last_that_was_plugged_is_meant(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.plug(2)
        await rig.until_status("Preparing", 2)
        rig.plug(1)
        await rig.until_status("Preparing", 1)
        rig.card(CARD)
        await rig.until_status("Charging", 1)
        rig.card(OTHER_CARD)
        await rig.until_status("Charging", 2)
        assert started(rig) == [(1, CARD), (2, OTHER_CARD)]
        await wait(SAME_CARD_S)
        rig.card(OTHER_CARD)
        await rig.until_delivered(1)
        assert rig.closed(1)
        assert not rig.closed(2)
        rig.card(CARD)
        await rig.until_delivered(2)
        await leave(rig, 1)
        await leave(rig, 2)

    play(tmp_path, story, TWO)


def test_a_card_that_comes_first_means_the_next_car_that_is_plugged(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.card(CARD)
        await wait(5)
        rig.plug(2)
        await rig.until_status("Charging", 2)
        rig.plug(1)
        await rig.until_status("Preparing", 1)
        await wait(5)
        assert not rig.closed(1)
        assert started(rig) == [(2, CARD)]
        rig.unplug(1)
        await wait(1)
        rig.card(CARD)
        await rig.until_delivered(1)
        await leave(rig, 2)

    play(tmp_path, story, TWO)


def test_a_card_with_a_random_id_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.plug(1)
        await rig.until_status("Preparing", 1)
        rig.card("08A1B2C3")
        await wait(5)
        assert not rig.primary.ledger.calls("Authorize")
        assert logged(rig, "random")

    play(tmp_path, story, TWO)


@pytest.mark.rule("INV-5")
def test_what_happens_at_one_connector_leaves_the_other_alone(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig, 1)
        rig.plug(2)
        await rig.until_status("Preparing", 2)
        rig.card(OTHER_CARD)
        await rig.until_status("Charging", 2)
        rig.fault("residual_current", connector=1)
        await rig.until_delivered(1)
        assert rig.closed(2)
        assert rig.primary.ledger.status(2) == "Charging"
        rig.fault("residual_current", False, connector=1)
        rig.unplug(1)
        rig.unplug(2)
        await rig.until_delivered(2)
        await rig.until_status("Available", 2)

    play(tmp_path, story, TWO)
