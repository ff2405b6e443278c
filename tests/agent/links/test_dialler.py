"""The dialler: asks for credentials at every attempt, says how it went, and tells each danger once."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import Request, Response, ServerConnection

from agent.credentials.access import Access, ClientFiles
from agent.credentials.choice import CLIENT_REFUSED
from agent.links.dialler import Dialler
from agent.links.ports import LinkRefused
from agent.vocabulary.security import SecurityEventKind as Event
from tests.rig.certificates import make_authority, server_context
from tests.rig.virtual_time import run_virtual
from tests.rig.web_socket_pair import server_on_loopback

SUBPROTOCOL = "ocpp1.6"


@dataclass
class Told:
    """Credentials of a test, and what it was told of them."""

    access: Access
    refusals: list[tuple[str, int | None]] = field(default_factory=list)
    links: int = 0

    def present(self) -> Access:
        return self.access

    def begin(self) -> Access:
        return self.access

    def refused(self, cause: str, http_status: int | None) -> None:
        self.refusals.append((cause, http_status))

    def worked(self, anchor: str = "") -> None:
        self.links += 1


async def wait(connection: ServerConnection) -> None:
    await connection.wait_closed()


async def attempt(dialler: Dialler) -> LinkRefused | None:
    """One attempt; how it was refused."""
    try:
        link = await dialler()
    except LinkRefused as refused:
        return refused
    await link.close(1001, "")
    return None


def answering(statuses: list[int]) -> Callable[[ServerConnection, Request], Response | None]:
    """Refuses with these in turn, then admits."""

    def process(connection: ServerConnection, request: Request) -> Response | None:
        return connection.respond(HTTPStatus(statuses.pop(0)), "no") if statuses else None

    return process


@pytest.mark.parametrize(("status", "event"), [(401, True), (403, True), (404, False), (500, False)])
def test_a_refusal_to_believe_us_is_told_once_until_a_link_has_opened(status: int, event: bool) -> None:
    events: list[tuple[Event, str]] = []

    async def story() -> None:
        process = answering([status] * 3)
        async with server_on_loopback(wait, process_request=process, subprotocols=[SUBPROTOCOL]) as (_, port):
            told = Told(Access(f"ws://127.0.0.1:{port}", "CP1", 1, key=b"secret", label="profile 1"))
            dialler = Dialler(told, SUBPROTOCOL, tell=lambda kind, text: events.append((kind, text)))
            for _ in range(4):
                await attempt(dialler)
            assert told.refusals == [("http", status)] * 3
            assert told.links == 1

    run_virtual(story())
    assert [kind for kind, _ in events] == [Event.FAILED_TO_AUTHENTICATE_AT_CENTRAL_SYSTEM] * event
    assert all("profile 1" in text and "secret" not in text for _, text in events)


def test_after_a_link_the_same_reason_is_told_again() -> None:
    events: list[Event] = []

    async def story() -> None:
        statuses = [401]
        process = answering(statuses)
        async with server_on_loopback(wait, process_request=process, subprotocols=[SUBPROTOCOL]) as (_, port):
            told = Told(Access(f"ws://127.0.0.1:{port}", "CP1", 1, key=b"secret"))
            dialler = Dialler(told, SUBPROTOCOL, tell=lambda kind, text: events.append(kind))
            await attempt(dialler)
            await attempt(dialler)
            statuses.append(401)
            await attempt(dialler)

    run_virtual(story())
    assert len(events) == 2


@pytest.mark.rule("ocpp16.Z02")
@pytest.mark.rule("security.ATK-10")
@pytest.mark.parametrize(("scheme", "profile"), [("ws", 2), ("ws", 3), ("wss", 0), ("wss", 1)])
def test_a_profile_is_dialled_by_its_own_scheme_or_not_at_all(scheme: str, profile: int) -> None:
    async def story() -> None:
        async with server_on_loopback(wait, subprotocols=[SUBPROTOCOL]) as (server, port):
            told = Told(Access(f"{scheme}://127.0.0.1:{port}", "CP1", profile, key=b"secret"))
            refused = await attempt(Dialler(told, SUBPROTOCOL))
            assert refused is not None
            assert refused.cause == "address"
            assert not server.connections

    run_virtual(story())


@pytest.mark.rule("product.H8")
def test_without_a_client_certificate_mutual_tls_is_not_tried() -> None:
    events: list[Event] = []

    async def story() -> None:
        async with server_on_loopback(wait, subprotocols=[SUBPROTOCOL]) as (server, port):
            told = Told(Access(f"wss://127.0.0.1:{port}", "CP1", 3))
            refused = await attempt(Dialler(told, SUBPROTOCOL, tell=lambda kind, text: events.append(kind)))
            assert refused is not None
            assert refused.cause == "tls"
            assert not server.connections
            assert told.refusals == [(CLIENT_REFUSED, None)]

    run_virtual(story())
    assert events == [Event.INVALID_CHARGE_POINT_CERTIFICATE]


@pytest.mark.rule("ocpp16.Z02")
def test_a_server_without_tls_where_tls_is_due_is_left_and_told() -> None:
    events: list[Event] = []
    heard: list[bytes] = []

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(4096))
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async def story() -> None:
        server = await asyncio.start_server(plain, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            told = Told(Access(f"wss://127.0.0.1:{port}", "CP1", 2, key=b"secret"))
            await attempt(Dialler(told, SUBPROTOCOL, tell=lambda kind, text: events.append(kind)))

    run_virtual(story())
    assert events == [Event.CENTRAL_SYSTEM_FAILED_TO_AUTHENTICATE]
    assert b"Authorization" not in heard[0]


@pytest.mark.rule("ocpp16.Z07")
@pytest.mark.parametrize("key", [None, b"secret"])
def test_a_header_is_sent_where_there_is_a_key(key: bytes | None) -> None:
    seen: list[bool] = []

    def process(connection: ServerConnection, request: Request) -> None:
        seen.append("Authorization" in request.headers)

    async def story() -> None:
        async with server_on_loopback(wait, process_request=process, subprotocols=[SUBPROTOCOL]) as (_, port):
            await attempt(Dialler(Told(Access(f"ws://127.0.0.1:{port}", "CP1", 1, key=key)), SUBPROTOCOL))

    run_virtual(story())
    assert seen == [key is not None]


def test_a_plain_link_is_not_authenticated_by_what_the_next_one_will_be() -> None:
    async def story() -> None:
        async with server_on_loopback(wait, subprotocols=[SUBPROTOCOL]) as (_, port):
            told = Told(Access(f"ws://127.0.0.1:{port}", "CP1"))
            dialler = Dialler(told, SUBPROTOCOL)
            await attempt(dialler)
            told.access = Access("wss://127.0.0.1", "CP1", 2)
            assert not dialler.authenticated

    run_virtual(story())


def test_roots_are_loaded_once_and_again_after_tls_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, other = make_authority("right"), make_authority("wrong")
    roots = tmp_path / "roots.pem"
    roots.write_text(authority.root_pem)
    loads: list[str] = []
    load = ssl.SSLContext.load_verify_locations

    def counted(context: ssl.SSLContext, cafile: str | None = None, **options: Any) -> None:
        loads.append(str(cafile))
        load(context, cafile, **options)

    async def story() -> None:
        async with server_on_loopback(wait, subprotocols=[SUBPROTOCOL], ssl=server_context(authority)) as (_, port):
            access = Access(f"wss://localhost:{port}", "CP1", 2, trust_files=(str(roots),), public_roots=False)
            told = Told(access)
            dialler = Dialler(told, SUBPROTOCOL)
            monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
            for _ in range(3):
                assert await attempt(dialler) is None
            assert len(loads) == 1
            (tmp_path / "more.pem").write_text(other.root_pem)
            told.access = replace(access, trust_files=(str(tmp_path / "more.pem"),))
            assert await attempt(dialler) is not None
            assert await attempt(dialler) is not None
            assert len(loads) == 3

    run_virtual(story())


def test_the_keeper_is_told_when_our_certificate_was_refused() -> None:
    told = Told(Access("wss://a", "CP1", 3))
    dialler = Dialler(told, SUBPROTOCOL)
    refused = LinkRefused("tls", "no", security=Event.FAILED_TO_AUTHENTICATE_AT_CENTRAL_SYSTEM)
    dialler._learn(refused, told.access)
    assert told.refusals == [(CLIENT_REFUSED, None)]


def test_the_keeper_is_told_when_our_certificate_cannot_even_be_shown(tmp_path: Path) -> None:
    """The newest one may be damaged on the disk: the one before it is still good."""
    files = ClientFiles(str(tmp_path / "gone.pem"), str(tmp_path / "gone.key"))
    told = Told(Access("wss://127.0.0.1:1", "CP1", 3, public_roots=False, client=files))
    run_virtual(attempt(Dialler(told, SUBPROTOCOL)))
    assert told.refusals == [(CLIENT_REFUSED, None)]


@pytest.mark.parametrize("reset", [False, True])
def test_a_server_that_hangs_up_within_tls_perhaps_does_not_take_our_certificate(reset: bool) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(5)
        if reset:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    async def story() -> None:
        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            told = Told(Access(f"wss://127.0.0.1:{port}", "CP1", 2))
            await attempt(Dialler(told, SUBPROTOCOL))
            assert told.refusals == [("handshake", None)]

    run_virtual(story())
