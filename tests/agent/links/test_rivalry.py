"""A second station with our identity, or a link on which nobody listens: recognised, told once, and not fought."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from agent.links.rivalry import ENOUGH, LASTING_MS, SOON_MS, WINDOW_MS, Rivalry
from agent.links.upstream import DEAF, IN_DOUBT
from agent.vocabulary.inputs import SecurityEventSeen
from agent.vocabulary.options import UpstreamOptions
from tests.agent.links.peers import Backend, World, upstream
from tests.rig.virtual_time import now_s, run_virtual, until

pytestmark = pytest.mark.rule("security.ATK-17")
HOUR_S = 3600


class Life:
    """Links of one upstream, as fast as one likes."""

    def __init__(self) -> None:
        self.rivalry = Rivalry()
        self.now_ms = 0

    def link(self, lasts_ms: int, *, by_peer: bool = True, deaf: bool = False, pause_ms: int = 5_000) -> bool:
        self.rivalry.opened(self.now_ms)
        self.now_ms += lasts_ms
        told = self.rivalry.ended(self.now_ms, by_peer, deaf)
        self.now_ms += pause_ms
        return told


def test_links_that_are_closed_soon_put_the_identity_in_doubt_and_that_is_told_once() -> None:
    life = Life()
    assert [life.link(2_000) for _ in range(10)] == [False] * (ENOUGH - 1) + [True] + [False] * (10 - ENOUGH)
    assert life.rivalry.doubt.startswith("closed by the other end 3 times soon after connecting: perhaps another")


def test_deaf_links_do_as_well_and_both_are_named() -> None:
    life = Life()
    life.link(60_000, by_peer=False, deaf=True)
    life.link(60_000, by_peer=False, deaf=True)
    assert life.link(1_000)
    assert "1 times soon after" in life.rivalry.doubt
    assert "2 times pings were answered" in life.rivalry.doubt


@pytest.mark.parametrize(
    "link",
    [{"lasts_ms": SOON_MS + 1}, {"lasts_ms": 1_000, "by_peer": False}, {"lasts_ms": 1_000, "pause_ms": WINDOW_MS // 2}],
    ids=["they last", "we end them", "they are rare"],
)
def test_other_ends_are_no_sign(link: dict[str, Any]) -> None:
    life = Life()
    assert not any(life.link(**link) for _ in range(20))
    assert life.rivalry.answered(life.now_ms)


def test_only_a_link_that_lasts_and_is_answered_ends_the_doubt() -> None:
    life = Life()
    for _ in range(ENOUGH):
        life.link(1_000)
    life.rivalry.opened(life.now_ms)
    assert not life.rivalry.answered(life.now_ms + LASTING_MS - 1)
    assert life.rivalry.answered(life.now_ms + LASTING_MS)
    assert not life.rivalry.doubt
    life.now_ms += LASTING_MS
    assert [life.link(1_000) for _ in range(ENOUGH)] == [False] * (ENOUGH - 1) + [True]


class TakenByAnother(Backend):
    """It accepts the boot, and then takes the connection down for the other station that dials at once."""

    other_is_there = True

    async def handle(self, connection: ServerConnection) -> None:
        """One connection."""
        if self.other_is_there:
            asyncio.get_running_loop().call_later(2, lambda: asyncio.ensure_future(connection.close(1008)))
        await super().handle(connection)


def events(world: World) -> list[SecurityEventSeen]:
    return [given for given in world.posted(SecurityEventSeen) if given.kind is IN_DOUBT]


def test_a_second_station_is_told_of_once_and_dialled_with_growing_distance_until_it_is_gone() -> None:
    async def story() -> None:
        backend = TakenByAnother()
        async with upstream(backend) as (task, world, _):
            await until(lambda: events(world), within_s=60)
            assert len(backend.connections) == ENOUGH
            assert "another station uses the same identity" in task.state.told(0)
            before = len(backend.connections)
            await asyncio.sleep(6 * HOUR_S)
            assert len(backend.connections) - before <= 6 * 25  # not one in two seconds
            assert len(events(world)) == 1
            waits = [later - earlier for (earlier, _), (later, _) in pairwise(backend.closes)]
            assert waits[-1] > 100
            backend.other_is_there = False
            connections = len(backend.connections)
            await until(lambda: len(backend.connections) > connections, within_s=400)
            await asyncio.sleep(1000)
            assert "another station" not in task.state.told(0)
            gone_s = now_s()
            await backend.connection.close(1001)  # a restart of the backend
            await until(lambda: len(backend.connections) == connections + 2, within_s=6)
            assert now_s() - gone_s < 6

    run_virtual(story())


@pytest.mark.rule("INV-13")
def test_a_link_that_answers_pings_and_no_calls_is_deaf() -> None:
    async def mute(backend: Backend, connection: ServerConnection, frame: list[Any]) -> None:
        if frame[2] == "BootNotification" and len(backend.connections) == 1:
            await backend.confirm(connection, frame)

    async def story() -> None:
        options = UpstreamOptions(heartbeat_interval_s=10, message_timeout_s=10, boot_on_reconnect=True)
        async with upstream(Backend(mute), World(options=options)) as (task, world, backend):
            await until(lambda: events(world), within_s=1200)
            assert "3 times pings were answered and calls were not" in events(world)[0].tech_info
            assert any(note.text == DEAF for note in world.notes)
            assert "pings are answered, and calls are not" in task.state.told(0)
            assert len(backend.connections) == ENOUGH

    run_virtual(story())


def test_a_dead_link_is_no_deaf_one() -> None:
    async def story() -> None:
        options = UpstreamOptions(heartbeat_interval_s=10, message_timeout_s=10, ping_interval_s=0)
        async with upstream(Backend(), World(options=options)) as (_, world, backend):
            await until(lambda: backend.calls("BootNotification"), within_s=5)
            for _ in range(5):
                backend.connection.transport.pause_reading()
                connections = len(backend.connections)
                await until(lambda wanted=connections: len(backend.connections) > wanted, within_s=900)  # type: ignore[misc]
            assert not events(world)
            assert json.dumps([note.text for note in world.notes]).count(DEAF) == 0

    run_virtual(story())
