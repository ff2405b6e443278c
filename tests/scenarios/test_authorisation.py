"""Who may charge: late answers, verdicts of either backend, cards that wait, cancel or come with their parents."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.driver import CARD
from tests.rig.rig_options import RigOptions
from tests.rig.script import Delayed, Silent
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import (
    OTHER_CARD,
    SAME_CARD_S,
    begin,
    end,
    leave,
    logged,
    play,
    reasons,
    statuses,
    wait,
)

LATE_S = 6.0
"""Within the deadline of ten seconds, and after what happens meanwhile."""


def nothing_happened(rig: StationRig) -> None:
    """No power, no transaction, anywhere."""
    assert not rig.closed()
    assert rig.plant.history.at(1, "offered_a", rig.plant.time_s) == 0
    assert not any(backend.ledger.starts() for backend in rig.backends)


@pytest.mark.rule("INV-7")
@pytest.mark.rule("product.H5")
def test_an_accepted_that_comes_after_the_car_has_left_does_nothing(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.next_time("Authorize", Delayed(LATE_S))
        rig.plug()
        await rig.until_status("Preparing")
        rig.card()
        await wait(2)
        rig.unplug()
        await rig.until_status("Available")
        await wait(2)
        rig.plug()  # the next one to come is nobody's friend
        await wait(LATE_S)
        assert len(rig.primary.ledger.calls("Authorize")) == 1
        nothing_happened(rig)
        rig.unplug()

    play(tmp_path, story)


@pytest.mark.rule("INV-7")
@pytest.mark.rule("product.H5")
def test_an_accepted_that_comes_after_the_card_has_cancelled_does_nothing(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.next_time("Authorize", Delayed(LATE_S))
        rig.plug()
        await rig.until_status("Preparing")
        rig.card()
        await wait(SAME_CARD_S)
        rig.card()
        await wait(LATE_S)
        nothing_happened(rig)
        assert logged(rig, "station.session_abandoned", "cancelled")

    play(tmp_path, story)


@pytest.mark.rule("INV-7")
@pytest.mark.rule("product.H1")
@pytest.mark.rule("product.H5")
def test_an_accepted_that_comes_after_the_deadline_does_nothing(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.next_time("Authorize", Delayed(12))
        rig.plug()
        await rig.until_status("Preparing")
        rig.card()
        await wait(20)
        nothing_happened(rig)
        assert not rig.management.ledger.calls("Authorize")  # nobody else is asked
        assert rig.primary.ledger.status(1) == "Preparing"
        rig.card()
        await rig.until_status("Charging")
        await end(rig)

    play(tmp_path, story)


@pytest.mark.rule("INV-7")
@pytest.mark.rule("product.H5")
def test_an_accepted_that_comes_after_the_connection_time_out_does_nothing(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.next_time("Authorize", Delayed(LATE_S))
        rig.plug()
        await wait(8)  # of ten seconds for a card
        rig.card()
        await wait(LATE_S + 2)
        nothing_happened(rig)
        assert logged(rig, "station.session_abandoned", "time-out")
        assert statuses(rig.primary)[-1] == "Finishing"  # nobody charges, the cable is in

    play(tmp_path, story, RigOptions(primary_keys={"ConnectionTimeOut": 10}))


@pytest.mark.rule("product.H5")
def test_a_card_with_no_car_is_forgotten_after_the_connection_time_out(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.card()
        await rig.until_status("Preparing")
        assert 9 < await rig.until_status("Available") < 12
        rig.plug()
        await wait(5)
        nothing_happened(rig)

    play(tmp_path, story, RigOptions(primary_keys={"ConnectionTimeOut": 10}))


@pytest.mark.rule("product.P5")
@pytest.mark.rule("product.H6")
def test_a_card_that_the_primary_refuses_is_refused_though_management_would_take_it(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.cards[CARD] = "Invalid"
        rig.plug()
        await rig.until_status("Preparing")
        rig.card()
        await wait(5)
        nothing_happened(rig)
        assert not rig.management.ledger.calls("Authorize")

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.X06")
@pytest.mark.rule("product.A9")
@pytest.mark.rule("two-upstreams.TU03")
def test_the_primary_that_does_not_accept_the_start_ends_it_and_keeps_the_cable(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.starts[CARD] = "Blocked"
        rig.plug()
        await rig.until_status("Preparing")
        rig.card()
        await rig.until_delivered(1)
        assert reasons(rig) == [["DeAuthorized"], ["DeAuthorized"]]
        assert not rig.closed()
        await wait(10)
        assert rig.plant.connector(1).lock.locked  # until the same card comes back
        rig.card(OTHER_CARD)
        await wait(3)
        assert rig.plant.connector(1).lock.locked
        rig.card()
        await rig.until(lambda: not rig.plant.connector(1).lock.locked, within_s=5)
        await leave(rig)

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.X06")
def test_the_primary_may_have_the_energy_stopped_and_the_transaction_kept(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.starts[CARD] = "Expired"
        rig.plug()
        await rig.until_status("Preparing")
        rig.card()
        await rig.until_status("SuspendedEVSE")
        assert not rig.closed()
        assert not rig.primary.ledger.stops()
        await end(rig)

    play(tmp_path, story, RigOptions(primary_keys={"StopTransactionOnInvalidId": False}))


@pytest.mark.rule("product.A9")
@pytest.mark.rule("two-upstreams.TU07")
@pytest.mark.rule("INV-8")
def test_a_start_that_management_does_not_accept_goes_on(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.management.script.starts[CARD] = "Invalid"
        await begin(rig)
        await wait(10)
        assert rig.closed()
        assert logged(rig, "station.verdict_ignored", "management")
        await end(rig)
        assert reasons(rig) == [["Local"], ["Local"]]

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.X10")
@pytest.mark.rule("ocpp16.X11")
def test_another_card_stops_only_if_its_parent_is_that_of_the_transaction(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.parents[CARD] = "FAMILY"
        await begin(rig)
        rig.card(OTHER_CARD)
        await wait(5)
        assert rig.closed()  # asked about, accepted, and no relative
        rig.primary.script.parents[OTHER_CARD] = "FAMILY"
        rig.card(OTHER_CARD)
        await rig.until_delivered(1)
        assert [stop.id_tag for stop in rig.primary.ledger.stops()] == [OTHER_CARD]
        await leave(rig)

    play(tmp_path, story)


@pytest.mark.rule("product.E10")
@pytest.mark.rule("INV-7")
def test_a_remote_stop_that_crosses_the_start_ends_what_had_begun(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.plug()
        await rig.until_status("Preparing")
        rig.card()
        await rig.until(rig.primary.ledger.starts, within_s=10)
        assert await rig.primary.remote_stop(2000) == "Accepted"  # as soon as it knows its own id
        await rig.until_delivered(1)
        assert reasons(rig) == [["Remote"], ["Remote"]]
        assert await rig.primary.remote_stop(2000) == "Rejected"  # over
        await leave(rig)

    play(tmp_path, story)


@pytest.mark.rule("product.E8")
@pytest.mark.rule("INV-7")
def test_a_remote_start_whose_card_check_is_overtaken_by_the_car_leaving_does_nothing(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.next_time("Authorize", Delayed(LATE_S))
        rig.plug()
        await rig.until_status("Preparing")
        assert await rig.primary.remote_start(CARD, 1) == "Accepted"
        await wait(1)
        rig.unplug()
        await wait(LATE_S)
        nothing_happened(rig)
        assert await rig.primary.remote_start(CARD, 7) == "Rejected"
        rig.primary.script.next_time("Authorize", Silent())
        assert await rig.primary.remote_start(CARD) == "Accepted"
        await wait(12)
        rig.plug()
        await wait(3)
        nothing_happened(rig)

    play(tmp_path, story)
