"""Faults at a connector: what opens, what is told, what stays locked, and what starts again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.oracle_plant import Limits
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import (
    BOARDS,
    PHOENIX,
    SAME_CARD_S,
    back,
    begin,
    end,
    happened,
    leave,
    logged,
    plant_s,
    play,
    reasons,
    statuses,
    wait,
)

UNLIMITED_S = 1e6
WELDED_WH = 100
"""What flows through a welded contactor after the end of its session."""

on_each_board = pytest.mark.parametrize("board", BOARDS)


def told(rig: StationRig) -> tuple[str, str]:
    """Status and error code that the primary was told last."""
    last = rig.primary.ledger.statuses(1)[-1]
    return last.status, last.error_code


async def until_told(rig: StationRig, code: str) -> None:
    """Until the primary knows the connector as faulted by this error."""
    await rig.until(lambda: told(rig) == ("Faulted", code), within_s=30, what=f"Faulted, {code}")


@on_each_board
@pytest.mark.rule("INV-5")
@pytest.mark.rule("ocpp16.S11")
def test_residual_current_opens_within_100_ms_and_ends_the_session(tmp_path: Path, board: str) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        broken_s = plant_s(rig)
        rig.fault("residual_current")
        await rig.until_delivered(1)
        assert happened(rig, "contactor", False, since_s=broken_s)[0] - broken_s <= 0.1
        assert reasons(rig) == [["Other"], ["Other"]]
        assert told(rig) == ("Faulted", "GroundFailure")
        assert await rig.primary.remote_start("AB", 1) == "Rejected"
        rig.fault("residual_current", False)
        await rig.until_status("Finishing")
        await leave(rig)

    play(tmp_path, story, RigOptions(board=board))


@on_each_board
@pytest.mark.rule("INV-5")
def test_an_emergency_stop_that_only_the_board_sees_opens_within_100_ms_and_pauses(tmp_path: Path, board: str) -> None:
    """Neither board names its emergency input; an input of its own ends the session (`STOP_REASONS`)."""

    async def story(rig: StationRig) -> None:
        await begin(rig)
        broken_s = plant_s(rig)
        rig.fault("emergency_stop")
        await until_told(rig, "OtherError")
        assert happened(rig, "contactor", False, since_s=broken_s)[0] - broken_s <= 0.1
        await wait(20)
        assert not rig.closed()
        assert happened(rig, "offered_a", 0.0, since_s=broken_s)
        rig.card()
        await rig.until_delivered(1)
        rig.fault("emergency_stop", False)
        await rig.until_status("Finishing")
        await leave(rig)

    play(tmp_path, story, RigOptions(board=board))


@on_each_board
@pytest.mark.rule("ocpp16.S31")
@pytest.mark.rule("INV-4")
def test_a_lock_that_does_not_lock_starts_no_transaction(tmp_path: Path, board: str) -> None:
    async def story(rig: StationRig) -> None:
        rig.fault("lock_jam")
        rig.plug()
        await rig.until_status("Preparing")
        rig.card()
        await until_told(rig, "ConnectorLockFailure")
        await wait(3)
        assert not any(backend.ledger.starts() for backend in rig.backends)
        assert not rig.closed()
        rig.fault("lock_jam", False)
        rig.unplug()
        await rig.until_status("Available")
        await begin(rig)
        await end(rig)

    play(tmp_path, story, RigOptions(board=board))


@pytest.mark.rule("INV-6")
def test_a_welded_contactor_is_told_keeps_the_cable_and_is_remembered(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        rig.fault("contactor_welded")
        await wait(5)
        rig.card()
        await rig.until_status("Faulted")
        assert told(rig) == ("Faulted", "PowerSwitchFailure")
        await rig.until_delivered(1)
        await wait(10)
        assert rig.plant.connector(1).lock.locked  # what hangs on it may be live
        assert await rig.primary.unlock(1) == "UnlockFailed"
        rig.fault("contactor_welded", False)
        await back(rig, rig.power_cut())
        assert told(rig) == ("Faulted", "PowerSwitchFailure")  # until service has been here
        rig.card()
        await wait(3)
        assert len(rig.primary.ledger.starts()) == 1

    play(tmp_path, story, RigOptions(board=PHOENIX))


def test_with_no_feedback_a_weld_shows_by_the_current_that_flows(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig, stubborn=True)
        rig.fault("contactor_welded")
        await wait(5)
        rig.card()
        await until_told(rig, "PowerSwitchFailure")
        await rig.until_delivered(1)
        rig.fault("contactor_welded", False)
        await wait(1)

    play(tmp_path, story, lost_energy_wh=WELDED_WH)


@on_each_board
@pytest.mark.rule("INV-5")
def test_a_car_that_does_not_let_go_is_cut_after_the_grace(tmp_path: Path, board: str) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig, stubborn=True)
        await wait(5)
        stopped_s = plant_s(rig)
        rig.card()
        await rig.until_delivered(1)
        (opened_s,) = happened(rig, "contactor", False, since_s=stopped_s)
        assert 6.0 <= opened_s - stopped_s <= 7.5
        (unlocked_s,) = happened(rig, "lock", False, since_s=stopped_s)
        assert unlocked_s > opened_s
        assert not logged(rig, "station.fault", "welded")
        await leave(rig)

    play(tmp_path, story, RigOptions(board=board))


@on_each_board
def test_a_contactor_that_does_not_close_is_told_and_gives_no_energy(tmp_path: Path, board: str) -> None:
    """The Phoenix board cannot tell stuck from welded: the session ends and the cable stays. The EPC only says so."""

    async def story(rig: StationRig) -> None:
        rig.fault("contactor_stuck")
        rig.plug()
        await rig.until_status("Preparing")
        rig.card()
        await until_told(rig, "PowerSwitchFailure" if board == PHOENIX else "OtherError")
        await wait(SAME_CARD_S)
        if board != PHOENIX:
            rig.card()
        await rig.until_delivered(1)
        assert rig.primary.ledger.stops()[0].meter_stop_wh == rig.primary.ledger.starts()[0].meter_start_wh

    play(tmp_path, story, RigOptions(board=board), limits=Limits(unlock_s=UNLIMITED_S))


@on_each_board
def test_a_fault_that_passes_pauses_the_session_and_it_goes_on(tmp_path: Path, board: str) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        rig.fault("over_voltage")
        await until_told(rig, "OverVoltage")
        await rig.until(lambda: not rig.closed(), within_s=2)
        await wait(3)
        rig.fault("over_voltage", False)
        await rig.until(rig.closed, within_s=20)
        await rig.until_status("Charging")
        await end(rig)
        assert reasons(rig) == [["Local"], ["Local"]]

    play(tmp_path, story, RigOptions(board=board))


@on_each_board
@pytest.mark.rule("ocpp16.S10")
def test_the_cable_limits_the_offer_and_one_that_nobody_can_rate_waits_in_its_transaction(
    tmp_path: Path, board: str
) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig, cable_a=13)
        assert happened(rig, "offered_a", 13.0)
        assert not happened(rig, "offered_a", 16.0)
        await end(rig)
        rig.plug(cable_a=0)
        await rig.until_status("Preparing")
        rig.card()
        await rig.until_status("SuspendedEVSE")
        assert not rig.closed()
        await end(rig, sessions=2)
        assert statuses(rig.primary)[-4:] == ["Preparing", "SuspendedEVSE", "Finishing", "Available"]

    play(tmp_path, story, RigOptions(board=board))
