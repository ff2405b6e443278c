"""Every hostile frame of the corpus: the link that got it and the other upstream go on as if nothing had been."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection

from agent.vocabulary.inputs import CommandReceived, Registration, UpstreamChanged
from tests.agent.links.peers import Backend, World, upstream
from tests.rig.virtual_time import run_virtual, until

FOLDER = Path(__file__).parents[2] / "vectors" / "frames"
EXPECTED: dict[str, str | None] = json.loads((FOLDER / "expected.json").read_text())
FRAMES = sorted(path for path in FOLDER.iterdir() if path.suffix in (".text", ".raw", ".binary", ".recipe"))


def message_of(path: Path) -> str | bytes:
    """What is sent: bytes for `.raw` and `.binary`."""
    data = path.read_bytes()
    if path.suffix == ".recipe":
        return "".join(text * times for text, times in json.loads(data))
    return data.decode() if path.suffix == ".text" else data


async def send(connection: ServerConnection, path: Path) -> None:
    """Send one frame of the corpus; all but `.binary` as text, whatever the bytes."""
    await connection.send(message_of(path), text=path.suffix != ".binary")


def test_the_corpus_is_complete() -> None:
    assert sorted(EXPECTED) == [path.name for path in FRAMES]
    assert len(FRAMES) >= 43


async def _alive(backend: Backend, world: World, probe: str) -> None:
    """The backend is answered, and the station is asked; on the first connection still."""
    await backend.connection.send(f'[2,"{probe}","DataTransfer",{{"vendorId":"x"}}]')
    await until(lambda: backend.answer_to(probe) == [3, probe, {"status": "UnknownVendorId"}], within_s=5)
    assert len(backend.connections) == 1
    assert world.posted(UpstreamChanged)[-1].registration is Registration.ACCEPTED


@pytest.mark.rule("security.ATK-14")
@pytest.mark.parametrize("path", FRAMES, ids=[path.name for path in FRAMES])
def test_the_links_stay_alive(path: Path) -> None:
    async def story() -> None:
        hit, other = World(), World()
        async with (
            upstream(world=hit) as (_, _, backend),
            upstream(world=other, name="management") as (_, _, second),
        ):
            for world, peer in ((hit, backend), (other, second)):
                await until(lambda peer=peer: peer.calls("BootNotification"), within_s=5)  # type: ignore[misc]
                await until(lambda world=world: len(world.posted(UpstreamChanged)) == 2, within_s=5)  # type: ignore[misc]
            before = len(backend.frames)
            await send(backend.connection, path)
            await _alive(backend, hit, "probe-1")
            await _alive(second, other, "probe-2")
            replies = [frame for _, frame in backend.frames[before:-1]]
            _judge(EXPECTED[path.name], replies, hit)

    run_virtual(story())


def _judge(expected: str | None, replies: list[list[object]], world: World) -> None:
    commands = world.posted(CommandReceived)
    if expected == "":
        assert len(commands) == 1
        return
    assert commands == []
    assert [(frame[0], frame[2]) for frame in replies] == ([] if expected is None else [(4, expected)])


@pytest.mark.rule("security.ATK-15")
def test_all_of_them_in_a_row_on_one_link() -> None:
    async def story() -> None:
        world = World()
        async with upstream(world=world) as (_, _, backend):
            await until(lambda: len(world.posted(UpstreamChanged)) == 2, within_s=5)
            for path in FRAMES:
                await send(backend.connection, path)
            await _alive(backend, world, "probe")

    run_virtual(story())


def test_a_frame_beyond_the_limit_costs_one_link_and_no_more() -> None:
    async def story() -> None:
        world = World()
        async with upstream(world=world) as (_, _, backend):
            await until(lambda: len(world.posted(UpstreamChanged)) == 2, within_s=5)
            await backend.connection.send("[" + " " * (256 * 1024) + "]")
            await until(lambda: len(backend.connections) == 2, within_s=10)
            await backend.connection.send('[2,"probe","DataTransfer",{"vendorId":"x"}]')
            await until(lambda: backend.answer_to("probe"), within_s=5)

    run_virtual(story())
