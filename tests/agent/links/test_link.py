"""One connection: what is dialled, what is refused, and why, against real servers."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import Request, Response, ServerConnection
from websockets.datastructures import Headers

from agent.credentials.access import Access
from agent.credentials.choice import Choice, Surroundings
from agent.credentials.folder import CredentialsFolder
from agent.credentials.holdings import Holdings
from agent.credentials.tls import client_context
from agent.links import link as link_module
from agent.links.address import Dial, Endpoint, basic_header, dial
from agent.links.dialler import Dialler
from agent.links.link import MOST_FRAGMENTS, MOST_UNSENT_BYTES, open_link
from agent.links.ports import LinkLost, LinkRefused
from agent.ocpp.wire import MAXIMUM_FRAME_BYTES
from agent.settings.addresses import SecurityProfile, UpstreamAddress
from agent.vocabulary.ids import MANAGEMENT, Secret
from tests.rig.certificates import make_authority, server_context
from tests.rig.virtual_time import now_s, run_virtual
from tests.rig.web_socket_pair import server_on_loopback

SUBPROTOCOL = "ocpp1.6"


def to(port: int, scheme: str = "ws") -> Dial:
    return dial(Endpoint(f"{scheme}://localhost:{port}/ocpp", "CP1"))


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def refused(dialled: Dial, **options: Any) -> LinkRefused:
    """The refusal of one attempt."""
    with pytest.raises(LinkRefused) as found:
        await open_link(dialled, SUBPROTOCOL, **options)
    return found.value


def test_texts_go_both_ways_and_it_closes_with_the_given_code() -> None:
    codes = []

    async def handle(connection: ServerConnection) -> None:
        await echo(connection)
        codes.append(connection.close_code)

    async def story() -> None:
        async with server_on_loopback(handle, subprotocols=[SUBPROTOCOL]) as (_, port):
            link = await open_link(to(port), SUBPROTOCOL)
            await link.send("hello")
            assert await link.receive() == "hello"
            await link.ping(10)
            await link.close(1001, "")
            with pytest.raises(LinkLost):
                await link.receive()
            with pytest.raises(LinkLost):
                await link.send("x")
            with pytest.raises(LinkLost):
                await link.ping(10)
            await link.close(1001, "")
        assert codes == [1001]

    run_virtual(story())


@pytest.mark.rule("ocpp16.J20")
def test_a_lost_link_tells_with_which_code_the_peer_closed_it() -> None:
    async def handle(connection: ServerConnection) -> None:
        match await connection.recv():
            case "close":
                await connection.close(1007, "I do not understand")
            case "flood":
                await connection.send("x" * (MAXIMUM_FRAME_BYTES + 1))
                await connection.wait_closed()
            case _:
                connection.transport.abort()

    async def story() -> None:
        found: list[int | None] = []
        async with server_on_loopback(handle, subprotocols=[SUBPROTOCOL]) as (_, port):
            for text in ("close", "flood", "cut"):
                link = await open_link(to(port), SUBPROTOCOL)
                await link.send(text)
                with pytest.raises(LinkLost) as lost:
                    await link.receive()
                found.append(lost.value.code)
                await link.close(1001, "")
        assert found == [1007, 1006, 1006]

    run_virtual(story())


@pytest.mark.rule("ocpp16.J16")
@pytest.mark.parametrize("frames", [b"\x01\x00" + b"\x00\x00" * (MOST_FRAGMENTS + 1), b"\x89\x00"])
def test_a_peer_that_would_have_us_hoard_without_end_is_cut(frames: bytes) -> None:
    """Fragments that never end a message; and pings whose pongs it does not read."""

    async def handle(connection: ServerConnection) -> None:
        await connection.recv()
        connection.transport.write(frames)
        await connection.wait_closed()

    async def story() -> None:
        async with server_on_loopback(handle, subprotocols=[SUBPROTOCOL]) as (_, port):
            link = await open_link(to(port), SUBPROTOCOL)
            transport = link._connection.transport
            await link.send("go")
            if frames.startswith(b"\x89"):
                unsent = MOST_UNSENT_BYTES + 1
                transport.get_write_buffer_size = lambda: unsent  # type: ignore[method-assign]
            with pytest.raises(LinkLost):
                async with asyncio.timeout(5):
                    await link.receive()

    run_virtual(story())


def test_binary_and_bad_utf8_come_as_bytes_and_in_order() -> None:
    async def handle(connection: ServerConnection) -> None:
        await connection.send(b"binary")
        await connection.send("text")
        await connection.send(b"\xff\xfe", text=True)
        await connection.send(["in ", "frag", "ments"])
        await connection.send([b"binary ", b"fragments"])
        await connection.wait_closed()

    async def story() -> None:
        async with server_on_loopback(handle, subprotocols=[SUBPROTOCOL]) as (_, port):
            link = await open_link(to(port), SUBPROTOCOL)
            found = [await link.receive() for _ in range(5)]
            assert found == [b"binary", "text", b"\xff\xfe", "in fragments", b"binary fragments"]
            await link.close(1001, "")

    run_virtual(story())


@pytest.mark.rule("ocpp16.J02")
@pytest.mark.parametrize("offered", [None, ["ocpp2.0.1"]])
def test_a_server_without_our_subprotocol_is_left(offered: list[str] | None) -> None:
    async def story() -> None:
        def choose(connection: ServerConnection, wanted: Any) -> Any:
            return offered[0] if offered else None

        async with server_on_loopback(echo, select_subprotocol=choose) as (_, port):
            assert (await refused(to(port))).cause == "subprotocol"

    run_virtual(story())


@pytest.mark.rule("ocpp16.J03")
@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 503])
def test_an_http_refusal_names_its_status(status: int) -> None:
    def process(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(HTTPStatus(status), "no")

    async def story() -> None:
        async with server_on_loopback(echo, process_request=process) as (_, port):
            found = await refused(to(port))
            assert (found.cause, found.http_status) == ("http", status)

    run_virtual(story())


@pytest.mark.rule("security.ATK-10")
@pytest.mark.rule("ocpp16.J17")
@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("scheme", ["ws://127.0.0.1", "http://127.0.0.1", "wss://127.0.0.1", "ws://localhost", ""])
def test_no_redirect_is_followed(status: int, scheme: str) -> None:
    reached = []

    async def target(connection: ServerConnection) -> None:
        reached.append(connection)

    async def story() -> None:
        async with server_on_loopback(target, subprotocols=[SUBPROTOCOL]) as (_, elsewhere):

            def process(connection: ServerConnection, request: Request) -> Response:
                location = f"{scheme}:{elsewhere}/ocpp/CP1" if scheme else "/other"
                return Response(status, "Moved", Headers({"Location": location}), b"")

            async with server_on_loopback(echo, process_request=process) as (_, port):
                found = await refused(to(port), authorization="Basic secret")
                assert (found.cause, found.http_status) == ("redirect", status)
        assert reached == []

    run_virtual(story())


async def _raw_server(answer: bytes | None) -> asyncio.Server:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            if answer is not None:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer)
            else:
                await reader.read()
        writer.close()

    return await asyncio.start_server(handle, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (b"", "handshake"),
        (b"SSH-2.0-OpenSSH_9\r\n", "handshake"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "http"),
        (None, "timeout"),
    ],
)
def test_what_is_no_websocket_server_is_named_so(answer: bytes | None, cause: str) -> None:
    async def story() -> None:
        server = await _raw_server(answer)
        async with server:
            began_s = now_s()
            found = await refused(to(server.sockets[0].getsockname()[1]))
            assert found.cause == cause
            assert now_s() - began_s <= link_module.OPEN_TIMEOUT_S + 0.1
            await asyncio.sleep(1)  # virtual: the server's end is closed too

    run_virtual(story())


def test_a_closed_port_and_an_unknown_host_are_told_apart() -> None:
    async def story() -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        assert (await refused(to(port))).cause == "connect"

    run_virtual(story())
    error = link_module._refused(socket.gaierror(-2, "Name or service not known"))
    assert error is not None
    assert error.cause == "resolve"
    assert link_module._refused(KeyError("ours")) is None


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "ws_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async def story() -> None:
        async with server_on_loopback(echo, subprotocols=[SUBPROTOCOL]) as (_, port):
            link = await open_link(to(port), SUBPROTOCOL)
            await link.close(1001, "")

    run_virtual(story())


def test_a_socket_may_be_opened_some_other_way() -> None:
    async def story() -> None:
        async with server_on_loopback(echo, subprotocols=[SUBPROTOCOL]) as (_, port):
            wanted = []

            async def open_socket(host: str, port_wanted: int) -> socket.socket:
                wanted.append((host, port_wanted))
                made = socket.socket()
                made.setblocking(False)
                await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", port))
                return made

            link = await open_link(dial(Endpoint("ws://nowhere.invalid", "CP1")), SUBPROTOCOL, open_socket=open_socket)
            await link.close(1001, "")
            assert wanted == [("nowhere.invalid", 80)]

    run_virtual(story())


# --------------------------------------------------------------------------------------------- header and trust


@pytest.mark.rule("ocpp16.J15")
def test_a_hex_key_is_tried_decoded_then_as_text_and_what_worked_stays(tmp_path: Path) -> None:
    seen: list[str] = []
    key = "0001020304050607ffffffffffffffffffffffff"
    address = UpstreamAddress(MANAGEMENT, "M", "ws://x", "CP1", SecurityProfile.BASIC, Secret(key))

    def process(connection: ServerConnection, request: Request) -> Response | None:
        seen.append(request.headers["Authorization"])
        as_text = basic_header("CP1", key.encode())
        return None if seen[-1] == as_text else connection.respond(HTTPStatus.UNAUTHORIZED, "no")

    async def story() -> None:
        async with server_on_loopback(echo, process_request=process, subprotocols=[SUBPROTOCOL]) as (_, port):
            here = replace(address, url=f"ws://127.0.0.1:{port}")
            folder = CredentialsFolder(tmp_path, "management")
            around = Surroundings(lambda news: None, lambda: None)
            dialler = Dialler(Choice(here, Holdings(), folder, around), SUBPROTOCOL)
            with pytest.raises(LinkRefused) as found:
                await dialler()
            assert key not in str(found.value)
            for _ in range(2):
                link = await dialler()
                await link.close(1001, "")
            assert seen[0] == basic_header("CP1", bytes.fromhex(key))
            assert len(set(seen)) == 2
            assert seen[1] == seen[2]

    run_virtual(story())


def test_an_address_that_cannot_be_dialled_is_refused_with_its_remedy() -> None:
    async def story() -> None:
        for endpoint, cause in (
            (Endpoint("ws://a b", "CP1"), "address"),
            (Endpoint("ws://a", "C:P", Secret("x" * 16)), "address"),
            (Endpoint("wss://a", "CP1", trust_file="/nowhere/roots.pem"), "tls"),
        ):
            with pytest.raises(LinkRefused) as found:
                await Dialler(endpoint, SUBPROTOCOL)()
            assert found.value.cause == cause

    run_virtual(story())


@pytest.fixture(scope="module")
def authorities() -> Any:
    return make_authority("right"), make_authority("wrong")


@pytest.mark.rule("product.H9")
@pytest.mark.rule("security.ATK-10")
def test_only_the_roots_of_this_upstream_count(authorities: Any, tmp_path: Path) -> None:
    right, wrong = authorities
    (tmp_path / "right.pem").write_text(right.root_pem)
    (tmp_path / "wrong.pem").write_text(wrong.root_pem)

    async def story() -> None:
        async with server_on_loopback(echo, subprotocols=[SUBPROTOCOL], ssl=server_context(right)) as (_, port):
            url = f"wss://localhost:{port}"
            dialler = Dialler(Endpoint(url, "CP1", trust_file=str(tmp_path / "right.pem")), SUBPROTOCOL)
            assert not dialler.authenticated
            link = await dialler()
            assert dialler.authenticated
            await link.send("hello")
            assert await link.receive() == "hello"
            await link.close(1001, "")
            for trust in (str(tmp_path / "wrong.pem"), None):
                with pytest.raises(LinkRefused) as found:
                    await Dialler(Endpoint(url, "CP1", trust_file=trust), SUBPROTOCOL)()
                assert found.value.cause == "tls"

    run_virtual(story())


def test_a_certificate_of_another_host_is_refused_and_new_roots_are_read(authorities: Any, tmp_path: Path) -> None:
    right, wrong = authorities
    roots = tmp_path / "roots.pem"
    roots.write_text(wrong.root_pem)

    async def story() -> None:
        async with server_on_loopback(echo, subprotocols=[SUBPROTOCOL], ssl=server_context(right)) as (_, port):
            dialler = Dialler(Endpoint(f"wss://localhost:{port}", "CP1", trust_file=str(roots)), SUBPROTOCOL)
            with pytest.raises(LinkRefused):
                await dialler()
            roots.write_text(right.root_pem)
            await (await dialler()).close(1001, "")
            other = Dial(f"wss://other.example:{port}/CP1", "other.example", port, True)

            async def open_socket(host: str, port_wanted: int) -> socket.socket:
                made = socket.socket()
                made.setblocking(False)
                await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", port))
                return made

            found = await refused(
                other,
                tls=client_context(Access("", "", trust_files=(str(roots),), public_roots=False)),
                open_socket=open_socket,
            )
            assert found.cause == "tls"

    run_virtual(story())
