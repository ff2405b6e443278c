"""Places for files that a backend names: read strictly, looked up once, and only used where the factory file allows.

Theory of operation
-------------------
A backend could name the station itself, its neighbours in the local network or a cloud's service of secrets as the
place for a file. So the scheme must be https or ftps, and the address public, unless the factory file allows more. A
name is looked up once and what was judged is what is dialled: a name that points elsewhere the next moment changes
nothing. Multicast, reserved and unspecified addresses are never dialled. An IPv4 address in an IPv6 one is judged by
itself. No text of an error has a user, a password or a query in it.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import unquote

from agent.settings.hosts import check_authority
from agent.settings.transfers import Allowance
from agent.vocabulary.ids import Secret

LONGEST_LOCATION: Final = 2_000
"""Signed addresses of object stores are long."""
PORTS: Final = {"https": 443, "http": 80, "ftps": 21, "ftp": 21}
_PLAIN: Final = {"http": Allowance.HTTP, "ftp": Allowance.FTP}
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]


class Refused(ValueError):
    """This place is not used; the text says why, without what is secret in it."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who the station is there."""

    user: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Destination:
    """A place. `path` begins with a slash and is percent-encoded; `query` has its question mark."""

    scheme: str
    host: str
    """As it was written, an IPv6 address without brackets."""
    port: int
    path: str
    query: str = ""
    login: Login | None = None

    def below(self, name: str) -> Destination:
        """A file of this name in this place, taken as a folder."""
        return replace(self, path=f"{self.path.rstrip('/')}/{name}")

    @property
    def shown(self) -> str:
        """For the log: scheme and host."""
        return f"{self.scheme}://{self.host}"


def read_destination(location: str, allowed: Collection[Allowance]) -> Destination:
    """What a backend wrote. Raises Refused."""
    if len(location) > LONGEST_LOCATION or not all("!" <= character <= "~" for character in location):
        raise Refused("the location is too long, or has blanks or letters outside ASCII")
    if "\\" in location:
        raise Refused("the location has a backslash")
    scheme, separator, rest = location.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in PORTS:
        raise Refused("the location is neither https, http, ftps nor ftp")
    if scheme in _PLAIN and _PLAIN[scheme] not in allowed:
        raise Refused(f"{scheme} is not allowed here; use {scheme}s")
    rest = rest.partition("#")[0]
    end = min((rest.index(sign) for sign in "/?" if sign in rest), default=len(rest))
    login, authority = _login(rest[:end])
    if check_authority(authority) is not None:
        raise Refused("the host of the location is none")
    path, mark, query = rest[end:].partition("?")
    host, port = _host_and_port(authority, PORTS[scheme])
    _check_path(unquote(path))
    destination = Destination(scheme, host, port, path or "/", mark + query, login)
    literal = _literal(host)
    if literal is not None:
        _check_address(literal, allowed)
    return destination


def looked_up(destination: Destination, allowed: Collection[Allowance], resolve: Resolve | None = None) -> str:
    """The one address that is dialled, as text. Raises Refused, and OSError if the name is not known.

    Takes its time: for a thread beside the event loop.
    """
    why: Refused | None = None
    for text in (resolve or _resolve)(destination.host, destination.port):
        try:
            _check_address(ipaddress.ip_address(text), allowed)
        except Refused as refused:
            why = refused
        else:
            return text
    raise why or Refused("the name has no address")


def _resolve(host: str, port: int) -> list[str]:
    found: list[Any] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _check_address(address: Address, allowed: Collection[Allowance]) -> None:
    address = _innermost(address)
    if address.is_multicast or address.is_unspecified or (address.is_reserved and not address.is_loopback):
        raise Refused("the location leads to an address that nobody has")
    if address.is_loopback:
        wanted = Allowance.LOOPBACK
    elif address.is_link_local:
        wanted = Allowance.LINK_LOCAL
    elif not address.is_global:
        wanted = Allowance.PRIVATE
    else:
        return
    if wanted not in allowed:
        raise Refused(f"the location leads to a {wanted.value.replace('_', '-')} address, which is not allowed here")


def _innermost(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, if it does (RFC 4291 2.5.5.2, RFC 3056, RFC 6052)."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address


def _login(text: str) -> tuple[Login | None, str]:
    userinfo, at, authority = text.rpartition("@")
    if not at:
        return None, text
    user, _, password = userinfo.partition(":")
    decoded = unquote(user), unquote(password)
    if "@" in userinfo or any(not character.isprintable() for part in decoded for character in part):
        raise Refused("the user or the password of the location cannot be meant")
    return Login(decoded[0], Secret(decoded[1])), authority


def _host_and_port(authority: str, default: int) -> tuple[str, int]:
    host, port = authority, ""
    if not authority.endswith("]") and ":" in authority:
        host, _, port = authority.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port) if port else default


def _check_path(decoded: str) -> None:
    if any(not character.isprintable() for character in decoded):
        raise Refused("the path of the location has characters that cannot be printed")
    if ".." in decoded.split("/"):
        raise Refused("the path of the location leads upwards")
