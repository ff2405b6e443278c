"""A reboot that waits for the Billing upstream: nothing begins meanwhile, and nothing is lost when it waits in vain."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.control.protocol import Reboot
from agent.runtime import drain
from tests.rig.agent_in_process import reboot_wanted
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import begin, play, reasons, wait


async def ordered(rig: StationRig) -> None:
    """Somebody charges, the primary is away, and a reboot that waits for it is ordered."""
    await begin(rig)
    await rig.primary.stop()
    await wait(5)
    rig.agent.agent.abilities().reboot(Reboot(drain=True))
    await rig.until(lambda: rig.management.ledger.stops(), within_s=10, what="the stop at management")


async def rebooted(rig: StationRig, folder: Path) -> None:
    """The system goes down and comes up."""
    assert await rig.agent.ended() == 0
    assert reboot_wanted(folder / "run")
    rig._witness.away(rig._plant_s())
    await wait(1)
    rig.start(new_boot=True)


@pytest.mark.rule("two-upstreams.RC02")
@pytest.mark.rule("two-upstreams.RC03")
@pytest.mark.rule("INV-1")
def test_the_running_one_ends_none_begins_and_the_reboot_comes_once_all_is_delivered(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await ordered(rig)
        rig.unplug()
        await wait(5)
        rig.plug()
        rig.card()
        await wait(15)
        assert rig.agent.status is None
        assert len(rig.management.ledger.starts()) == 1, "no transaction begins after the order"
        await rig.primary.start()
        await rig.until(lambda: rig.primary.ledger.stops(), within_s=450, what="the stop at the primary")
        await rebooted(rig, tmp_path)
        await rig.until_delivered(1)
        assert reasons(rig) == [["Reboot"], ["Reboot"]]

    play(tmp_path, story)


@pytest.mark.rule("two-upstreams.RC03")
@pytest.mark.rule("INV-1")
def test_when_the_time_is_over_it_comes_anyhow_and_what_is_left_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "LONGEST_S", 60.0)

    async def story(rig: StationRig) -> None:
        await ordered(rig)
        await wait(45)
        assert rig.agent.status is None
        await wait(20)
        await rebooted(rig, tmp_path)
        await rig.primary.start()
        await rig.until_delivered(1)
        assert reasons(rig) == [["Reboot"], ["Reboot"]]

    play(tmp_path, story)
