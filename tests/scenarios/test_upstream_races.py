"""Two backends at odds over what is common to them: limits, uploads, the clock, the disk, a link that changes."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from ocpp.v16 import call

from agent.store import limits
from agent.vocabulary.moments import iso8601
from tests.rig.certificates import make_authority, server_context
from tests.rig.file_server import FileServer
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import run_virtual, wall_ms
from tests.scenarios.acts import SAME_CARD_S, begin, end, logged, play, reasons, wait
from tests.scenarios.test_charging_profiles import composite, sent, set_profile
from tests.scenarios.test_start_stop_races import at_once

PASSWORD = "provisioned-1234"
TWO_HOURS_MS = 2 * 3_600_000
PLAIN = RigOptions(management_keys={"MeterValueSampleInterval": 1}, primary_keys={"MeterValueSampleInterval": 1})


@pytest.mark.rule("two-upstreams.races")
@pytest.mark.parametrize("management_first", [True, False])
def test_of_two_profiles_at_the_same_instant_the_lower_limit_holds_and_each_clears_its_own(
    tmp_path: Path, management_first: bool
) -> None:
    """Equal ids, purposes and levels: neither takes the place of the other's."""

    async def story(rig: StationRig) -> None:
        await begin(rig)
        answers = await at_once(
            management_first,
            management=set_profile(rig.management, sent(1, "TxDefaultProfile", (0, 10))),
            primary=set_profile(rig.primary, sent(1, "TxDefaultProfile", (0, 7))),
        )
        assert answers == {"management": "Accepted", "primary": "Accepted"}
        for backend in rig.backends:
            assert await composite(backend, 10) == [(0, 7)]
        await wait(6)
        rig.plant.sync()
        assert rig.plant.history.of(1, "offered_a")[-1].value == pytest.approx(7, abs=0.1)
        assert await rig.primary.status_of(call.ClearChargingProfile(id=1)) == "Accepted"
        for backend in rig.backends:
            assert await composite(backend, 10) == [(0, 10)]
        await end(rig)

    play(tmp_path, story)


@pytest.mark.rule("two-upstreams.races")
@pytest.mark.parametrize("management_first", [True, False])
def test_two_that_want_the_log_at_once_with_one_number_each_get_it_and_hear_of_their_own(
    tmp_path: Path, management_first: bool
) -> None:
    server = FileServer()

    async def story() -> None:
        async with StationRig(tmp_path, PLAIN, defects={"upload": server}) as rig:
            await rig.ready()
            await begin(rig)
            answers = await at_once(
                management_first,
                management=rig.management.get_log("https://files.example/management", request_id=7),
                primary=rig.primary.get_log("https://files.example/primary", request_id=7),
            )
            assert answers == {"management": "Accepted", "primary": "Accepted"}
            await wait(30)
            for backend in rig.backends:
                told = [frame.payload for frame in backend.ledger.calls("LogStatusNotification")]
                assert [(each["status"], each["requestId"]) for each in told] == [("Uploading", 7), ("Uploaded", 7)]
            assert server.attempts == len(server.files) == 2
            assert len({name.split("/")[3] for name in server.files}) == 2
            await end(rig)
            rig.check()

    run_virtual(story())


@pytest.mark.rule("two-upstreams.races")
def test_a_profile_that_the_primary_does_not_serve_falls_back_and_management_and_the_session_notice_nothing(
    tmp_path: Path,
) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        assert await rig.primary.change_configuration("AuthorizationKey", "a-new-password-16") == "Accepted"
        assert await rig.primary.change_configuration("SecurityProfile", "2") == "Accepted"
        await rig.until(lambda: not rig.primary.connected.is_set(), within_s=60, what="the new profile is tried")
        await wait(5)
        before = len(rig.management.ledger.calls("MeterValues"))
        await wait(10)
        assert len(rig.management.ledger.calls("MeterValues")) - before >= 9
        assert await rig.management.change_configuration("HeartbeatInterval", "250") == "Accepted"
        await rig.until(rig.primary.connected.is_set, within_s=400, what="the former profile")
        configuration, _ = await rig.primary.get_configuration("SecurityProfile")
        assert configuration["SecurityProfile"][0] == "0"
        assert rig.management.connections == 1
        assert rig.closed()
        await end(rig)

    play(tmp_path, story, PLAIN)


@pytest.mark.rule("two-upstreams.races")
def test_a_primary_that_tells_a_wrong_time_while_managements_tls_reconnects_moves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The primary speaks without TLS: it is told the time of nobody's certificates."""
    authority = make_authority()
    root = tmp_path / "root.pem"
    root.write_text(authority.root_pem)
    secured = replace(PLAIN, management={"security": 2, "password": PASSWORD, "trust": str(root)})

    async def story() -> None:
        rig = StationRig(tmp_path, secured)
        rig.management.ssl, rig.management.password = server_context(authority), PASSWORD.encode()
        rig.primary.script.interval_s = 5
        async with rig:
            await rig.ready()
            await begin(rig)
            await rig.management.stop()
            monkeypatch.setattr(rig.primary, "now", lambda: iso8601(wall_ms() + TWO_HOURS_MS))
            beats = len(rig.primary.ledger.calls("Heartbeat"))
            assert await rig.primary.status_of(call.TriggerMessage(requested_message="Heartbeat")) == "Accepted"
            await rig.until(lambda: len(rig.primary.ledger.calls("Heartbeat")) > beats, within_s=10)
            await rig.management.start()
            await rig.until(rig.management.connected.is_set, within_s=400, what="TLS again")
            await wait(3)
            assert abs((rig.agent.agent.clock.now().wall_ms or 0) - wall_ms()) < 2_000
            assert logged(rig, "clock.differs")
            assert not logged(rig, "clock.stepped")
            await end(rig)
            rig.check()

    run_virtual(story())


@pytest.mark.rule("two-upstreams.races")
def test_a_full_disk_costs_the_mirror_its_oldest_sessions_and_the_primary_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = 5

    async def story() -> None:
        async with StationRig(tmp_path, PLAIN) as rig:
            await rig.ready()
            for number in range(sessions):
                await _session(rig, number)
            fields = list(os.statvfs("/"))
            fields[1], fields[4] = 1, 0  # f_frsize, f_bavail
            with monkeypatch.context() as full:
                full.setattr(limits.os, "statvfs", lambda path: os.statvfs_result(fields))
                await _session(rig, sessions)
                await wait(10)
            for backend in rig.backends:
                await backend.start()
            await rig.until(lambda: len(rig.primary.ledger.stops()) == sessions + 1, within_s=900)
            await wait(60)
            assert reasons(rig)[1] == ["Local"] * (sessions + 1)
            mirrored = rig.management.ledger
            assert 1 < len(mirrored.stops()) == len(mirrored.starts()) < sessions + 1
            events = [f.payload["type"] for f in mirrored.calls("SecurityEventNotification")]
            assert "MemoryExhaustion" in events
            rig.check(ledgers={"primary": rig.primary.ledger})

    run_virtual(story(), limit_s=3 * 3600.0)


async def _session(rig: StationRig, number: int) -> None:
    """One session; the first begins online, and then nobody is there for the rest of it and of the others."""
    if number == 0:
        await begin(rig)
        for backend in rig.backends:
            await backend.stop()
    else:
        rig.plug()
        await wait(2)
        rig.card()
        await rig.until(rig.closed, within_s=20)
    await wait(SAME_CARD_S + 5)
    rig.card()
    await rig.until(lambda: not rig.closed(), within_s=20)
    rig.unplug()
    await wait(5)
