"""What people are told of a link."""

from __future__ import annotations

import pytest

from agent.links.state import LinkState

MINUTE = 60_000


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (LinkState(), "waiting"),
        (LinkState("dialling"), "dialling"),
        (LinkState("dialling", "http: 404"), "dialling: last attempt: http: 404"),
        (LinkState("waiting", "http: the server answered HTTP 404"), "waiting: http: the server answered HTTP 404"),
        (LinkState("connected", "", 0), "connected for 2 d, nothing heard yet"),
        (LinkState("connected", "", 49 * 60 * MINUTE, 0), "connected for 60 min, nothing heard yet"),
        (LinkState("connected", "", 0, 50 * 60 * MINUTE - 119_999), "connected for 2 d, last heard 119 s ago"),
        (LinkState("connected", "", 0, 50 * 60 * MINUTE - 120_000), "connected for 2 d, last heard 2 min ago"),
    ],
)
def test_a_state_in_words(state: LinkState, told: str) -> None:
    assert state.told(50 * 60 * MINUTE) == told
