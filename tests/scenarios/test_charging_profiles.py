"""Charging profiles from both sides: what the car is offered, what is told, and what survives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ocpp.v16 import call

from tests.rig.backend import ScriptedBackend
from tests.rig.driver import CARD
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import begin, end, leave, play, reasons, statuses, wait


def sent(
    number: int,
    purpose: str,
    *periods: tuple[int, float],
    level: int = 0,
    transaction: int | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A relative profile in amperes, as a backend sends it; `more` goes into its schedule."""
    schedule = {
        "charging_rate_unit": "A",
        "charging_schedule_period": [{"start_period": start, "limit": limit} for start, limit in periods],
        **more,
    }
    kind = "Absolute" if "start_schedule" in more else "Relative"
    profile = {
        "charging_profile_id": number,
        "stack_level": level,
        "charging_profile_purpose": purpose,
        "charging_profile_kind": kind,
        "charging_schedule": schedule,
    }
    return profile if transaction is None else profile | {"transaction_id": transaction}


async def set_profile(backend: ScriptedBackend, profile: dict[str, Any], connector: int = 1) -> str:
    """SetChargingProfile: the status."""
    return await backend.status_of(call.SetChargingProfile(connector_id=connector, cs_charging_profiles=profile))


async def composite(backend: ScriptedBackend, seconds: int, connector: int = 1) -> list[tuple[int, float]]:
    """GetCompositeSchedule in amperes: start and limit of its periods."""
    request = call.GetCompositeSchedule(connector_id=connector, duration=seconds, charging_rate_unit="A")
    answer = await backend.call(request)
    return [(p["start_period"], p["limit"]) for p in answer["charging_schedule"]["charging_schedule_period"]]


def given(backend: ScriptedBackend) -> int:
    """The id that the backend gave to the newest transaction."""
    found = backend.ledger.starts()[-1].foreign_id
    assert found is not None
    return found


def offered_a(rig: StationRig) -> float:
    """What the pilot of the plant tells the car."""
    rig.plant.sync()
    return rig.plant.connector(1).board.offered_a


@pytest.mark.rule("ocpp16.C13")
@pytest.mark.rule("ocpp16.C17")
@pytest.mark.rule("product.P9")
def test_a_default_profile_lowers_a_running_transaction_and_clearing_it_raises_it_again(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        await wait(6)
        assert offered_a(rig) == pytest.approx(16, abs=0.3)
        assert await set_profile(rig.management, sent(1, "TxDefaultProfile", (0, 8)), 0) == "Accepted"
        await wait(1)
        assert offered_a(rig) == pytest.approx(8, abs=0.3)
        assert await composite(rig.primary, 60) == [(0, 8)]  # the effective result, whoever asks
        assert await rig.primary.status_of(call.ClearChargingProfile(id=1)) == "Unknown"  # not its own
        assert await rig.management.status_of(call.ClearChargingProfile(id=1)) == "Accepted"
        await wait(7)
        assert offered_a(rig) == pytest.approx(16, abs=0.3)
        await end(rig)

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.C08")
@pytest.mark.rule("product.P4")
def test_a_limit_of_zero_suspends_and_never_stops(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        theirs = given(rig.management)
        profile = sent(5, "TxProfile", (0, 0), transaction=theirs)
        assert await set_profile(rig.management, profile) == "Accepted"
        await rig.until_status("SuspendedEVSE")
        await wait(8)
        assert not rig.closed()
        assert await rig.management.status_of(call.ClearChargingProfile()) == "Accepted"
        await rig.until_status("Charging")
        assert reasons(rig) == [[], []]
        await end(rig)

    play(tmp_path, story)


@pytest.mark.rule("two-upstreams.TU03")
def test_neither_side_lifts_the_limit_of_the_other(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        assert await set_profile(rig.management, sent(1, "TxDefaultProfile", (0, 10))) == "Accepted"
        assert await set_profile(rig.primary, sent(1, "TxDefaultProfile", (0, 13))) == "Accepted"
        assert await composite(rig.primary, 10) == [(0, 10)]
        assert await set_profile(rig.primary, sent(1, "TxDefaultProfile", (0, 7))) == "Accepted"
        assert await composite(rig.management, 10) == [(0, 7)]
        assert await set_profile(rig.primary, sent(2, "ChargePointMaxProfile", (0, 6)), 1) == "Rejected"
        await end(rig)

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.C01")
@pytest.mark.rule("ocpp16.C10")
def test_a_profile_of_a_transaction_needs_it_and_ends_with_it(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        assert await set_profile(rig.primary, sent(5, "TxProfile", (0, 8))) == "Rejected"
        await begin(rig)
        theirs = given(rig.primary)
        assert await set_profile(rig.primary, sent(5, "TxProfile", (0, 8), transaction=theirs + 1)) == "Rejected"
        assert await set_profile(rig.primary, sent(5, "TxProfile", (0, 8), transaction=theirs)) == "Accepted"
        await wait(1)
        assert offered_a(rig) == pytest.approx(8, abs=0.3)
        await end(rig)
        assert await rig.primary.status_of(call.ClearChargingProfile(id=5)) == "Unknown"
        await begin(rig)
        await wait(6)
        assert offered_a(rig) == pytest.approx(16, abs=0.3)
        await end(rig, sessions=2)

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.C12")
def test_a_remote_start_brings_the_profile_of_its_transaction(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.plug()
        await rig.until_status("Preparing")
        request = call.RemoteStartTransaction(CARD, 1, sent(9, "TxProfile", (0, 7)))
        assert await rig.primary.status_of(request) == "Accepted"
        await rig.until_status("Charging")
        await wait(1)
        assert offered_a(rig) == pytest.approx(7, abs=0.3)
        wrong = call.RemoteStartTransaction(CARD, 1, sent(9, "TxDefaultProfile", (0, 7)))
        assert await rig.primary.status_of(wrong) == "Rejected"
        assert await rig.primary.remote_stop(given(rig.primary)) == "Accepted"
        await rig.until_delivered(1)
        await leave(rig)

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.C10")
@pytest.mark.rule("ocpp16.X73")
def test_profiles_survive_a_power_cut_and_those_of_its_transaction_end_with_it(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        assert await set_profile(rig.primary, sent(1, "TxDefaultProfile", (0, 9))) == "Accepted"
        await begin(rig)
        theirs = given(rig.primary)
        assert await set_profile(rig.primary, sent(5, "TxProfile", (0, 8), transaction=theirs)) == "Accepted"
        rig.unplug()
        await rig.power_cut()
        await rig.until_delivered(1)
        await rig.until_status("Available")
        assert await composite(rig.primary, 10) == [(0, 9)]
        assert await rig.primary.status_of(call.ClearChargingProfile(id=5)) == "Unknown"
        assert statuses(rig.primary)[-1] == "Available"

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.C06")
def test_a_schedule_that_goes_on_is_followed_to_the_second(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        theirs = given(rig.primary)
        steps = sent(5, "TxProfile", (0, 8), (60, 12), (120, 6), transaction=theirs)
        assert await set_profile(rig.primary, steps) == "Accepted"
        seen = []
        for _ in range(15):
            await wait(10)
            seen.append(round(offered_a(rig)))
        assert [a for a, before in zip(seen, [0, *seen], strict=False) if a != before] == [8, 12, 6]
        await end(rig)

    play(tmp_path, story, RigOptions())
