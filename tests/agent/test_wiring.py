"""How settings become the parts of an upstream."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection

from agent.credentials.choice import Choice, Surroundings
from agent.credentials.folder import CredentialsFolder
from agent.credentials.holdings import Holdings
from agent.links.dialler import Dialler
from agent.links.ports import LinkLost, LinkRefused
from agent.links.route import Proxy, Route
from agent.settings.addresses import SecurityProfile, UpstreamAddress
from agent.settings.files import load, stage_primary
from agent.settings.locations import Locations
from agent.settings.settings import UpstreamRequest
from agent.vocabulary.ids import Secret, UpstreamId
from agent.wiring import route_of
from tests.rig.certificates import ROOT, STATION, issue, make_authority, server_context
from tests.rig.connect_proxy import ConnectProxy, connect_proxy
from tests.rig.rig_options import RigOptions
from tests.rig.web_socket_pair import server_on_loopback

ADDRESS = UpstreamAddress(UpstreamId("primary-1"), "P", "ws://a/", "CP1", SecurityProfile.UNSECURED)


def test_interface_and_proxy_of_the_settings_become_the_route() -> None:
    login = Secret("user:password")
    proxied = replace(ADDRESS, interface="wwan0", proxy="http://[2001:db8::1]:3128", proxy_login=login)
    assert route_of(ADDRESS) == Route()
    assert route_of(proxied) == Route("wwan0", Proxy("2001:db8::1", 3128, login))


@pytest.mark.rung3
@pytest.mark.rule("product.H8")
@pytest.mark.rule("product.N9")
def test_what_the_installer_gives_reaches_the_backend_by_the_proxy_and_with_the_certificate(tmp_path: Path) -> None:
    (tmp_path / "factory.toml").write_text(RigOptions().factory("ws://management.example/ocpp"))
    locations = Locations(str(tmp_path / "factory.toml"), str(tmp_path / "settings"), str(tmp_path), str(tmp_path))
    authority, root = make_authority(), issue(ROOT)
    own, stranger = issue(STATION, root), issue(STATION)
    tls = server_context(authority)
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(cadata=root.pem)
    seen: list[object] = []

    async def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        subject = connection.transport.get_extra_info("peercert")["subject"]
        seen.append((connection.request.path, connection.request.headers.get("Authorization"), subject[-1][0]))
        await connection.wait_closed()

    async def dial(request: UpstreamRequest, place: str) -> None:
        here = replace(locations, settings=str(tmp_path / place))
        stage_primary(here, "boot1", request)
        primary = load(here, "boot2").primary
        assert primary is not None
        choice = Choice(
            primary, Holdings(), CredentialsFolder(tmp_path, place), Surroundings(lambda n: None, lambda: None)
        )
        link = await Dialler(choice, "ocpp1.6", route_of(primary))()
        try:
            await link.ping(5)
        finally:
            await link.close(1001, "")

    async def story() -> None:
        async with (
            server_on_loopback(handle, subprotocols=["ocpp1.6"], ssl=tls) as (_, port),
            connect_proxy(ConnectProxy("user:password")) as proxy,
        ):
            request = UpstreamRequest(
                f"wss://localhost:{port}/ocpp",
                "CP/1",
                3,
                trust_pem=authority.root_pem,
                certificate_pem=own.pem,
                key_pem=Secret(own.key_pem),
                interface="lo",
                proxy=f"http://127.0.0.1:{proxy.port}",
                proxy_login=Secret("user:password"),
            )
            await dial(request, "good")
            assert seen == [("/ocpp/CP%2F1", None, ("commonName", "SN1"))]
            assert len(proxy.asked) == 1
            bad = replace(request, certificate_pem=stranger.pem, key_pem=Secret(stranger.key_pem))
            with pytest.raises((LinkRefused, LinkLost)):
                await dial(bad, "bad")
            assert len(seen) == 1

    asyncio.run(story())
