"""One upstream in misery delays nothing at the other: each frame comes when it comes beside one that is well."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import pytest

from agent.runtime.lanes import CROWDED, INPUTS_IN_A_TURN
from tests.rig.memory_folder import memory_folder
from tests.rig.miseries import MISERIES, Misery, well
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import PRIMARY, StationRig
from tests.scenarios.acts import play, wait

TOKEN = "FREE"
TELLS_OF_IT = "SecurityEventNotification"
"""Management is told of some miseries: one frame more, and no other later."""
COSTLY = {
    "floods with calls": "primary",
    "floods with pings": "primary",
    "a thousand unsolicited answers a second": "management",
    "ten thousand charging profiles": "management",
}
"""Miseries that take some seconds to play: told of one upstream only."""
CASES = [
    (kind, sufferer)
    for kind in MISERIES
    for sufferer in ("management", "primary")
    if COSTLY.get(kind, sufferer) == sufferer
]


@dataclass(frozen=True, slots=True)
class FreeConnector(RigOptions):
    """Whoever plugs in charges: nobody has to be asked, so that the session is the same whatever Billing does."""

    def factory(self, management_url: str) -> str:
        """The factory file as text."""
        text = RigOptions.factory(self, management_url)
        return text.replace(
            "captive_cable = false", f'captive_cable = false\nauthorise = "free"\nfree_token = "{TOKEN}"'
        )


KEYS = {"MeterValueSampleInterval": 5, "WebSocketPingInterval": 3, "MessageTimeout": 10}
STATION = FreeConnector(management_keys=dict(KEYS), primary_keys=dict(KEYS))


@dataclass
class Heard:
    """What the upstream that is well was told and when, in plant time, and how long its own calls took."""

    frames: list[tuple[str, float]] = field(default_factory=list)
    pings: list[float] = field(default_factory=list)
    answers_s: list[float] = field(default_factory=list)
    busiest: int = 0
    """The most inputs of one upstream that were handled in one turn of the loop."""
    longest: int = 0
    """The most inputs that waited in one lane."""


def heard(folder: Path, sufferer: str, misery: Misery) -> Heard:
    """One session with one upstream in misery, as the other one sees it."""
    found = Heard()

    async def story(rig: StationRig) -> None:
        bad, good = (rig.management, rig.primary) if sufferer == "management" else (rig.primary, rig.management)
        count = _watched(rig, found)
        await wait(5)
        async with misery(rig, bad):
            asking = asyncio.ensure_future(_ask(good.change_configuration, found))
            await wait(5)
            rig.plug()
            await wait(14)
            rig.unplug()
            await wait(8)
            asking.cancel()
        count()
        calls = [f for f in good.ledger.calls() if f.action != TELLS_OF_IT]
        found.frames.extend((f.action, f.at_s - rig.zero_s) for f in calls)
        found.pings.extend(at_s - rig.zero_s for at_s in rig.cutters[good.name].pings)
        await rig.until_delivered(1, within_s=1800)  # and the one in misery misses nothing

    async def _ask(change: Callable[[str, str], object], found: Heard) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            assert await change("MeterValueSampleInterval", "5") == "Accepted"  # type: ignore[misc]
            found.answers_s.append(loop.time() - began_s)
            await wait(0.5)

    play(folder, story, STATION, offline_cards=frozenset({TOKEN.casefold()}))
    return found


def _watched(rig: StationRig, found: Heard) -> Callable[[], None]:
    """Count what the engine handles between two turns of the loop."""
    lanes = rig.agent.agent.engine._lanes
    taken, new_turn = lanes._taken, lanes.new_turn

    def turn() -> None:
        found.busiest = max([found.busiest, *taken.values()])
        found.longest = max([found.longest, *map(len, lanes._upstreams.values())])
        new_turn()

    lanes.new_turn = turn  # type: ignore[method-assign]
    return turn


@lru_cache
def undisturbed(sufferer: str) -> Heard:
    """What the other one hears, and when, beside one that is well."""
    with memory_folder() as folder:
        return heard(folder, sufferer, well)


@pytest.mark.parametrize(("kind", "sufferer"), CASES)
@pytest.mark.rule("product.A8")
@pytest.mark.rule("product.N1")
@pytest.mark.rule("two-upstreams.TU06")
@pytest.mark.rule("INV-13")
def test_an_upstream_in_misery_delays_nothing_at_the_other(tmp_path: Path, sufferer: str, kind: str) -> None:
    usual, found = undisturbed(sufferer), heard(tmp_path, sufferer, MISERIES[kind])
    assert {"StartTransaction", "MeterValues", "StopTransaction", "StatusNotification"} <= {n for n, _ in usual.frames}
    assert [name for name, _ in found.frames] == [name for name, _ in usual.frames]
    apart = [abs(at_s - was_s) for (_, at_s), (_, was_s) in zip(found.frames, usual.frames, strict=True)]
    assert max(apart) < 0.02
    assert len(usual.pings) >= 10
    assert found.pings == pytest.approx(usual.pings, abs=0.02)
    assert len(found.answers_s) == len(usual.answers_s) >= 40
    assert max(found.answers_s) <= max(usual.answers_s) + 0.02
    assert statistics.median(found.answers_s) == pytest.approx(statistics.median(usual.answers_s), abs=0.005)
    assert found.busiest <= INPUTS_IN_A_TURN
    assert found.longest <= 2 * CROWDED


@pytest.mark.rule("security.ATK-17")
@pytest.mark.rule("two-upstreams.TU06")
def test_a_second_station_with_the_identity_at_the_primary_is_told_to_management_and_not_fought(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        async def serves_the_other_one() -> None:
            while True:
                await rig.primary.connected.wait()
                await wait(2)
                await rig.primary.close(1008)
                await wait(0.1)

        rival = asyncio.ensure_future(serves_the_other_one())
        before = rig.primary.connections
        await rig.until(lambda: _doubts(rig), within_s=120, what="told to management")
        assert "another station uses the same identity" in _doubts(rig)[0]["techInfo"]
        assert "another station uses the same identity" in rig.agent.agent.upstreams[PRIMARY].state.told(0)
        await wait(1800)
        assert rig.primary.connections - before < 25
        assert rig.management.connections == 1
        assert len(_doubts(rig)) == 1
        rival.cancel()
        await rig.until(rig.primary.connected.is_set, within_s=400)

    play(tmp_path, story, STATION)


def _doubts(rig: StationRig) -> list[dict[str, str]]:
    calls = rig.management.ledger.calls("SecurityEventNotification")
    return [c.payload for c in calls if c.payload["type"] == "FailedToAuthenticateAtCentralSystem"]
