"""Resets that do not come about."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.agent_in_process import reboot_wanted
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import begin, end, logged, play, reasons, wait


@pytest.mark.rule("ocpp16.X72")
@pytest.mark.rule("ocpp16.X71")
def test_a_system_that_does_not_reboot_is_asked_once_more_and_then_told_of(tmp_path: Path) -> None:
    async def not_rebooted(rig: StationRig) -> None:
        """The agent ended and asked for a reboot; somebody refused it, and the agent is started again."""
        assert await rig.agent.ended() == 0
        assert reboot_wanted(tmp_path / "run")
        rig._witness.away(rig._plant_s())
        await wait(1)
        rig.start(new_boot=False)

    async def story(rig: StationRig) -> None:
        await begin(rig)
        assert await rig.primary.reset("Hard") == "Accepted"
        await not_rebooted(rig)
        await wait(20)
        assert rig.agent.status is None  # the system had half a minute to go down
        await not_rebooted(rig)
        await rig.until(lambda: logged(rig, "did not reboot"), within_s=10)
        await rig.until(lambda: rig.primary.ledger.statuses(0)[-1].error_code == "ResetFailure", within_s=20)
        assert rig.primary.ledger.statuses(0)[-1].status == "Available"
        await rig.until_delivered(1)
        assert reasons(rig) == [["HardReset"], ["HardReset"]]
        rig.unplug()
        await wait(60)
        assert rig.agent.status is None
        await begin(rig)
        await end(rig, sessions=2)

    play(tmp_path, story)
