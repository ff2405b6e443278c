"""Who is at the other end of the control socket, as the kernel says (SO_PEERCRED, unix(7))."""

from __future__ import annotations

import os
import pwd
import socket
import struct
from dataclasses import dataclass

_CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class Peer:
    """A local process."""

    pid: int
    uid: int
    gid: int


def peer_of(connection: socket.socket) -> Peer:
    """The process that connected. Raises OSError."""
    held = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return Peer(*_CREDENTIALS.unpack(held))


def is_allowed(peer: Peer, own_uid: int, group: int | None) -> bool:
    """True for root, for our own user, and for members of the configured group."""
    if peer.uid in (0, own_uid):
        return True
    return group is not None and (peer.gid == group or group in groups_of(peer.uid))


def groups_of(uid: int) -> tuple[int, ...]:
    """All groups of a user as the system's data base has them; none for a user it does not know."""
    try:
        user = pwd.getpwuid(uid)
    except KeyError:
        return ()
    return tuple(os.getgrouplist(user.pw_name, user.pw_gid))
