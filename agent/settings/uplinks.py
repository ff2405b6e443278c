"""The grammar of the way to an upstream: network interface, proxy, and the login of that proxy."""

from __future__ import annotations

import ipaddress
from contextlib import suppress

from agent.settings.blanks import check_blanks
from agent.settings.hosts import check_authority
from agent.settings.problems import Complaint, quoted

LONGEST_INTERFACE = 15
"""Linux "IFNAMSIZ" without its end."""
LONGEST_LOGIN = 255
_SCHEME = "http://"


def check_interface(text: str) -> Complaint | None:
    """The name of a network interface (`eth0`, `wwan0`), or an address of the station itself."""
    if (complaint := check_blanks(text)) is not None:
        return complaint
    with suppress(ValueError):
        ipaddress.ip_address(text)
        return None
    usable = text.isascii() and not set(text) & set("/:%") and not set(text) <= set(".0123456789")
    if not 1 <= len(text) <= LONGEST_INTERFACE or not usable:
        remedy = "write the name of an interface, such as eth0 or wwan0, or an address of this station"
        return Complaint(f"{quoted(text)} is no network interface", remedy)
    return None


def check_proxy(text: str) -> Complaint | None:
    """The address of an HTTP proxy: `http://host:port`. User and password have a field of their own."""
    if (complaint := check_blanks(text)) is not None:
        return complaint
    authority = text.removeprefix(_SCHEME)
    if authority == text or "/" in authority:
        shown = "it" if "@" in text else quoted(text)
        return Complaint(f"{shown} is no address of a proxy", "write http://host:port and nothing behind it")
    if "@" in authority:
        return Complaint("has a user or password in it", "write http://host:port; the login has its own field")
    if (complaint := check_authority(authority)) is not None:
        return complaint
    if authority.endswith("]") or ":" not in authority:
        return Complaint("has no port", "write it behind the host, as in http://proxy.example:3128")
    return None


def check_proxy_login(text: str) -> Complaint | None:
    """`user:password` in printable ASCII. The complaint never quotes it."""
    if (complaint := check_blanks(text)) is not None:
        return complaint
    user, colon, password = text.partition(":")
    if not user or not colon or not password or len(text) > LONGEST_LOGIN:
        return Complaint(
            "is not user:password", f"write both with a colon between, in at most {LONGEST_LOGIN} characters"
        )
    for position, character in enumerate(text, start=1):
        if not character.isascii():
            return Complaint(f"has a character outside ASCII at position {position}", "have the proxy's login changed")
    return None


def proxy_place(text: str) -> tuple[str, int]:
    """Host and port of a proxy that `check_proxy` has accepted."""
    host, _, port = text.removeprefix(_SCHEME).rpartition(":")
    return host.strip("[]"), int(port)
