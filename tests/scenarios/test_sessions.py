"""Whole sessions on both boards: by card, by remote start, with a car on its own timer, and their ends."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.rig.driver import CARD
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import (
    BOARDS,
    begin,
    end,
    happened,
    leave,
    plant_s,
    play,
    reasons,
    statuses,
    wait,
)

EVERY_5_S, EVERY_10_S = {"MeterValueSampleInterval": 5}, {"MeterValueSampleInterval": 10}
on_each_board = pytest.mark.parametrize("board", BOARDS)


@on_each_board
@pytest.mark.rule("ocpp16.X01")
@pytest.mark.rule("ocpp16.X02")
@pytest.mark.rule("ocpp16.X03")
@pytest.mark.rule("ocpp16.X10")
@pytest.mark.rule("ocpp16.S10")
@pytest.mark.rule("product.A9")
@pytest.mark.rule("product.E9")
@pytest.mark.rule("product.H6")
@pytest.mark.rule("two-upstreams.TU01")
@pytest.mark.rule("two-upstreams.TU02")
def test_a_card_starts_and_stops_a_session_that_both_backends_hold(tmp_path: Path, board: str) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        assert len(rig.commits) == 1
        assert happened(rig, "contactor", True)[-1] > rig.commits[0].time_s
        await wait(21)
        asked = len(rig.primary.ledger.calls("Authorize"))
        await end(rig)
        assert len(rig.primary.ledger.calls("Authorize")) == asked == 1  # the card that started stops unasked
        for backend in rig.backends:
            assert statuses(backend)[-4:] == ["Preparing", "Charging", "Finishing", "Available"]
        assert reasons(rig) == [["Local"], ["Local"]]
        times = [value.at_s for value in rig.primary.ledger.meter_values()]
        assert [round(b - a) for a, b in pairwise(times)] == [5, 5, 5, 5]  # its own interval
        assert len(rig.management.ledger.meter_values()) == 2  # its own of 10 s
        first, second = (backend.ledger.starts()[0].foreign_id for backend in rig.backends)
        assert (first, second) == (1000, 2000)  # each its own id for the one session

    play(tmp_path, story, RigOptions(board=board, management_keys=EVERY_10_S, primary_keys=EVERY_5_S))


@on_each_board
@pytest.mark.rule("product.E8")
@pytest.mark.rule("product.E10")
@pytest.mark.rule("product.H11")
@pytest.mark.rule("product.A10")
@pytest.mark.rule("ocpp16.X13")
@pytest.mark.rule("two-upstreams.TU04")
@pytest.mark.rule("two-upstreams.TU05")
@pytest.mark.rule("two-upstreams.TU07")
def test_the_primary_starts_and_stops_remotely_and_management_may_do_neither(tmp_path: Path, board: str) -> None:
    async def story(rig: StationRig) -> None:
        rig.plug()
        await rig.until_status("Preparing")
        assert await rig.management.remote_start(CARD, 1) == "Rejected"
        assert await rig.primary.remote_start(CARD, 1) == "Accepted"
        await rig.until_status("Charging")
        assert len(rig.primary.ledger.calls("Authorize")) == 1  # AuthorizeRemoteTxRequests
        await wait(10)
        assert await rig.management.remote_stop(1000) == "Rejected"
        assert await rig.management.remote_stop(2000) == "Rejected"  # the id of another means nothing
        assert await rig.primary.remote_stop(1000) == "Rejected"
        assert rig.closed()
        assert await rig.primary.remote_stop(2000) == "Accepted"
        await rig.until_delivered(1)
        assert reasons(rig) == [["Remote"], ["Remote"]]
        assert not rig.plant.state()["connectors"][0]["lock"]["locked"]
        await leave(rig)

    rig = play(tmp_path, story, RigOptions(board=board))
    assert "management" in rig.agent.log


@on_each_board
@pytest.mark.rule("product.E11")
@pytest.mark.rule("INV-5")
def test_unplugging_under_load_opens_within_100_ms_and_frees_the_connector(tmp_path: Path, board: str) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        await wait(10)
        pulled_s = plant_s(rig)
        rig.unplug()
        await rig.until_delivered(1)
        opened = happened(rig, "contactor", False, since_s=pulled_s)
        assert opened[0] - pulled_s <= 0.1
        assert reasons(rig) == [["EVDisconnected"], ["EVDisconnected"]]
        await rig.until_status("Available")

    play(tmp_path, story, RigOptions(board=board))


@on_each_board
@pytest.mark.rule("ocpp16.S10")
def test_a_car_on_its_own_timer_has_its_transaction_and_waits_in_it(tmp_path: Path, board: str) -> None:
    async def story(rig: StationRig) -> None:
        rig.plug(timer_s=20)
        await rig.until_status("Preparing")
        rig.card()
        await rig.until_status("SuspendedEV")
        assert [len(backend.ledger.starts()) for backend in rig.backends] == [1, 1]
        assert not rig.closed()
        await rig.until_status("Charging", within_s=30)
        rig.pause()
        await rig.until_status("SuspendedEV")
        rig.pause(False)
        await rig.until_status("Charging")
        await end(rig)
        path = ["Preparing", "SuspendedEV", "Charging", "SuspendedEV", "Charging", "Finishing", "Available"]
        assert statuses(rig.primary)[-7:] == path

    play(tmp_path, story, RigOptions(board=board))


@pytest.mark.rule("product.E7")
def test_a_status_is_told_within_a_second_of_the_change(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        for deed, status in ((rig.plug, "Preparing"), (rig.unplug, "Available")):
            deed()
            assert await rig.until_status(status) <= 1.0

    play(tmp_path, story)
