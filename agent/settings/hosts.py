"""The grammar of hosts and ports, as they stand in an address."""

from __future__ import annotations

import re

from agent.settings.problems import Complaint, quoted

_HEX = frozenset("0123456789abcdefABCDEF")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")


def check_authority(authority: str) -> Complaint | None:
    """Host and optional port, without a user."""
    if "@" in authority:
        return Complaint(
            "has a user or password in it", "leave out everything up to the @; the password has its own field"
        )
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(?::([0-9]*))?", authority)
    if match is None or not match.group(1):
        return Complaint(f"{quoted(authority)} is no host", "write a host name, an IPv4 address or an [IPv6] address")
    port = match.group(2)
    if port is not None and not (port and len(port) <= 5 and 1 <= int(port) <= 65_535):
        return Complaint(f"{quoted(port)} is no port", "use 1 to 65535, or leave the port and its colon out")
    return check_host(match.group(1))


def check_host(host: str) -> Complaint | None:
    """A host name, an IPv4 address, or an IPv6 address in brackets."""
    if host.startswith("["):
        return None if _is_ipv6(host[1:-1]) else Complaint(f"{quoted(host)} is no IPv6 address", "mend the address")
    if not host.isascii():
        return Complaint(f"{quoted(host)} has letters outside ASCII", "write the host in its xn-- form")
    labels = host.removesuffix(".").split(".")
    if len(host) > 253 or not all(_LABEL.match(label) for label in labels):
        return Complaint(f"{quoted(host)} is no host name", "use letters, digits, hyphens and dots (RFC 1123)")
    if labels[-1].isdigit() and (len(labels) != 4 or not all(_is_octet(label) for label in labels)):
        return Complaint(f"{quoted(host)} is no IPv4 address", "use four numbers from 0 to 255 with dots between them")
    return None


def _is_octet(text: str) -> bool:
    return text.isdigit() and len(text) <= 3 and int(text) <= 255 and (text == "0" or not text.startswith("0"))


def _is_ipv6(text: str) -> bool:
    head, _, tail = text.rpartition(":")
    if "." in tail:
        octets = tail.split(".")
        if len(octets) != 4 or not all(_is_octet(octet) for octet in octets):
            return False
        text = f"{head}:0:0"
    if text.count("::") > 1 or ":::" in text:
        return False
    left, double, right = text.partition("::")
    groups = [*left.split(":"), *right.split(":")] if double else text.split(":")
    groups = [group for group in groups if group] if double else groups
    counted = len(groups) <= 7 if double else len(groups) == 8
    return counted and all(1 <= len(group) <= 4 and set(group) <= _HEX for group in groups)
