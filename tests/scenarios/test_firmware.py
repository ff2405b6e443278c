"""Updates of the firmware in the whole station: over reboots and lost links, while somebody charges, and refused."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from agent.control.views import FirmwareView
from tests.rig.backend import ScriptedBackend
from tests.rig.firmware import Manufacturer, new_manufacturer
from tests.rig.firmware_server import FirmwareServer
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import run_virtual
from tests.scenarios.acts import back, begin, end, statuses, wait

PLACE = "https://station:hunter2@files.example/firmware.img"
URL = "https://files.example/firmware.img"
ROOT = "ManufacturerRootCertificate"
OLD, NEW = "0.1.0", "1.0.0"
DOWNLOADED = ["Downloading", "Downloaded"]
VERIFIED = [*DOWNLOADED, "SignatureVerified"]
REBOOTING = [*VERIFIED, "Installing", "InstallRebooting"]


@pytest.fixture(scope="module")
def maker() -> Manufacturer:
    return new_manufacturer()


class Story:
    """A station, a manufacturer, and a place with the new firmware."""

    def __init__(self, rig: StationRig, maker: Manufacturer, server: FirmwareServer) -> None:
        self.rig, self.maker, self.server = rig, maker, server
        self.image = maker.image(NEW, model="Rig")
        server.files[URL] = self.image

    async def ask(self, backend: ScriptedBackend | None = None, request_id: int = 1, **further: str) -> str:
        """SignedUpdateFirmware, as it should be unless `further` says otherwise."""
        asked = backend or self.rig.management
        signature = further.pop("signature", self.maker.signature(self.image))
        certificate = further.pop("certificate", self.maker.signer.pem)
        return await asked.signed_update_firmware(PLACE, certificate, signature, request_id, **further)

    async def until(self, *words: str, backend: ScriptedBackend | None = None) -> None:
        """These are the steps that were told, each once."""
        asked = backend or self.rig.management
        await self.rig.until(lambda: told(asked)[-len(words) :] == list(words), within_s=400, what=f"{words}")
        assert told(asked) == list(words)

    async def boots(self) -> str:
        """The system reboots as the station wants; the version that it then tells of."""
        await back(self.rig, self.rig.restarted())
        return str(self.rig.management.ledger.calls("BootNotification")[-1].payload["firmwareVersion"])


def told(backend: ScriptedBackend, action: str = "SignedFirmwareStatusNotification") -> list[str]:
    return [frame.payload["status"] for frame in backend.ledger.deduplicated(action)]


def events(backend: ScriptedBackend) -> list[str]:
    """Security events about firmware, as they were told."""
    found = [frame.payload["type"] for frame in backend.ledger.deduplicated("SecurityEventNotification")]
    return [kind for kind in found if "Firmware" in kind]


def run(
    folder: Path,
    maker: Manufacturer,
    play: Callable[[Story], Awaitable[None]],
    options: RigOptions | None = None,
) -> None:
    async def main() -> None:
        server = FirmwareServer()
        async with StationRig(folder, options, defects={"download": server}) as rig:
            await rig.ready()
            assert await rig.management.install_certificate(ROOT, maker.root.pem) == "Accepted"
            try:
                await play(Story(rig, maker, server))
            except Exception:
                print(rig.agent.log)
                raise
            assert "hunter2" not in "".join(life.log for life in rig.lives)
            rig.check()

    run_virtual(main())


@pytest.mark.rule("ocpp16.F03")
@pytest.mark.rule("ocpp16.F04")
@pytest.mark.rule("ocpp16.F08")
def test_a_signed_update_is_told_step_by_step_and_installed_once_it_runs(tmp_path: Path, maker: Manufacturer) -> None:
    async def play(story: Story) -> None:
        assert await story.ask() == "Accepted"
        await story.until(*REBOOTING)
        assert await story.boots() == NEW
        await story.until(*REBOOTING, "Installed")
        await wait(60)
        firmware = (await story.rig.agent.agent.abilities().status()).firmware
        assert firmware == FirmwareView(NEW, "", "asked for by management: the new version runs")
        assert events(story.rig.management) == events(story.rig.primary) == ["FirmwareUpdated"]
        assert told(story.rig.primary) == []
        assert statuses(story.rig.primary)[-1] == "Available"
        await begin(story.rig)
        await wait(60)
        await end(story.rig)
        await back(story.rig, story.rig.power_cut())
        await wait(30)
        assert told(story.rig.management) == [*REBOOTING, "Installed"]
        assert events(story.rig.management) == ["FirmwareUpdated"]

    run(tmp_path, maker, play)


@pytest.mark.rule("ocpp16.F01")
def test_a_download_is_tried_again_and_pauses_where_it_broke_off(tmp_path: Path, maker: Manufacturer) -> None:
    async def play(story: Story) -> None:
        story.server.fails = [True, False]
        assert await story.ask() == "Accepted"
        await story.until("Downloading", "DownloadPaused", "Downloading", "Downloaded", *REBOOTING[2:])
        assert story.server.attempts == 3

    run(tmp_path, maker, play)


@pytest.mark.rule("ocpp16.F01")
@pytest.mark.rule("ocpp16.F02")
def test_a_download_that_fails_to_the_end_changes_nothing(tmp_path: Path, maker: Manufacturer) -> None:
    async def play(story: Story) -> None:
        story.server.fails = 9 * [False]
        assert await story.ask() == "Accepted"
        before = story.rig.management.time_s()
        await story.until("Downloading", "DownloadFailed")
        assert story.server.attempts == 4
        assert 180 <= story.rig.management.time_s() - before < 200
        assert "Unavailable" not in statuses(story.rig.primary)
        story.server.fails.clear()
        assert await story.ask(request_id=2) == "Accepted"
        await story.until("Downloading", "DownloadFailed", *REBOOTING)

    run(tmp_path, maker, play)


@pytest.mark.rule("ocpp16.F04")
@pytest.mark.rule("security.ATK-11")
def test_a_file_that_was_not_signed_is_not_installed(tmp_path: Path, maker: Manufacturer) -> None:
    async def play(story: Story) -> None:
        story.server.files[URL] = story.image[:-1] + b"?"
        assert await story.ask(story.rig.primary) == "Accepted"
        await story.until(*DOWNLOADED, "InvalidSignature", backend=story.rig.primary)
        await wait(30)
        assert events(story.rig.primary) == events(story.rig.management) == ["InvalidFirmwareSignature"]
        assert told(story.rig.management, "FirmwareStatusNotification") == [*DOWNLOADED, "InstallationFailed"]
        assert "Unavailable" not in statuses(story.rig.primary)

    run(tmp_path, maker, play)


@pytest.mark.rule("ocpp16.F02")
@pytest.mark.rule("security.ATK-11")
def test_an_image_of_another_station_is_refused_and_the_connectors_are_free_again(
    tmp_path: Path, maker: Manufacturer
) -> None:
    async def play(story: Story) -> None:
        story.image = story.server.files[URL] = maker.image(NEW, model="Other")
        assert await story.ask() == "Accepted"
        await story.until(*VERIFIED, "Installing", "InstallVerificationFailed")
        await story.rig.until_status("Available")
        assert statuses(story.rig.primary)[-2:] == ["Unavailable", "Available"]
        await begin(story.rig)
        await wait(60)
        await end(story.rig)

    run(tmp_path, maker, play)


@pytest.mark.rule("ocpp16.F04")
def test_a_certificate_of_somebody_else_is_refused_before_anything_is_fetched(
    tmp_path: Path, maker: Manufacturer
) -> None:
    async def play(story: Story) -> None:
        stranger = new_manufacturer()
        assert await story.ask(certificate=stranger.signer.pem) == "InvalidCertificate"
        await wait(30)
        assert events(story.rig.management) == ["InvalidFirmwareSigningCertificate"]
        assert events(story.rig.primary) == []
        assert (story.server.attempts, told(story.rig.management)) == (0, [])
        nonsense = base64.b64encode(b"nonsense").decode()
        assert await story.ask(signature=nonsense) == "Accepted"
        await story.until(*DOWNLOADED, "InvalidSignature")

    run(tmp_path, maker, play)


@pytest.mark.rule("ocpp16.F05")
@pytest.mark.rule("product.P4")
def test_it_waits_for_the_end_of_a_session_of_somebody_else_and_keeps_the_others_from_beginning(
    tmp_path: Path, maker: Manufacturer
) -> None:
    async def play(story: Story) -> None:
        rig = story.rig
        await begin(rig)
        assert await story.ask() == "Accepted"
        await story.until(*VERIFIED, "InstallScheduled")
        await rig.until_status("Unavailable", 2)
        await wait(300)
        assert rig.closed(1)
        rig.plug(2)
        rig.card("04FFEEDDCCBBAA")
        await wait(30)
        assert not rig.closed(2)
        rig.unplug(2)
        await end(rig)
        await story.until(*VERIFIED, "InstallScheduled", "Installing", "InstallRebooting")
        assert await story.boots() == NEW
        await story.until(*VERIFIED, "InstallScheduled", "Installing", "InstallRebooting", "Installed")
        assert [stop.reason for stop in rig.primary.ledger.stops()] == ["Local"]
        await rig.until_status("Available", 2)

    run(tmp_path, maker, play, RigOptions(connectors=2))


@pytest.mark.rule("ocpp16.F01")
@pytest.mark.rule("ocpp16.F05")
def test_both_dates_are_waited_for(tmp_path: Path, maker: Manufacturer) -> None:
    async def play(story: Story) -> None:
        dates = {"date": "2026-01-01T00:02:00Z", "install_date_time": "2026-01-01T00:04:00Z"}
        assert await story.ask(**dates) == "Accepted"
        await story.until("DownloadScheduled")
        assert await story.rig.management.extended_trigger("FirmwareStatusNotification") == "Accepted"
        await wait(1)
        assert told(story.rig.management) == 2 * ["DownloadScheduled"]
        await wait(120)
        assert told(story.rig.management)[2:] == [*VERIFIED, "InstallScheduled"]
        assert "Unavailable" not in statuses(story.rig.primary)
        await wait(120)
        assert told(story.rig.management)[2:] == [*VERIFIED, "InstallScheduled", "Installing", "InstallRebooting"]

    run(tmp_path, maker, play)


@pytest.mark.rule("ocpp16.F06")
@pytest.mark.rule("two-upstreams.TU04")
def test_a_newer_request_of_the_same_side_takes_its_place_and_the_other_side_is_refused(
    tmp_path: Path, maker: Manufacturer
) -> None:
    async def play(story: Story) -> None:
        rig = story.rig
        assert await story.ask(request_id=1, date="2026-01-02T00:00:00Z") == "Accepted"
        assert await story.ask(rig.primary, request_id=1) == "Rejected"
        assert await rig.primary.update_firmware(PLACE) == "CALLERROR GenericError"
        assert await story.ask(request_id=2) == "AcceptedCanceled"
        await story.until("DownloadScheduled", *REBOOTING)
        requests = [f.payload["requestId"] for f in rig.management.ledger.calls("SignedFirmwareStatusNotification")]
        assert requests == [1] + 5 * [2]
        assert await story.boots() == NEW
        await wait(15)
        assert await story.ask(rig.primary, request_id=3) == "Accepted"

    run(tmp_path, maker, play)


@pytest.mark.rule("ocpp16.F01")
@pytest.mark.rule("ocpp16.F07")
def test_a_plain_update_at_security_profile_0(tmp_path: Path, maker: Manufacturer) -> None:
    async def play(story: Story) -> None:
        assert await story.rig.management.update_firmware(PLACE) == "Accepted"
        action = "FirmwareStatusNotification"
        await story.rig.until(lambda: told(story.rig.management, action)[-1:] == ["Installing"], within_s=400)
        assert await story.boots() == NEW
        await wait(30)
        assert told(story.rig.management, action) == [*DOWNLOADED, "Installing", "Installed"]
        assert events(story.rig.management) == ["FirmwareUpdated"]

    run(tmp_path, maker, play)


@pytest.mark.rule("security.ATK-11")
def test_a_plain_update_installs_nothing_that_the_manufacturer_has_not_signed(
    tmp_path: Path, maker: Manufacturer
) -> None:
    async def play(story: Story) -> None:
        story.server.files[URL] = new_manufacturer().image(NEW, model="Rig")
        assert await story.rig.management.update_firmware(PLACE) == "Accepted"
        await wait(60)
        words = [*DOWNLOADED, "Installing", "InstallationFailed"]
        assert told(story.rig.management, "FirmwareStatusNotification") == words
        assert events(story.rig.management) == ["InvalidFirmwareSignature"]

    run(tmp_path, maker, play)


@pytest.mark.rule("ocpp16.F07")
@pytest.mark.rule("two-upstreams.TU05")
def test_plain_updates_are_not_supported_above_profile_0_nor_where_firmware_is_reserved(
    tmp_path: Path, maker: Manufacturer
) -> None:
    password = "provisioned-1234"

    async def main() -> None:
        options = RigOptions(
            management={"security": 1, "password": password}, firmware="reserved_for_management = true"
        )
        async with StationRig(tmp_path, options) as rig:
            rig.management.password = password.encode()
            await rig.ready()
            assert await rig.management.update_firmware(PLACE) == "CALLERROR NotSupported"
            assert await rig.primary.update_firmware(PLACE) == "CALLERROR NotSupported"
            story = Story(rig, maker, FirmwareServer())
            assert await story.ask(rig.primary) == "Rejected"
            for backend, has in ((rig.management, True), (rig.primary, False)):
                known, _ = await backend.get_configuration("SupportedFeatureProfiles")
                assert ("FirmwareManagement" in str(known["SupportedFeatureProfiles"][0])) is has

    run_virtual(main())


def test_the_newest_state_waits_for_a_lost_link(tmp_path: Path, maker: Manufacturer) -> None:
    async def play(story: Story) -> None:
        rig = story.rig
        assert await story.ask(date="2026-01-01T00:10:00Z") == "Accepted"
        await story.until("DownloadScheduled")
        await rig.management.stop()
        await wait(1200)
        assert rig.agent.status == 0
        rig.start()
        await wait(60)
        await rig.management.start()
        await story.until("DownloadScheduled", "Installed")

    run(tmp_path, maker, play)
