"""Cables that are held after a session, or wait in it for their car, over deaths of the agent and losses of power."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.driver import CARD
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import (
    BOARDS,
    OTHER_CARD,
    SAME_CARD_S,
    back,
    begin,
    end,
    leave,
    play,
    reasons,
    statuses,
    wait,
)


def locked(rig: StationRig) -> bool:
    return bool(rig.plant.connector(1).lock.locked)


@pytest.mark.rule("ocpp16.X06")
@pytest.mark.rule("ocpp16.X07")
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("relative", [False, True])
def test_the_cable_of_a_card_that_was_not_accepted_is_held_over_a_power_cut(
    tmp_path: Path, board: str, relative: bool
) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.parents |= {CARD: "FAMILY", OTHER_CARD: "FAMILY" if relative else "STRANGERS"}
        rig.primary.script.starts[CARD] = "Blocked"
        rig.plug()
        await rig.until_status("Preparing")
        rig.card()
        await rig.until_delivered(1)
        assert reasons(rig) == [["DeAuthorized"], ["DeAuthorized"]]
        await back(rig, rig.power_cut())
        await wait(30)
        assert locked(rig)
        assert statuses(rig.primary)[-1] == "Finishing"
        rig.card(OTHER_CARD)
        await wait(SAME_CARD_S)
        assert locked(rig) is not relative
        if not relative:
            rig.card()
        await rig.until(lambda: not locked(rig), within_s=5)
        await leave(rig)

    play(tmp_path, story, RigOptions(board=board))


@pytest.mark.rule("ocpp16.X06")
def test_an_unlock_by_command_frees_it_for_good(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.starts[CARD] = "Blocked"
        rig.plug()
        await rig.until_status("Preparing")
        rig.card()
        await rig.until_delivered(1)
        assert await rig.primary.unlock(1) == "Unlocked"
        await back(rig, rig.kill())
        rig.primary.script.starts.clear()
        await wait(2)
        await leave(rig)
        await begin(rig)
        await end(rig, sessions=2)

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.X51")
@pytest.mark.parametrize("board", BOARDS)
def test_a_car_that_left_its_end_of_the_cable_comes_back_and_charges_on(tmp_path: Path, board: str) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        await wait(10)
        rig.unplug()
        await rig.until_status("SuspendedEV")
        assert rig.primary.ledger.statuses(1)[-1].info == "EV side disconnected"
        assert not rig.closed()
        await wait(60)
        assert locked(rig)
        rig.plant.connector(1).cable_a = None  # the plant wants a new cable for a new car; this one is still in place
        rig.plug()
        await rig.until_status("Charging")
        await wait(10)
        await end(rig)
        assert reasons(rig) == [["Local"], ["Local"]]

    keys = {"StopTransactionOnEVSideDisconnect": False, "MeterValueSampleInterval": 30}
    play(tmp_path, story, RigOptions(board=board, primary_keys=keys))


@pytest.mark.rule("ocpp16.X51")
@pytest.mark.rule("ocpp16.X13")
def test_a_remote_stop_ends_what_outlived_its_car(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        rig.unplug()
        await rig.until_status("SuspendedEV")
        assert await rig.primary.remote_stop(2000) == "Accepted"
        await rig.until_delivered(1)
        assert reasons(rig) == [["Remote"], ["Remote"]]
        await rig.until_status("Available")
        assert statuses(rig.primary)[-3:] == ["SuspendedEV", "Finishing", "Available"]
        assert not locked(rig)

    play(tmp_path, story, RigOptions(primary_keys={"StopTransactionOnEVSideDisconnect": False}))


@pytest.mark.rule("ocpp16.X50")
def test_a_socket_that_does_not_unlock_for_a_car_that_left_waits_for_its_card(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        rig.unplug()
        await rig.until_delivered(1)
        assert reasons(rig) == [["EVDisconnected"], ["EVDisconnected"]]
        await wait(30)
        assert locked(rig)
        assert statuses(rig.primary)[-1] == "Finishing"
        await back(rig, rig.kill())
        await wait(10)
        assert locked(rig)
        rig.card()
        await rig.until(lambda: not locked(rig), within_s=5)
        await rig.until_status("Available")

    options = RigOptions(primary_keys={"UnlockConnectorOnEVSideDisconnect": False})
    play(tmp_path, story, options, held_after=frozenset({"EVDisconnected"}))
