"""Credentials that a backend changes, in the whole station: while it charges, over power cuts, and wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import run_virtual
from tests.scenarios.acts import begin, end, wait

OLD, NEW = "provisioned-1234", "a-new-password-16"
RECONNECT_S = 400.0
WITH_PASSWORD = RigOptions(management={"security": 1, "password": OLD}, station={"serial_number": "SN1"})


async def back(rig: StationRig, links: int) -> None:
    """Management is connected for the `links`-th time."""
    backend = rig.management
    await rig.until(lambda: backend.connections >= links and backend.connected.is_set(), within_s=RECONNECT_S)


def known(rig: StationRig, password: str) -> None:
    """What management's backend asks for from now on."""
    rig.management.password = password.encode()


@pytest.mark.rule("ocpp16.Z10")
def test_a_session_does_not_notice_a_new_password(tmp_path: Path) -> None:
    async def story() -> None:
        async with StationRig(tmp_path, WITH_PASSWORD) as rig:
            known(rig, OLD)
            await rig.ready()
            await begin(rig)
            known(rig, NEW)
            assert await rig.management.change_configuration("AuthorizationKey", NEW) == "Accepted"
            await back(rig, 2)
            assert rig.closed()
            await wait(60)
            await end(rig)
            await rig.until_delivered(1)
            assert rig.primary.connections == 1
            assert NEW not in rig.agent.log
            rig.check()

    run_virtual(story())


@pytest.mark.rule("ocpp16.Z10")
@pytest.mark.rule("product.N15")
@pytest.mark.parametrize("kept", [NEW, OLD])
def test_a_power_cut_right_after_the_answer_leaves_the_station_with_a_way_in(tmp_path: Path, kept: str) -> None:
    """`kept`: the backend itself has kept the new one, or has forgotten it in its own crash."""

    async def story() -> None:
        async with StationRig(tmp_path, WITH_PASSWORD) as rig:
            known(rig, OLD)
            await rig.ready()
            assert await rig.management.change_configuration("AuthorizationKey", NEW) == "Accepted"
            known(rig, kept)
            await rig.power_cut()
            links = rig.management.connections
            await back(rig, links + 1)
            await wait(10)
            refused = len([status for _, status in rig.management.handshakes if status == 401])
            await rig.power_cut()
            await back(rig, links + 2)
            again = len([status for _, status in rig.management.handshakes if status == 401])
            assert again == refused  # what worked is remembered: nothing is guessed again
            assert refused == (0 if kept == NEW else 1)

    run_virtual(story())


@pytest.mark.rule("ocpp16.Z12")
@pytest.mark.rule("ocpp16.Z01")
def test_a_raised_profile_that_the_backend_does_not_serve_costs_a_few_minutes_and_the_other_nothing(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        async with StationRig(tmp_path, WITH_PASSWORD) as rig:
            known(rig, OLD)
            await rig.ready()
            assert await rig.management.change_configuration("SecurityProfile", "0") == "Rejected"
            assert await rig.management.change_configuration("SecurityProfile", "2") == "Accepted"
            await back(rig, 2)
            configuration, _ = await rig.management.get_configuration("SecurityProfile")
            assert configuration["SecurityProfile"][0] == "1"
            assert rig.primary.connections == 1
            assert "could not connect" in rig.agent.log

    run_virtual(story())


@pytest.mark.rule("product.N15")
def test_a_backend_that_refuses_everybody_for_a_while_is_found_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with StationRig(tmp_path, WITH_PASSWORD) as rig:
            known(rig, OLD)
            await rig.ready()
            known(rig, "somebody-elses-16")
            rig.management.drop()
            await wait(1800)
            assert not rig.management.connected.is_set()
            known(rig, OLD)
            await back(rig, 2)

    run_virtual(story())
