"""How settings become the parts of an upstream."""

from __future__ import annotations

from dataclasses import replace

from agent.links.route import Proxy, Route
from agent.settings.addresses import SecurityProfile, UpstreamAddress
from agent.vocabulary.ids import Secret, UpstreamId
from agent.wiring import route_of

ADDRESS = UpstreamAddress(UpstreamId("primary-1"), "P", "ws://a/", "CP1", SecurityProfile.UNSECURED)


def test_interface_and_proxy_of_the_settings_become_the_route() -> None:
    login = Secret("user:password")
    proxied = replace(ADDRESS, interface="wwan0", proxy="http://[2001:db8::1]:3128", proxy_login=login)
    assert route_of(ADDRESS) == Route()
    assert route_of(proxied) == Route("wwan0", Proxy("2001:db8::1", 3128, login))
