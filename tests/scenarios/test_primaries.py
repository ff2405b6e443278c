"""A primary in misery delays nothing at management: each frame comes when it comes beside one that is well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.rig.link_cutter import Mode
from tests.rig.rig_options import RigOptions
from tests.rig.script import Delayed, Mood, Silent
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import play, wait

ACTIONS = ("BootNotification", "StatusNotification", "Heartbeat", "StartTransaction", "MeterValues", "StopTransaction")
TOKEN = "FREE"
Misery = Callable[[StationRig], AbstractAsyncContextManager[None]]
Heard = list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class FreeConnector(RigOptions):
    """Whoever plugs in charges: nobody has to be asked, so that the session is the same whatever the primary does."""

    def factory(self, management_url: str) -> str:
        """The factory file as text."""
        text = RigOptions.factory(self, management_url)
        return text.replace(
            "captive_cable = false", f'captive_cable = false\nauthorise = "free"\nfree_token = "{TOKEN}"'
        )


STATION = FreeConnector(
    management_keys={"MeterValueSampleInterval": 5, "WebSocketPingInterval": 3},
    primary_keys={"MeterValueSampleInterval": 5},
)


@asynccontextmanager
async def well(rig: StationRig) -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def never_answers_the_handshake(rig: StationRig) -> AsyncIterator[None]:
    cutter = rig.cutters["primary"]
    cutter.set(Mode.BLACK_HOLE)
    cutter.cut()
    accepted = cutter.accepted
    yield
    assert cutter.accepted > accepted, "it was dialled and TCP was accepted"
    cutter.set(Mode.REFUSE)  # what was accepted lost bytes
    cutter.cut()
    cutter.set(Mode.PASS)


def with_mood(mood: Mood) -> Misery:
    @asynccontextmanager
    async def misery(rig: StationRig) -> AsyncIterator[None]:
        rig.primary.script.always.update(dict.fromkeys(ACTIONS, mood))
        yield
        rig.primary.script.always.clear()

    return misery


@asynccontextmanager
async def closes_at_once_after_the_upgrade(rig: StationRig) -> AsyncIterator[None]:
    async def close() -> None:
        while True:
            await rig.primary.connected.wait()
            rig.primary.drop()
            await rig.until(lambda: not rig.primary.connected.is_set(), within_s=5)

    connections = rig.primary.connections
    closing = asyncio.ensure_future(close())
    yield
    closing.cancel()
    assert rig.primary.connections >= connections + 2


@asynccontextmanager
async def floods(rig: StationRig) -> AsyncIterator[None]:
    async def flood() -> None:
        for number in range(100_000):
            await rig.primary.send_text(f'[2,"flood-{number}","GetConfiguration",{{"key":["HeartbeatInterval"]}}]')
            await rig.primary.send_text('[3,"nobody-asked",{}]')
            await asyncio.sleep(0 if number % 25 else 2)

    flooding = asyncio.ensure_future(flood())
    yield
    flooding.cancel()


def heard_by_management(folder: Path, misery: Misery) -> tuple[Heard, list[float]]:
    """One session with the primary in a mood: what management was told and when, and when it was pinged."""
    frames: Heard = []
    pings: list[float] = []

    async def story(rig: StationRig) -> None:
        await wait(5)
        async with misery(rig):
            await wait(5)
            rig.plug()
            await wait(14)
            rig.unplug()
            await wait(8)
        frames.extend((frame.action, frame.at_s - rig.zero_s) for frame in rig.management.ledger.calls())
        pings.extend(at_s - rig.zero_s for at_s in rig.cutters["management"].pings)
        await rig.until_delivered(1)  # and the primary misses nothing

    play(folder, story, STATION, offline_cards=frozenset({TOKEN.casefold()}))
    return frames, pings


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Heard, list[float]]:
    """What management hears, and when, beside a primary that is well."""
    return heard_by_management(tmp_path_factory.mktemp("undisturbed"), well)


@pytest.mark.parametrize(
    "misery",
    [
        never_answers_the_handshake,
        pytest.param(with_mood(Delayed(25)), id="answers_after_25_s"),
        pytest.param(with_mood(Silent()), id="answers_nothing"),
        closes_at_once_after_the_upgrade,
        floods,
    ],
)
@pytest.mark.rule("product.A8")
@pytest.mark.rule("product.N1")
@pytest.mark.rule("two-upstreams.TU06")
@pytest.mark.rule("INV-13")
def test_a_primary_in_misery_delays_nothing_at_management(
    tmp_path: Path, undisturbed: tuple[Heard, list[float]], misery: Misery
) -> None:
    frames, pings = undisturbed
    assert {"StartTransaction", "MeterValues", "StopTransaction", "StatusNotification"} <= {name for name, _ in frames}
    found, found_pings = heard_by_management(tmp_path, misery)
    assert [name for name, _ in found] == [name for name, _ in frames]
    assert max(abs(at_s - was_s) for (_, at_s), (_, was_s) in zip(found, frames, strict=True)) < 0.02
    assert len(pings) >= 10
    assert found_pings == pytest.approx(pings, abs=0.02)
