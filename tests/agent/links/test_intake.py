"""What came from a peer is looked at piece by piece, whatever it is, and not at all while nobody fetches it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode

from agent.links import link as link_module
from agent.links.address import Endpoint, dial
from agent.links.intake import LAST_BYTES, PIECE_BYTES
from agent.links.link import WebSocketLink, open_link
from agent.links.ports import LinkLost
from agent.ocpp.wire import MAXIMUM_FRAME_BYTES
from tests.rig.virtual_time import run_virtual, settle, until
from tests.rig.web_socket_pair import server_on_loopback

pytestmark = [pytest.mark.rule("two-upstreams.TU06"), pytest.mark.rule("INV-13")]

PING = Frame(Opcode.PING, b"").serialize(mask=False)
EMPTY = Frame(Opcode.TEXT, b"").serialize(mask=False)
PONG = Frame(Opcode.PONG, b"").serialize(mask=False)

Story = Callable[[WebSocketLink, ServerConnection], Any]


def with_link(story: Story) -> None:
    """Run a story on an open link and the server's end of it."""

    async def main() -> None:
        ends: list[ServerConnection] = []

        async def handle(connection: ServerConnection) -> None:
            ends.append(connection)
            await connection.wait_closed()

        async with server_on_loopback(handle, subprotocols=["ocpp1.6"]) as (_, port):
            link = await open_link(dial(Endpoint(f"ws://127.0.0.1:{port}", "CP1")), "ocpp1.6")
            await until(lambda: ends, within_s=1)
            await story(link, ends[0])
            await link.close(1001, "")

    run_virtual(main())


class Turns:
    """Counts the frames that are looked at between two turns of the loop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen = self.most = self.sum = 0
        look = link_module._Connection.process_event

        def counted(connection: Any, event: Any) -> None:
            self.seen, self.sum = self.seen + 1, self.sum + 1
            self.most = max(self.most, self.seen)
            look(connection, event)

        monkeypatch.setattr(link_module._Connection, "process_event", counted)

    def turn(self) -> None:
        self.seen = 0
        self._next = asyncio.get_running_loop().call_soon(self.turn)

    def stop(self) -> None:
        self._next.cancel()


@pytest.mark.parametrize("frame", [PING, PONG], ids=["pings", "pongs"])
def test_ten_thousand_frames_in_one_read_are_looked_at_a_few_in_each_turn(
    monkeypatch: pytest.MonkeyPatch, frame: bytes
) -> None:
    turns = Turns(monkeypatch)

    async def story(link: WebSocketLink, peer: ServerConnection) -> None:
        turns.sum = 0
        turns.turn()
        link._connection.data_received(frame * 9_000)  # as the event loop hands it over
        for _ in range(100):
            await asyncio.sleep(0)
        turns.stop()
        assert turns.sum == 9_000
        assert turns.most <= PIECE_BYTES / len(frame)

    with_link(story)


def test_a_peer_that_sends_more_than_its_allowance_is_not_read_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(monkeypatch)

    async def story(link: WebSocketLink, peer: ServerConnection) -> None:
        turns.sum = 0
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        peer.transport.write(PONG * 40_000)
        await settle(200)
        assert turns.sum < 12_000
        assert not link._connection.transport.is_reading()
        await peer.send("and this")
        assert await link.receive() == "and this"
        assert 28 < loop.time() - began_s < 32  # a thousand a second, beyond the ten thousand

    with_link(story)


def test_answers_that_were_waited_for_are_read_as_fast_as_they_come() -> None:
    async def story(link: WebSocketLink, peer: ServerConnection) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        for _ in range(12_000):
            link._connection.allowance.spend(1)
            assert not link.charge(-1)
        assert loop.time() == began_s

    with_link(story)


def test_messages_that_nobody_fetches_stay_in_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(monkeypatch)

    async def story(link: WebSocketLink, peer: ServerConnection) -> None:
        turns.sum = 0
        peer.transport.write(EMPTY * 2_000)
        await asyncio.sleep(1)
        assert turns.sum < PIECE_BYTES
        assert not link._connection.transport.is_reading()
        assert [await link.receive() for _ in range(2_000)] == [""] * 2_000
        await peer.send("last")
        assert await link.receive() == "last"
        assert link._connection.transport.is_reading()

    with_link(story)


def test_a_message_of_the_greatest_size_comes_whole_and_in_order() -> None:
    async def story(link: WebSocketLink, peer: ServerConnection) -> None:
        great = "x" * MAXIMUM_FRAME_BYTES
        for text in ("before", great, "behind"):
            await peer.send(text)
        assert [await link.receive() for _ in range(3)] == ["before", great, "behind"]

    with_link(story)


def test_what_a_peer_said_right_before_it_hung_up_is_heard() -> None:
    async def story(link: WebSocketLink, peer: ServerConnection) -> None:
        words = "y" * (LAST_BYTES // 2)
        peer.transport.write(Frame(Opcode.TEXT, words.encode()).serialize(mask=False))
        peer.transport.write_eof()
        assert await link.receive() == words
        with pytest.raises(LinkLost):
            await link.receive()

    with_link(story)


def test_of_much_that_was_said_before_the_end_only_so_much_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(monkeypatch)

    async def story(link: WebSocketLink, peer: ServerConnection) -> None:
        turns.sum = 0
        link._connection.data_received(PONG * 100_000)
        link._connection.eof_received()
        assert turns.sum <= (PIECE_BYTES + LAST_BYTES) / len(PONG)

    with_link(story)


def test_a_peer_that_waits_for_each_answer_pays_for_its_frames_alone() -> None:
    async def story(link: WebSocketLink, peer: ServerConnection) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        for number in range(2_000):
            await peer.send(f"call {number}")
            assert await link.receive() == f"call {number}"
            assert not link.charge(20)
            await link.send("answer")
            assert await peer.recv() == "answer"
        assert loop.time() - began_s < 1
        await peer.send("one")
        await peer.send("two, and nobody waited")
        await settle()
        await link.receive()
        link._connection.allowance.spend(7_990)
        assert link.charge(20)

    with_link(story)
