"""Certification, FirmwareManagement and Security: firmware is installed, or is not and nothing is lost.

On virtual time a download takes none, and statuses of connectors go before those of an update: so `Unavailable` comes
before the first of the steps.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.certification.messages import Message, boot, status
from tests.certification.tool import Tool, examine
from tests.rig.firmware import Manufacturer, new_manufacturer
from tests.rig.firmware_server import FirmwareServer

PLACE = "https://files.example/firmware.img"
NEW = "1.0.0"


@pytest.fixture(scope="module")
def maker() -> Manufacturer:
    return new_manufacturer()


def firmware_status(word: str) -> Message:
    return Message("FirmwareStatusNotification", {"status": word})


def signed_status(word: str) -> Message:
    return Message("SignedFirmwareStatusNotification", {"status": word, "requestId": 7})


async def trust(tool: Tool, maker: Manufacturer) -> None:
    """The manufacturer's root is on the station."""
    await tool.ask(tool.backend.install_certificate("ManufacturerRootCertificate", maker.root.pem), "Accepted")


async def reboot(tool: Tool) -> None:
    """The station boots with the new firmware, and its connectors are free."""
    await tool.rig.restarted()
    frame = await tool.expect(boot(), within_s=60)
    assert frame.payload["firmwareVersion"] == NEW
    await tool.expect_in_any_order(*tool.all_statuses())


@pytest.mark.certification("TC_044_1_CS")
@pytest.mark.rule("ocpp16.F01")
def test_tc_044_1_firmware_is_downloaded_and_installed(tmp_path: Path, maker: Manufacturer) -> None:
    server = FirmwareServer()
    server.files[PLACE] = maker.image(NEW, model="Rig")

    async def script(tool: Tool) -> None:
        await trust(tool, maker)
        await tool.ask(tool.backend.update_firmware(PLACE), "Accepted")
        await tool.expect_in_any_order(status(1, "Unavailable"), firmware_status("Downloading"))
        await tool.expect(firmware_status("Downloaded"))
        await tool.expect(firmware_status("Installing"))
        await reboot(tool)
        await tool.expect(firmware_status("Installed"), within_s=60)
        await tool.expect_nothing()

    examine(tmp_path, script, defects={"download": server})


@pytest.mark.certification("TC_044_2_CS")
@pytest.mark.rule("ocpp16.F02")
def test_tc_044_2_the_download_fails(tmp_path: Path, maker: Manufacturer) -> None:
    server = FirmwareServer()
    server.fails = 2 * [False]

    async def script(tool: Tool) -> None:
        await trust(tool, maker)
        await tool.ask(tool.backend.update_firmware(PLACE, retries=1, retry_interval=5), "Accepted")
        await tool.expect(firmware_status("Downloading"))
        await tool.expect(firmware_status("DownloadFailed"))
        assert server.attempts == 2
        await tool.expect_nothing()

    examine(tmp_path, script, defects={"download": server})


@pytest.mark.certification("TC_044_3_CS")
@pytest.mark.rule("ocpp16.F02")
def test_tc_044_3_the_installation_fails(tmp_path: Path, maker: Manufacturer) -> None:
    server = FirmwareServer()
    server.files[PLACE] = b"this is no image of any station"

    async def script(tool: Tool) -> None:
        await trust(tool, maker)
        await tool.ask(tool.backend.update_firmware(PLACE), "Accepted")
        connector = status(1, "Unavailable"), status(1, "Available")
        await tool.expect_in_any_order(*connector, firmware_status("Downloading"))
        await tool.expect(firmware_status("Downloaded"))
        await tool.expect(firmware_status("Installing"))
        await tool.expect(firmware_status("InstallationFailed"))
        await tool.expect_nothing()

    examine(tmp_path, script, defects={"download": server})


@pytest.mark.certification("TC_080_CS")
@pytest.mark.rule("ocpp16.F04")
@pytest.mark.rule("ocpp16.F08")
def test_tc_080_signed_firmware_is_installed(tmp_path: Path, maker: Manufacturer) -> None:
    server = FirmwareServer()
    image = server.files[PLACE] = maker.image(NEW, model="Rig")

    async def script(tool: Tool) -> None:
        await trust(tool, maker)
        asked = tool.backend.signed_update_firmware(PLACE, maker.signer.pem, maker.signature(image), 7)
        await tool.ask(asked, "Accepted")
        await tool.expect_in_any_order(status(1, "Unavailable"), signed_status("Downloading"))
        for word in ("Downloaded", "SignatureVerified", "Installing", "InstallRebooting"):
            await tool.expect(signed_status(word))
        await reboot(tool)
        await tool.expect(signed_status("Installed"), within_s=60)
        await tool.expect(Message("SecurityEventNotification", {"type": "FirmwareUpdated"}))
        await tool.expect_nothing()

    examine(tmp_path, script, defects={"download": server})


@pytest.mark.certification("TC_081_CS")
@pytest.mark.rule("ocpp16.F04")
def test_tc_081_an_invalid_signature_is_told_and_nothing_is_installed(tmp_path: Path, maker: Manufacturer) -> None:
    server = FirmwareServer()
    image = server.files[PLACE] = maker.image(NEW, model="Rig")

    async def script(tool: Tool) -> None:
        await trust(tool, maker)
        signature = maker.signature(image + b"?")
        await tool.ask(tool.backend.signed_update_firmware(PLACE, maker.signer.pem, signature, 7), "Accepted")
        for word in ("Downloading", "Downloaded", "InvalidSignature"):
            await tool.expect(signed_status(word))
        await tool.expect(Message("SecurityEventNotification", {"type": "InvalidFirmwareSignature"}))
        await tool.expect_nothing()

    examine(tmp_path, script, defects={"download": server})
