"""Uplinks: names and addresses, network interfaces, and a proxy, with real sockets."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from agent.links import route as route_module
from agent.links.address import Dial
from agent.links.link import open_link
from agent.links.ports import LinkRefused
from agent.links.route import LONGEST_HEAD, STAGGER_S, Proxy, Route, first
from agent.vocabulary.ids import Secret
from tests.rig.certificates import client_context, make_authority, server_context
from tests.rig.connect_proxy import ConnectProxy, connect_proxy
from tests.rig.virtual_time import now_s, run_virtual
from tests.rig.web_socket_pair import server_on_loopback, stream_pair

SUBPROTOCOL = "ocpp1.6"
LOGIN = "station:canary-of-the-proxy"


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def exchange(dial: Dial, route: Route, tls: Any = None) -> Any:
    """One text there and back."""
    link = await open_link(dial, SUBPROTOCOL, open_socket=route, tls=tls)
    try:
        await link.send("hello")
        return await link.receive()
    finally:
        await link.close(1001, "")


def to(port: int, host: str = "127.0.0.1", tls: bool = False) -> Dial:
    return Dial(f"{'wss' if tls else 'ws'}://{host}:{port}/CP1", host, port, tls)


# --------------------------------------------------------------------------------------------------------- proxies


@pytest.mark.rung3
@pytest.mark.rule("product.N9")
def test_through_a_proxy_with_user_and_password() -> None:
    async def story() -> None:
        async with (
            server_on_loopback(echo, subprotocols=[SUBPROTOCOL]) as (_, port),
            connect_proxy(ConnectProxy(LOGIN)) as proxy,
        ):
            route = Route(proxy=Proxy("localhost", proxy.port, Secret(LOGIN)))
            assert await exchange(to(port, "backend.example"), route) == "hello"
            assert proxy.asked[0].startswith(f"CONNECT backend.example:{port} HTTP/1.1\r\nHost: backend.example:{port}")
            assert b"canary" not in bytes(proxy.carried)

    asyncio.run(story())


@pytest.mark.rung3
@pytest.mark.rule("product.N9")
def test_tls_goes_through_the_proxy_from_end_to_end() -> None:
    authority = make_authority()

    async def story() -> None:
        async with (
            server_on_loopback(echo, subprotocols=[SUBPROTOCOL], ssl=server_context(authority)) as (_, port),
            connect_proxy(ConnectProxy()) as proxy,
        ):
            route = Route(proxy=Proxy("127.0.0.1", proxy.port))
            dial = to(port, "localhost", tls=True)
            assert await exchange(dial, route, client_context(authority)) == "hello"
            assert "Proxy-Authorization" not in proxy.asked[0]
            assert b"hello" not in bytes(proxy.carried)
            assert b"CP1" not in bytes(proxy.carried)
            with pytest.raises(LinkRefused) as refused:
                await exchange(dial, route, client_context(make_authority()))
            assert refused.value.cause == "tls"

    asyncio.run(story())


@pytest.mark.rung3
@pytest.mark.rule("product.N9")
@pytest.mark.parametrize(
    ("proxy", "detail"),
    [
        (ConnectProxy("other:login"), "the proxy answered HTTP 407: it wants a user and a password, or others"),
        (ConnectProxy(answer=b"HTTP/1.1 503 Busy\r\n\r\n"), "the proxy answered HTTP 503"),
        (ConnectProxy(answer=b"SSH-2.0-OpenSSH_9\r\n\r\n"), "what answers is no HTTP proxy"),
        (ConnectProxy(answer=b"HTTP/1.1 2\r\n\r\n"), "what answers is no HTTP proxy"),
        (ConnectProxy(answer=b"HTTP/1.1 200 OK\r\n"), "the proxy hung up"),
        (ConnectProxy(answer=b"HTTP/1.1 200 OK\r\nX: " + LONGEST_HEAD * b"x"), "the answer of the proxy has no end"),
    ],
)
def test_a_proxy_that_opens_no_tunnel_is_told_without_its_password(proxy: ConnectProxy, detail: str) -> None:
    async def story() -> None:
        async with connect_proxy(proxy):
            route = Route(proxy=Proxy("127.0.0.1", proxy.port, Secret(LOGIN)))
            with pytest.raises(LinkRefused) as refused:
                await exchange(to(1), route)
            assert (refused.value.cause, refused.value.detail) == ("proxy", detail)
            assert refused.value.http_status is None, "it is not the backend that has refused"
            assert "canary" not in f"{refused.value!r} {route!r}"

    asyncio.run(story())


@pytest.mark.rung3
def test_a_proxy_that_is_not_there_is_told_as_such() -> None:
    async def story() -> None:
        with pytest.raises(LinkRefused) as refused:
            await exchange(to(1), Route(proxy=Proxy("127.0.0.1", 1)))
        assert refused.value.cause == "proxy"

    asyncio.run(story())


@pytest.mark.rung3
def test_an_ipv6_backend_has_brackets_in_the_request() -> None:
    async def story() -> None:
        async with connect_proxy(ConnectProxy(answer=b"HTTP/1.1 403 No\r\n\r\n")) as proxy:
            with pytest.raises(LinkRefused):
                await Route(proxy=Proxy("127.0.0.1", proxy.port))("2001:db8::1", 443)
            assert proxy.asked[0].startswith("CONNECT [2001:db8::1]:443 HTTP/1.1\r\n")

    asyncio.run(story())


# ------------------------------------------------------------------------------------------------------ interfaces


@pytest.mark.rung3
@pytest.mark.rule("product.N9")
@pytest.mark.parametrize("interface", ["lo", "127.0.0.1"])
def test_the_socket_leaves_by_the_interface_of_that_name_or_address(interface: str) -> None:
    async def story() -> None:
        async with server_on_loopback(echo, subprotocols=[SUBPROTOCOL]) as (_, port):
            assert await exchange(to(port), Route(interface)) == "hello"

    asyncio.run(story())


@pytest.mark.rung3
@pytest.mark.rule("product.N9")
@pytest.mark.parametrize("interface", ["nowhere0", "203.0.113.77"])
def test_an_interface_that_is_not_there_is_named(interface: str) -> None:
    async def story() -> None:
        async with server_on_loopback(echo, subprotocols=[SUBPROTOCOL]) as (_, port):
            with pytest.raises(LinkRefused) as refused:
                await exchange(to(port), Route(interface))
            assert refused.value.cause == "connect"
            assert f"network interface {interface}: " in refused.value.detail

    asyncio.run(story())


@pytest.mark.rung3
@pytest.mark.rule("product.N9")
def test_where_binding_to_a_name_is_not_permitted_its_address_does() -> None:
    class Unprivileged(socket.socket):
        def setsockopt(self, *arguments: Any) -> None:
            raise PermissionError(1, "not permitted")

    with Unprivileged(socket.AF_INET, socket.SOCK_STREAM) as made:
        route_module._bind(made, "lo")
        assert made.getsockname()[0] == "127.0.0.1"


# ------------------------------------------------------------------------------------------------ names, addresses


@pytest.mark.rung3
@pytest.mark.rule("ocpp16.J18")
def test_the_name_is_resolved_anew_each_time_and_all_its_addresses_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with server_on_loopback(echo, subprotocols=[SUBPROTOCOL]) as (_, port):
            tcp = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
            known = [[(*tcp, ("127.0.0.1", 1))], [(*tcp, ("127.0.0.1", 1)), (*tcp, ("127.0.0.1", port))]]
            asked: list[tuple[Any, ...]] = []

            async def resolve(*arguments: Any, **options: Any) -> Any:
                asked.append(arguments)
                return known[len(asked) - 1]

            monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
            with pytest.raises(LinkRefused):
                await exchange(to(port, "backend.example"), Route())
            assert await exchange(to(port, "backend.example"), Route()) == "hello"
            assert asked == 2 * [("backend.example", port)]

    asyncio.run(story())


@pytest.mark.rule("ocpp16.J18")
def test_an_address_that_leads_nowhere_costs_a_moment() -> None:
    near, far = stream_pair()

    async def nowhere() -> socket.socket:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    async def refusing() -> socket.socket:
        raise ConnectionRefusedError(111, "refused")

    async def open_one() -> socket.socket:
        return near

    async def never_begun() -> socket.socket:
        raise AssertionError

    async def story() -> None:
        assert await first([nowhere(), refusing(), nowhere(), open_one(), never_begun()]) is near
        assert now_s() == pytest.approx(2 * STAGGER_S)
        with pytest.raises(ConnectionRefusedError):
            await first([refusing(), refusing()])
        with pytest.raises(OSError, match="no address"):
            await first([])

    run_virtual(story())
    near.close()
    far.close()


@pytest.mark.rule("ocpp16.J18")
def test_what_connects_too_late_is_closed() -> None:
    near, far = stream_pair()
    late, far_too = stream_pair()

    async def after(seconds: float, made: socket.socket) -> socket.socket:
        await asyncio.sleep(seconds)
        return made

    async def stubborn(made: socket.socket) -> socket.socket:
        """Connects although it is cancelled."""
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            return made
        raise AssertionError

    async def story() -> None:
        assert await first([stubborn(late), after(0, near)]) is near
        assert late.fileno() == -1
        assert near.fileno() != -1

    run_virtual(story())
    for end in (near, far, far_too):
        end.close()


def test_of_two_that_connect_in_the_same_moment_one_is_closed() -> None:
    pairs = [stream_pair(), stream_pair()]

    async def after_a_moment(made: socket.socket) -> socket.socket:
        await asyncio.sleep(2 * STAGGER_S if made is pairs[0][0] else STAGGER_S)
        return made

    async def story() -> None:
        taken = await first([after_a_moment(near) for near, _ in pairs])
        assert [near.fileno() == -1 for near, _ in pairs] == [near is not taken for near, _ in pairs]

    run_virtual(story())
    for near, far in pairs:
        near.close()
        far.close()


def test_families_alternate() -> None:
    six, four = (10, 1, 6, "", "six"), (2, 1, 6, "", "four")
    assert route_module._alternating([six, six, six, four]) == [six, four, six, six]
    assert route_module._alternating([]) == []
