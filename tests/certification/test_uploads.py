"""Certification, FirmwareManagement and Security: diagnostics and the security log are uploaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.vocabulary.uploads import UploadStatus
from tests.certification.messages import Message
from tests.certification.tool import Tool, examine
from tests.rig.file_server import FileServer

PLACE = "ftps://files.example/uploads"


def diagnostics_status(status: str) -> Message:
    return Message("DiagnosticsStatusNotification", {"status": status})


def log_status(status: str, request_id: int) -> Message:
    return Message("LogStatusNotification", {"status": status, "requestId": request_id})


@pytest.mark.certification("TC_045_1_CS")
@pytest.mark.rule("ocpp16.F09")
def test_tc_045_1_diagnostics_are_uploaded(tmp_path: Path) -> None:
    server = FileServer()

    async def script(tool: Tool) -> None:
        name = await tool.backend.get_diagnostics(PLACE, retries=0)
        await tool.expect(diagnostics_status("Uploading"))
        await tool.expect(diagnostics_status("Uploaded"))
        assert list(server.files) == [f"{PLACE}/{name}"]
        await tool.expect_nothing()

    examine(tmp_path, script, defects={"upload": server})


@pytest.mark.certification("TC_045_2_CS")
@pytest.mark.rule("ocpp16.F09")
def test_tc_045_2_the_upload_of_diagnostics_fails(tmp_path: Path) -> None:
    server = FileServer()
    server.fails = 2 * [UploadStatus.PERMISSION_DENIED]

    async def script(tool: Tool) -> None:
        assert await tool.backend.get_diagnostics(PLACE, retries=1, retry_interval=5) is not None
        await tool.expect(diagnostics_status("Uploading"))
        await tool.expect(diagnostics_status("UploadFailed"))
        assert server.attempts == 2
        assert not server.files
        await tool.expect_nothing()

    examine(tmp_path, script, defects={"upload": server})


@pytest.mark.certification("TC_079_CS")
@pytest.mark.rule("ocpp16.F10")
def test_tc_079_the_security_log_is_uploaded(tmp_path: Path) -> None:
    server = FileServer()

    async def script(tool: Tool) -> None:
        await tool.ask(tool.backend.get_log(PLACE, request_id=7), "Accepted")
        await tool.expect(log_status("Uploading", 7))
        await tool.expect(log_status("Uploaded", 7))
        assert b"StartupOfTheDevice" in server.files[PLACE]
        await tool.expect_nothing()

    examine(tmp_path, script, defects={"upload": server})
