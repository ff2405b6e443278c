"""What stations often get wrong around their start and their connection: when they boot, speak, beat and dial."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from agent.settings.addresses import SecurityProfile, UpstreamAddress
from agent.settings.settings import Settings
from agent.vocabulary.ids import Secret
from tests.rig.backend import ScriptedBackend
from tests.rig.ledger import RECEIVED
from tests.rig.link_cutter import Mode
from tests.rig.oracle_sessions import wall_ms_of
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import PRIMARY, StationRig
from tests.rig.virtual_time import EPOCH_MS, run_virtual
from tests.scenarios.acts import REAL_LIMIT_S, back, begin, end, play, wait

RECONNECT_S = 400.0
"""The longest backoff, and some."""
QUIET_S = 20.0


def said(backend: ScriptedBackend, since: int = 0) -> list[str]:
    """The actions of the station's calls, from a frame of the ledger on."""
    return [f.action for f in backend.ledger.frames[since:] if f.direction == RECEIVED and f.is_call]


async def reconnected(rig: StationRig, meanwhile: Callable[[], object] = lambda: None, away_s: float = 30.0) -> int:
    """The primary goes and comes back; from which frame of its ledger on the new link is."""
    before = len(rig.primary.ledger.frames)
    await rig.primary.stop()
    meanwhile()
    await wait(away_s)
    await rig.primary.start()
    await rig.until(rig.primary.connected.is_set, within_s=RECONNECT_S, what="the primary again")
    await wait(QUIET_S)
    return before


