"""An update that is cut off: killed or without power in every phase, and a new version that does not prove itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.runtime import firmware_steps
from agent.runtime.firmware_job import Job, Phase
from agent.runtime.firmware_steps import Steps
from tests.rig.firmware import Manufacturer, new_manufacturer
from tests.scenarios.acts import back, wait
from tests.scenarios.test_firmware import NEW, OLD, Story, events, run, told

CUTS = [(phase, False) for phase in Phase if phase is not Phase.ENDED]
CUTS += [(phase, True) for phase in (Phase.DOWNLOADING, Phase.INSTALLING, Phase.REBOOTING)]
"""Every phase and a kill; power cuts besides, where they differ."""


@pytest.fixture(scope="module")
def maker() -> Manufacturer:
    return new_manufacturer()


@pytest.mark.rule("ocpp16.F03")
@pytest.mark.parametrize(("phase", "power"), CUTS)
def test_an_update_that_is_cut_off_in_any_phase_goes_on_and_its_end_is_told_once(
    tmp_path: Path, maker: Manufacturer, monkeypatch: pytest.MonkeyPatch, phase: Phase, power: bool
) -> None:
    reached: list[Phase] = []
    do = Steps.do

    async def cut_there(steps: Steps, job: Job) -> object:
        if job.phase is phase and not reached:
            reached.append(phase)
            await wait(10**6)
        return await do(steps, job)

    monkeypatch.setattr(Steps, "do", cut_there)

    async def play(story: Story) -> None:
        rig = story.rig
        assert await story.ask() == "Accepted"
        await rig.until(lambda: reached, within_s=60)
        await back(rig, rig.power_cut() if power else rig.kill())
        if phase is not Phase.REBOOTING or not power:
            await back(rig, rig.restarted())
        await wait(30)
        assert rig.management.ledger.calls("BootNotification")[-1].payload["firmwareVersion"] == NEW
        assert told(rig.management).count("Installed") == 1
        assert told(rig.management)[-1] == "Installed"
        assert events(rig.management) == ["FirmwareUpdated"]
        await back(rig, rig.kill())
        await wait(30)
        assert told(rig.management).count("Installed") == 1

    run(tmp_path, maker, play)


@pytest.mark.rule("security.ATK-11")
@pytest.mark.parametrize("phase", [Phase.VERIFIED, Phase.WAITING])
def test_a_file_that_is_another_after_a_restart_is_not_installed(
    tmp_path: Path, maker: Manufacturer, monkeypatch: pytest.MonkeyPatch, phase: Phase
) -> None:
    reached: list[Phase] = []
    do = Steps.do

    async def cut_there(steps: Steps, job: Job) -> object:
        if job.phase is phase and not reached:
            reached.append(phase)
            await wait(10**6)
        return await do(steps, job)

    monkeypatch.setattr(Steps, "do", cut_there)

    async def play(story: Story) -> None:
        rig = story.rig
        assert await story.ask() == "Accepted"
        await rig.until(lambda: reached, within_s=60)
        (file,) = (rig.store.folder / "firmware" / "download").iterdir()
        file.write_bytes(maker.image("2.0.0", model="Rig"))
        await back(rig, rig.power_cut())
        await wait(30)
        assert told(rig.management)[-1] == "InvalidSignature"
        assert events(rig.management) == ["InvalidFirmwareSignature"]
        assert rig.management.ledger.calls("BootNotification")[-1].payload["firmwareVersion"] == OLD
        await rig.until_status("Available")

    run(tmp_path, maker, play)


@pytest.mark.rule("ocpp16.F03")
def test_a_new_version_that_does_not_reach_management_is_left_for_the_old_one(
    tmp_path: Path, maker: Manufacturer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firmware_steps, "PATIENCE_S", 120.0)

    async def play(story: Story) -> None:
        rig = story.rig
        assert await story.ask(rig.primary) == "Accepted"
        await rig.until(lambda: told(rig.primary)[-1:] == ["InstallRebooting"], within_s=60)
        await rig.management.stop()
        await rig.restarted()
        await wait(100)
        assert "Installed" not in told(rig.primary)
        await rig.restarted()
        await wait(60)
        assert told(rig.primary)[-2:] == ["InstallRebooting", "InstallationFailed"]
        assert rig.primary.ledger.calls("BootNotification")[-1].payload["firmwareVersion"] == OLD
        assert events(rig.primary) == []

    run(tmp_path, maker, play)


@pytest.mark.rule("ocpp16.F03")
def test_where_management_was_out_of_reach_before_who_was_there_is_enough(tmp_path: Path, maker: Manufacturer) -> None:
    async def play(story: Story) -> None:
        rig = story.rig
        await rig.management.stop()
        await wait(5)
        assert await story.ask(rig.primary) == "Accepted"
        await rig.until(lambda: told(rig.primary)[-1:] == ["InstallRebooting"], within_s=60)
        await rig.restarted()
        await wait(30)
        assert told(rig.primary)[-2:] == ["InstallRebooting", "Installed"]

    run(tmp_path, maker, play)


def test_a_damaged_job_is_given_up_and_said(tmp_path: Path, maker: Manufacturer) -> None:
    async def play(story: Story) -> None:
        rig = story.rig
        assert await story.ask(date="2026-01-02T00:00:00Z") == "Accepted"
        await story.until("DownloadScheduled")
        file = rig.store.folder / "firmware" / "job.json"
        file.write_text(file.read_text().replace("scheduled", "rebooting"))
        await back(rig, rig.power_cut())
        await wait(30)
        assert "job.json" in rig.agent.log
        assert await story.ask(request_id=2) == "Accepted"

    run(tmp_path, maker, play)
