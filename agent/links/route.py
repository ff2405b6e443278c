"""How the TCP connection of one upstream comes about: names, addresses, network interface, proxy.

Theory of operation
-------------------
Names are resolved anew for every attempt, and every address is tried: the next one is begun when the one before has
failed, or has not answered for a moment (RFC 8305 5), so that a family that leads nowhere costs a moment and not the
attempt. The first that connects is taken.

`interface` is the name of a network interface, or an address of ours. To a name the socket is bound by the kernel's
SO_BINDTODEVICE, so that routes of other interfaces do not count; where that is not permitted, to the interface's IPv4
address. A proxy is asked for a tunnel (CONNECT, RFC 9110 9.3.6); TLS, if any, is then spoken with the backend through
it, and the proxy sees neither the password of the backend nor what is said. Its own login is never part of a message.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import socket
import struct
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fcntl import ioctl
from typing import Any, Final

from agent.links.ports import LinkRefused
from agent.vocabulary.ids import Secret

STAGGER_S: Final = 1.0
"""An address has this long before the next one is tried beside it."""
LONGEST_HEAD: Final = 8_192
"""Of a proxy's answer."""
_SIOCGIFADDR: Final = 0x8915
_Address = tuple[int, int, int, str, Any]


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy. Prints no password."""

    host: str
    port: int
    login: Secret | None = None
    """`user:password`."""


@dataclass(frozen=True, slots=True)
class Route:
    """The way to one upstream; call it with host and port (see `agent.links.link.OpenSocket`)."""

    interface: str = ""
    """Empty: whatever the system's routes say."""
    proxy: Proxy | None = None

    async def __call__(self, host: str, port: int) -> socket.socket:
        """A connected socket. Raises LinkRefused or OSError; whoever calls bounds the time."""
        if self.proxy is None:
            return await self._connect(host, port)
        try:
            connected = await self._connect(self.proxy.host, self.proxy.port)
        except OSError as error:
            raise LinkRefused("proxy", f"the proxy cannot be reached ({error.strerror or error})") from None
        try:
            await _tunnel(connected, self.proxy, host, port)
        except BaseException:
            connected.close()
            raise
        return connected

    async def _connect(self, host: str, port: int) -> socket.socket:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return await first([self._one(address) for address in _alternating(found)])

    async def _one(self, address: _Address) -> socket.socket:
        family, kind, protocol, _, place = address
        made = socket.socket(family, kind, protocol)
        try:
            made.setblocking(False)
            if self.interface:
                _bind(made, self.interface)
            await asyncio.get_running_loop().sock_connect(made, place)
        except BaseException:
            made.close()
            raise
        return made


async def first(attempts: list[Coroutine[Any, Any, socket.socket]]) -> socket.socket:
    """The first attempt that succeeds; each later one begins a moment later, or once one has failed."""
    waiting, running, failures = attempts[::-1], set[asyncio.Task[socket.socket]](), list[BaseException]()
    try:
        while waiting or running:
            if waiting:
                running.add(asyncio.create_task(waiting.pop()))
            patience_s = STAGGER_S if waiting else None
            done, running = await asyncio.wait(running, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                failure = task.exception()
                if failure is None:
                    running |= done - {task}
                    return task.result()
                failures.append(failure)
    finally:
        for attempt in waiting:
            attempt.close()
        await _end(running)
    raise failures[0] if failures else OSError("the name has no address")


async def _end(running: set[asyncio.Task[socket.socket]]) -> None:
    for task in running:
        task.cancel()
    for outcome in await asyncio.gather(*running, return_exceptions=True):
        if isinstance(outcome, socket.socket):
            outcome.close()


def _alternating(found: Sequence[_Address]) -> list[_Address]:
    """One family after the other, in the order of the resolver within each (RFC 8305 4)."""
    first = [address for address in found if address[0] == found[0][0]]
    other = [address for address in found if address[0] != found[0][0]]
    mixed: list[_Address] = []
    while first or other:
        mixed += [queue.pop(0) for queue in (first, other) if queue]
    return mixed


def _bind(made: socket.socket, interface: str) -> None:
    """Let the socket leave by that interface. Raises OSError that names it."""
    try:
        address = _own_address(interface)
        if address is not None:
            made.bind((address, 0))
            return
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
        except PermissionError:
            made.bind((_address_of(interface), 0))
    except OSError as error:
        raise OSError(error.errno, f"network interface {interface}: {error.strerror or error}") from None


def _own_address(text: str) -> str | None:
    with suppress(ValueError):
        return str(ipaddress.ip_address(text))
    return None


def _address_of(interface: str) -> str:
    """The IPv4 address of an interface (netdevice(7) SIOCGIFADDR)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        answer = ioctl(asking.fileno(), _SIOCGIFADDR, struct.pack("256s", interface.encode()[:15]))
    return socket.inet_ntoa(answer[20:24])


async def _tunnel(connected: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    """Ask the proxy for a tunnel. Raises LinkRefused."""
    loop = asyncio.get_running_loop()
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {where} HTTP/1.1", f"Host: {where}"]
    if proxy.login is not None:
        lines.append("Proxy-Authorization: Basic " + base64.b64encode(proxy.login.reveal().encode()).decode("ascii"))
    try:
        await loop.sock_sendall(connected, "\r\n".join([*lines, "", ""]).encode("ascii"))
        head = await _head(connected)
    except OSError as error:
        raise LinkRefused("proxy", f"the proxy hung up ({error.strerror or error})") from None
    version, _, rest = head.partition(b"\r\n")[0].partition(b" ")
    code = rest[:3]
    if not version.startswith(b"HTTP/1.") or len(code) != 3 or not code.isdigit():
        raise LinkRefused("proxy", "what answers is no HTTP proxy")
    if not code.startswith(b"2"):
        meaning = ": it wants a user and a password, or others" if code == b"407" else ""
        raise LinkRefused("proxy", f"the proxy answered HTTP {code.decode()}{meaning}")


async def _head(connected: socket.socket) -> bytes:
    """The head of an HTTP answer. What follows it belongs to the backend, so it is left in the socket."""
    loop, head = asyncio.get_running_loop(), b""
    while not head.endswith(b"\r\n\r\n"):
        byte = await loop.sock_recv(connected, 1)
        if not byte or len(head) >= LONGEST_HEAD:
            raise LinkRefused("proxy", "the proxy hung up" if not byte else "the answer of the proxy has no end")
        head += byte
    return head