@pytest.mark.rule("ocpp16.M1")
def test_a_new_link_is_no_new_boot(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        for _ in range(3):
            since = await reconnected(rig)
            assert "BootNotification" not in said(rig.primary, since)
        await back(rig, rig.kill())
        assert len(rig.primary.ledger.calls("BootNotification")) == 2  # one for each start

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.M2")
def test_nothing_is_said_before_the_boot_is_accepted_not_even_what_waits(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        await rig.primary.stop()
        await end_alone(rig)
        assert await rig.stop() == 0
        rig.primary.script.boot.extend(["Pending", "Rejected"])
        rig.primary.script.interval_s = 10
        since = len(rig.primary.ledger.frames)
        await rig.primary.start()
        rig.start()
        await rig.until_delivered(1)
        assert said(rig.primary, since)[:3] == ["BootNotification"] * 3
        assert "StopTransaction" in said(rig.primary, since)[3:]  # it had waited
        boots = [call.at_s for call in rig.primary.ledger.calls("BootNotification")[1:]]
        assert [round(after - before) for before, after in pairwise(boots)] == [10, 10]

    play(tmp_path, story)


async def end_alone(rig: StationRig) -> None:
    """The car leaves, and management alone is told."""
    rig.unplug()
    await rig.until(lambda: rig.management.ledger.stops(), within_s=20, what="the stop at management")
    await wait(5)


@pytest.mark.rule("ocpp16.M3")
def test_every_connector_and_the_station_are_told_after_each_accepted_boot(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        for _ in range(2):
            since = len(rig.primary.ledger.statuses())
            await back(rig, rig.kill())
            await wait(QUIET_S)
            told = rig.primary.ledger.statuses()[since:]
            assert sorted({status.connector for status in told}) == [0, 1, 2]
            assert {status.status for status in told} == {"Available"}

    play(tmp_path, story, RigOptions(connectors=2))


@pytest.mark.rule("ocpp16.M4")
def test_of_the_statuses_of_an_outage_only_the_present_one_is_told(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        def changed() -> None:
            rig.plug()

        since = await reconnected(rig, changed)
        told = [f for f in rig.primary.ledger.frames[since:] if f.action == "StatusNotification"]
        assert [f.payload["status"] for f in told] == ["Preparing"]
        rig.unplug()
        await rig.until_status("Available")

        def came_and_went() -> None:
            rig.plug()
            rig.fault("lock_jam")
            rig.fault("lock_jam", False)
            rig.unplug()

        since = await reconnected(rig, came_and_went)
        assert "StatusNotification" not in said(rig.primary, since)

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.M10")
def test_every_time_that_is_told_is_true_and_in_utc_though_the_clock_was_wrong_at_first(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        await end(rig)
        await back(rig, rig.power_cut())
        await begin(rig)
        await end(rig, sessions=2)
        stamps = [
            (text, frame.at_s)
            for backend in rig.backends
            for frame in backend.ledger.calls()
            for text in times(frame.payload)
        ]
        assert len(stamps) > 10
        for text, at_s in stamps:
            assert text.endswith("Z")
            truth_ms = EPOCH_MS + (at_s - rig.zero_s) * 1000
            assert abs(wall_ms_of(text) - truth_ms) < 60_000, text

    play(tmp_path, story, RigOptions(primary_keys={"MeterValueSampleInterval": 5}))


def times(payload: object) -> list[str]:
    """Every timestamp in a payload."""
    if isinstance(payload, list):
        return [text for part in payload for text in times(part)]
    if isinstance(payload, dict):
        own = [payload["timestamp"]] if "timestamp" in payload else []
        return own + [text for part in payload.values() for text in times(part)]
    return []


@pytest.mark.rule("ocpp16.M21")
@pytest.mark.parametrize(("interval_s", "expected_s"), [(7, 7), (0, 300)])
def test_heartbeats_follow_the_interval_of_the_boot_and_0_is_no_busy_loop(
    tmp_path: Path, interval_s: int, expected_s: int
) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.interval_s = interval_s
        await back(rig, rig.kill())
        since = len(rig.primary.ledger.calls("Heartbeat"))
        await wait(2.5 * expected_s)
        beats = [call.at_s for call in rig.primary.ledger.calls("Heartbeat")[since:]]
        assert [round(after - before) for before, after in pairwise(beats)] == [expected_s]

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.M22")
def test_a_link_that_is_half_open_is_found_by_a_ping(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        cutter = rig.cutters["primary"]
        cutter.set(Mode.HALF_OPEN)
        await rig.until(lambda: cutter.accepted > 1, within_s=40, what="dialled anew")
        cutter.set(Mode.PASS)
        since = rig.primary.connections
        await rig.until(lambda: rig.primary.connections > since, within_s=RECONNECT_S, what="the primary again")

    play(tmp_path, story, RigOptions(primary_keys={"WebSocketPingInterval": 10}))


@pytest.mark.rule("ocpp16.M22")
def test_a_backend_that_refuses_everybody_is_dialled_less_and_less_and_never_in_step(tmp_path: Path) -> None:
    def dialled(seed: int) -> list[float]:
        async def main() -> list[float]:
            tries: list[float] = []
            folder = tmp_path / str(seed)
            folder.mkdir()
            async with StationRig(folder, seed=seed, direct=True) as rig:
                await rig.ready()
                rig.primary.script.http_status = 503
                rig.primary.drop()
                while len(tries) < 8:
                    before = len(rig.primary.handshakes)
                    await rig.until(lambda: len(rig.primary.handshakes) > before, within_s=RECONNECT_S)  # noqa: B023
                    tries.append(rig.primary.time_s())
                assert len(rig.management.handshakes) == 1
            return [after - before for before, after in pairwise(tries)]

        return run_virtual(main(), real_limit_s=REAL_LIMIT_S)

    one, other = dialled(1), dialled(2)
    assert all(abs(mine - its) > 0.05 for mine, its in zip(one, other, strict=True))
    for waits in (one, other):
        assert min(waits) > 0.5
        assert max(waits) < RECONNECT_S
        assert sum(waits[-3:]) > 3 * sum(waits[:3])


class Guarded(StationRig):
    """A station whose primary wants an identity with a blank and a password of bytes that are no text."""

    KEY = bytes(range(130, 150))
    IDENTITY = "RDAM 123"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, direct=True)
        self.primary = ScriptedBackend(
            "primary",
            first_transaction_id=2000,
            identity=self.IDENTITY,
            password=self.KEY,
            unix=folder / "primary.socket",
        )

    def settings(self) -> Settings:
        """With the password as the installer writes it: in hexadecimal digits."""
        plain = super().settings()
        url, secret = "ws://primary.example/ocpp", Secret(self.KEY.hex())
        address = UpstreamAddress(PRIMARY, "Primary", url, self.IDENTITY, SecurityProfile.BASIC, secret)
        return Settings(plain.factory, address)


@pytest.mark.rule("ocpp16.M23")
def test_the_password_goes_out_as_bytes_with_the_identity_on_every_connect(tmp_path: Path) -> None:
    async def main() -> None:
        async with Guarded(tmp_path) as rig:
            await rig.ready()
            for connections in (2, 3):
                rig.primary.drop()
                await rig.until(lambda: rig.primary.connections >= connections, within_s=RECONNECT_S)  # noqa: B023
            assert rig.primary.handshakes == [("/ocpp/RDAM%20123", 200)] * 3

    run_virtual(main(), real_limit_s=REAL_LIMIT_S)
