"""A disk that fails every write, and one that stalls: granting power waits for it, and nothing else does."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from tests.rig.driver import CARD
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import OTHER_CARD, begin, happened, leave, logged, plant_s, play, reasons, wait

STALL_S = 5.0
PING_S = 2
TWO = RigOptions(
    connectors=2,
    management_keys={"WebSocketPingInterval": PING_S, "MeterValueSampleInterval": 5},
    primary_keys={"WebSocketPingInterval": PING_S, "MeterValueSampleInterval": 5},
)
STOPPING = RigOptions(primary_keys={"MeterValueSampleInterval": 5}, station={"continue_on_storage_fault": False})


@contextmanager
def life_signs(rig: StationRig) -> Iterator[list[float]]:
    """The times at which the service manager would hear from the watchdog."""
    heard: list[float] = []
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as ear:
        ear.bind(str(rig.agent.notify_socket))
        loop.add_reader(ear, lambda: ear.recv(100) == b"WATCHDOG=1" and heard.append(loop.time()))
        yield heard
        loop.remove_reader(ear)


def longest_gap(times: list[float]) -> float:
    """Seconds between two neighbours at most."""
    assert len(times) > 3
    return max(after - before for before, after in pairwise(times))


@pytest.mark.rule("INV-2")
@pytest.mark.rule("ocpp16.X21")
def test_with_a_disk_that_fails_every_write_nothing_starts_and_what_runs_goes_on(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        rig.agent.disk.failing = True
        await wait(6)
        assert len(logged(rig, "station.storage_fault")) == 1
        rig.plug(2)
        await rig.until_status("Preparing", 2)  # statuses are told all the same
        rig.card(OTHER_CARD)
        await wait(6)
        assert happened(rig, "offered_a", 16.0, connector=2) == []
        assert [call.payload["idTag"] for call in rig.primary.ledger.calls("Authorize")] == [CARD]
        assert rig.closed()  # policy: continue_on_storage_fault
        asked_s = plant_s(rig)
        assert await rig.primary.remote_stop(2000) == "Accepted"  # nobody is left hanging by a dead disk
        assert plant_s(rig) - asked_s < 1.0
        await rig.until(lambda: not rig.closed(), within_s=8)
        await rig.until_status("Finishing")
        await wait(8)
        assert not any(backend.ledger.stops() for backend in rig.backends)
        rig.agent.disk.failing = False
        await rig.until_delivered(1)
        assert len(logged(rig, "station.storage_recovered")) == 1
        assert reasons(rig) == [["Remote"], ["Remote"]]
        await leave(rig)
        rig.card(OTHER_CARD)
        await rig.until_status("Charging", 2)
        await wait(5)
        rig.card(OTHER_CARD)
        await rig.until_delivered(2, within_s=30)
        await leave(rig, 2)

    play(tmp_path, story, TWO)


@pytest.mark.rule("INV-2")
@pytest.mark.rule("INV-4")
def test_a_disk_that_fails_at_the_start_of_a_session_gives_no_power_until_it_is_well(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.plug()
        await rig.until_status("Preparing")
        rig.card()
        await rig.until(lambda: happened(rig, "lock", True), within_s=5)
        rig.agent.disk.failing = True  # just before the record of the start
        await wait(20)
        assert len(logged(rig, "station.storage_fault")) == 1
        assert happened(rig, "offered_a", 16.0) == []
        assert not any(backend.ledger.starts() for backend in rig.backends)
        rig.agent.disk.failing = False
        await rig.until_status("Charging")
        assert happened(rig, "offered_a", 16.0)[0] >= rig.commits[0].time_s
        rig.card()
        await rig.until_delivered(1)
        await leave(rig)

    play(tmp_path, story)


@pytest.mark.rule("INV-1")
def test_a_station_that_is_set_to_stop_ends_its_session_when_the_disk_fails(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        rig.agent.disk.failing = True
        await rig.until(lambda: not rig.closed(), within_s=20)
        rig.agent.disk.failing = False
        await rig.until_delivered(1)
        assert reasons(rig) == [["Other"], ["Other"]]
        await leave(rig)

    play(tmp_path, story, STOPPING)


@pytest.mark.rule("INV-2")
@pytest.mark.rule("INV-4")
@pytest.mark.rule("INV-5")
def test_a_disk_that_stalls_delays_granting_power_and_nothing_else(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        rig.plug(2)
        await rig.until_status("Preparing", 2)
        with life_signs(rig) as watchdog:
            rig.agent.disk.stall_s = STALL_S
            stalled_s = asyncio.get_running_loop().time()
            rig.card(OTHER_CARD)
            await wait(2.5)  # asked, locked and read: the record of the start is on its way to the disk
            stopped_s = plant_s(rig)
            stop = asyncio.ensure_future(rig.primary.remote_stop(2000))
            await wait(1)
            withdrawn = happened(rig, "offered_a", 0.0, since_s=stopped_s)
            assert withdrawn[0] - stopped_s <= 0.15  # another connector's opening does not wait
            assert not stop.done()  # its answer does
            await rig.until(lambda: rig.closed(2), within_s=15)
            assert await stop == "Accepted"
            await wait(10)
        offered = happened(rig, "offered_a", 16.0, connector=2)
        committed = [commit.time_s for commit in rig.commits if commit.connector == 2]
        assert 0 <= offered[0] - committed[0] < 0.2  # power waits for the sync, and for no more
        assert offered[0] - (stalled_s - rig.zero_s) >= STALL_S
        for cutter in rig.cutters.values():
            assert longest_gap([at_s for at_s in cutter.pings if at_s > stalled_s]) < PING_S + 0.1
        assert longest_gap(watchdog) < 2.6  # a round each quarter of the interval of 10 s
        rig.agent.disk.stall_s = 0
        rig.card(OTHER_CARD)
        await rig.until_delivered(2)
        await leave(rig)
        await leave(rig, 2)

    play(tmp_path, story, TWO)
