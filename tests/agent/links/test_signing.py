"""Certificate requests: sent once, on the link on which they came up."""

from __future__ import annotations

from agent.links.output import Output
from agent.links.signing import Signing
from tests.agent.links.conftest import UPSTREAM


def signing() -> Signing:
    return Signing(Output(UPSTREAM))


def test_a_request_is_taken_once_and_a_newer_one_replaces_it() -> None:
    one = signing()
    one.wanted("one", connected=True)
    one.wanted("two", connected=True)
    assert [one.take(True), one.take(True)] == ["two", ""]


def test_without_a_link_it_is_dropped() -> None:
    one = signing()
    one.wanted("one", connected=False)
    assert one.take(True) == ""
    one.wanted("two", connected=True)
    one.give_up()
    assert one.take(True) == ""


def test_before_the_registration_it_goes_out_only_if_the_peer_asked_for_it_on_this_link() -> None:
    one = signing()
    one.wanted("one", connected=True)
    assert one.take(False) == ""
    one.asked_for()
    assert one.take(False) == "one"
    one.give_up()
    one.wanted("two", connected=True)
    assert one.take(False) == ""
