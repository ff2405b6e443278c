from __future__ import annotations

import os
import socket

import pytest

from agent.control.peers import Peer, is_allowed, peer_of


def test_the_kernel_says_who_is_at_the_other_end() -> None:
    near, far = socket.socketpair(socket.AF_UNIX)
    with near, far:
        assert peer_of(near) == Peer(os.getpid(), os.getuid(), os.getgid())


@pytest.mark.rule("security.ATK-25")
@pytest.mark.parametrize(
    ("peer", "group", "allowed"),
    [
        (Peer(1, 0, 0), None, True),
        (Peer(1, 990, 990), None, True),
        (Peer(1, 54_321, 54_321), None, False),
        (Peer(1, 54_321, 54_321), 54_321, True),
        (Peer(1, 54_321, 54_322), 54_321, False),
    ],
)
def test_only_root_our_own_user_and_the_group_may_connect(peer: Peer, group: int | None, allowed: bool) -> None:
    assert is_allowed(peer, 990, group) is allowed
