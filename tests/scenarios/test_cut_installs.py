"""A power cut at each boundary while a profile, a list or a reservation is taken: what was answered is there after."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from ocpp.v16 import call

from agent.vocabulary.moments import iso8601
from tests.rig.backend import ScriptedBackend
from tests.rig.driver import CARD
from tests.rig.fuse import Fuse
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import run_virtual, wall_ms

BOUNDARIES = range(4)
PROFILE = {
    "charging_profile_id": 1,
    "stack_level": 0,
    "charging_profile_purpose": "TxDefaultProfile",
    "charging_profile_kind": "Relative",
    "charging_schedule": {
        "charging_rate_unit": "A",
        "charging_schedule_period": [{"start_period": 0, "limit": 8}],
    },
}


async def install_profile(backend: ScriptedBackend) -> str:
    """SetChargingProfile: the status."""
    return await backend.status_of(call.SetChargingProfile(1, PROFILE))


async def send_list(backend: ScriptedBackend) -> str:
    """SendLocalList: the status."""
    row = {"id_tag": CARD, "id_tag_info": {"status": "Accepted"}}
    return await backend.status_of(call.SendLocalList(3, "Full", [row]))


async def reserve(backend: ScriptedBackend) -> str:
    """ReserveNow: the status."""
    return await backend.status_of(call.ReserveNow(1, iso8601(wall_ms() + 600_000), CARD, 7))


async def has_profile(backend: ScriptedBackend) -> bool:
    """It can be cleared."""
    return await backend.status_of(call.ClearChargingProfile(id=1)) == "Accepted"


async def has_list(backend: ScriptedBackend) -> bool:
    """Its version is told."""
    return bool((await backend.call(call.GetLocalListVersion()))["list_version"] == 3)


async def has_reservation(backend: ScriptedBackend) -> bool:
    """It can be cancelled."""
    return await backend.status_of(call.CancelReservation(7)) == "Accepted"


Ask = Callable[[ScriptedBackend], Awaitable[str]]
Look = Callable[[ScriptedBackend], Awaitable[bool]]


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize(
    ("ask", "look"),
    [
        pytest.param(install_profile, has_profile, marks=pytest.mark.rule("ocpp16.C10"), id="profile"),
        pytest.param(send_list, has_list, marks=pytest.mark.rule("ocpp16.U23"), id="list"),
        pytest.param(reserve, has_reservation, marks=pytest.mark.rule("ocpp16.R07"), id="reservation"),
    ],
)
def test_what_was_answered_before_a_power_cut_is_there_after_it(
    tmp_path: Path, ask: Ask, look: Look, boundary: int
) -> None:
    async def main() -> None:
        fuse = Fuse(boundary)
        fuse.armed = False
        async with StationRig(tmp_path, RigOptions(primary=False), fuse=fuse) as rig:
            await rig.ready()
            answers: list[str] = []
            asking = asyncio.ensure_future(answered(rig, ask, answers))
            rig.arm()
            await asyncio.sleep(5)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            if not fuse.blown:
                await rig.power_cut()
            else:
                await rig.recover()
            await rig.management.connected.wait()
            await asyncio.sleep(5)
            assert await look(rig.management) or answers == []
            rig.check()

    run_virtual(main(), real_limit_s=50)


async def answered(rig: StationRig, ask: Ask, answers: list[str]) -> None:
    """Ask once, and note what was answered."""
    answers.append(await ask(rig.management))
