"""Diagnostics and logs, in the whole station: while it charges, over lost links, and to whom they show what."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ocpp.v16 import call

from agent.vocabulary.inputs import SettingsStaged
from agent.vocabulary.uploads import UploadStatus
from tests.rig.backend import ScriptedBackend
from tests.rig.driver import CARD
from tests.rig.file_server import FileServer
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import run_virtual
from tests.scenarios.acts import begin, end, wait

PLACE = "https://station:hunter2@files.example/up"
PASSWORD = "provisioned-1234"
OPTIONS = RigOptions(management={"security": 1, "password": PASSWORD}, station={"serial_number": "SN1"})


def told(backend: ScriptedBackend, action: str = "LogStatusNotification") -> list[str]:
    return [frame.payload["status"] for frame in backend.ledger.calls(action)]


def run(
    folder: Path, server: FileServer, story: Callable[[StationRig], Awaitable[None]], options: RigOptions = OPTIONS
) -> None:
    async def main() -> None:
        async with StationRig(folder, options, defects={"upload": server}) as rig:
            rig.management.password = PASSWORD.encode()
            await rig.ready()
            await story(rig)
            assert "hunter2" not in rig.agent.log
            rig.check()

    run_virtual(main())


@pytest.mark.rule("ocpp16.F09")
def test_a_session_does_not_notice_an_upload_and_its_card_is_not_in_it(tmp_path: Path) -> None:
    server = FileServer()

    async def story(rig: StationRig) -> None:
        await begin(rig)
        name = await rig.management.get_diagnostics(PLACE)
        await rig.until(
            lambda: told(rig.management, "DiagnosticsStatusNotification") == ["Uploading", "Uploaded"], within_s=400
        )
        assert told(rig.primary, "DiagnosticsStatusNotification") == []
        assert rig.closed()
        assert list(server.files) == [f"https://files.example/up/{name}"]
        texts = server.archive()
        everything = "".join(texts.values())
        for secret in (PASSWORD, "hunter2", CARD):
            assert secret.casefold() not in everything.casefold()
        assert "transaction started" in texts["log.txt"]
        assert json.loads(texts["station.json"])["connectors"][0]["transaction"]
        assert [u["id"] for u in json.loads(texts["settings.json"])["upstreams"]] == ["management", "primary-1"]
        await wait(60)
        await end(rig)
        await rig.until_delivered(1)

    run(tmp_path, server, story)


def test_the_primary_sees_nothing_of_managements_link(tmp_path: Path) -> None:
    server = FileServer()

    async def story(rig: StationRig) -> None:
        await begin(rig)
        await rig.primary.get_log(PLACE, "DiagnosticsLog")
        await rig.until(lambda: told(rig.primary) == ["Uploading", "Uploaded"], within_s=400)
        assert told(rig.management) == []
        texts = server.archive()
        everything = "".join(texts.values())
        assert "management" not in everything
        assert f"127.0.0.1:{rig.cutters['management'].port}" not in everything
        assert "transaction started" in texts["log.txt"]
        assert "primary-1" in texts["inputs.jsonl"]
        await end(rig)

    run(tmp_path, server, story)


@pytest.mark.rule("security.ATK-28")
def test_a_further_operator_sees_neither_links_of_others_nor_the_beginning_of_a_card(tmp_path: Path) -> None:
    server = FileServer()

    async def story(rig: StationRig) -> None:
        energy = rig.operators[0]
        await begin(rig)
        entry = json.dumps({"name": "Rival", "url": "wss://rival.example/"})
        put = call.DataTransfer(vendor_id="stationd", message_id="PutCatalogueEntry", data=entry)
        assert (await rig.management.call(put))["status"] == "Accepted"
        rig.agent.agent.post(SettingsStaged("set primary wss://rival.example/ as CP9"))
        await wait(1)
        await energy.get_log(PLACE, "DiagnosticsLog")
        await rig.until(lambda: told(energy) == ["Uploading", "Uploaded"], within_s=400)
        texts = server.archive()
        everything = "".join(texts.values())
        for hidden in ("management", "primary-1", "operator-2", f"{CARD[:2]}***", "rival"):
            assert hidden not in everything
        assert "operator-1" in texts["inputs.jsonl"]
        assert json.loads(texts["station.json"])["connectors"][0]["token_masked"] is None
        await end(rig)

    run(tmp_path, server, story, replace(OPTIONS, operators=2))


@pytest.mark.rule("ocpp16.F10")
def test_the_security_log_is_whole_over_a_power_cut_and_each_sees_its_own_and_the_stations(tmp_path: Path) -> None:
    server = FileServer()

    async def story(rig: StationRig) -> None:
        assert await rig.management.change_configuration("AuthorizationKey", "a-new-password-16") == "Accepted"
        rig.management.password = b"a-new-password-16"
        await wait(120)
        await rig.power_cut()
        await rig.until(lambda: all(backend.connected.is_set() for backend in rig.backends), within_s=400)
        await wait(10)
        seen = {}
        for backend in rig.backends:
            assert await backend.get_log(PLACE) == "Accepted"
            await rig.until(lambda backend=backend: told(backend)[-1:] == ["Uploaded"], within_s=400)  # type: ignore[misc]
            (content,) = server.files.values()
            seen[backend.name] = content.decode()
        for text in seen.values():
            assert text.count("StartupOfTheDevice") == 2
        assert "ReconfigurationOfSecurityParameters management" in seen["management"]
        assert "management" not in seen["primary"]
        assert "a-new-password-16" not in seen["management"]

    run(tmp_path, server, story)


def test_of_a_time_only_what_happened_in_it_is_shown(tmp_path: Path) -> None:
    server = FileServer()

    async def story(rig: StationRig) -> None:
        await begin(rig)
        await wait(600)
        times = {"oldest_timestamp": rig.management.now(), "latest_timestamp": "2060-01-01T00:00:00Z"}
        await end(rig)
        await rig.management.get_log(PLACE, "DiagnosticsLog", **times)
        await rig.until(lambda: told(rig.management)[-1:] == ["Uploaded"], within_s=400)
        log = server.archive()["log.txt"]
        assert "transaction stopped" in log
        assert "transaction started" not in log
        server.files.clear()
        await rig.management.get_log(PLACE, **times)
        await rig.until(lambda: len(told(rig.management)) == 4, within_s=400)
        assert list(server.files.values()) == [b""]

    run(tmp_path, server, story)


def test_how_it_ended_is_told_after_a_lost_link(tmp_path: Path) -> None:
    server = FileServer()
    server.fails = [UploadStatus.FAILED]

    async def story(rig: StationRig) -> None:
        assert await rig.management.get_log(PLACE, retries=1, retry_interval=20) == "Accepted"
        await rig.until(lambda: told(rig.management) == ["Uploading"], within_s=400)
        await rig.management.stop()
        await wait(60)
        await rig.management.start()
        await rig.until(lambda: told(rig.management) == ["Uploading", "Uploaded"], within_s=400)

    run(tmp_path, server, story)


@pytest.mark.rule("security.ATK-12")
@pytest.mark.parametrize(
    "location", ["ftp://h.example/", "http://h.example/", "https://169.254.169.254/", "https://[::1]/"]
)
def test_a_place_that_is_not_allowed_is_refused(tmp_path: Path, location: str) -> None:
    server = FileServer()

    async def story(rig: StationRig) -> None:
        assert await rig.management.get_log(location) == "Rejected"
        assert await rig.management.get_diagnostics(location) is None
        await wait(10)
        assert told(rig.management) == []

    run(tmp_path, server, story)
    assert server.attempts == 0


def test_each_has_a_job_of_its_own_and_a_newer_one_takes_its_place(tmp_path: Path) -> None:
    server = FileServer()
    server.fails = 2 * [UploadStatus.FAILED]

    async def story(rig: StationRig) -> None:
        wish: dict[str, Any] = {"retries": 1, "retry_interval": 30}
        assert await rig.management.get_log(PLACE, request_id=1, **wish) == "Accepted"
        assert await rig.primary.get_log(PLACE, request_id=1, **wish) == "Accepted"
        await wait(5)
        assert await rig.management.get_log(PLACE, request_id=2) == "AcceptedCanceled"
        await wait(60)
        requests = [f.payload["requestId"] for f in rig.management.ledger.calls("LogStatusNotification")]
        assert (told(rig.management), requests) == (["Uploading", "Uploading", "Uploaded"], [1, 2, 2])
        assert told(rig.primary) == ["Uploading", "Uploaded"]

    run(tmp_path, server, story)
