"""The grammars of what people type: URL, identity, password, trust. Used by the files, `stationctl` and the page alike.

Theory of operation
-------------------
Every check returns None or one `Complaint`. Texts are judged character by character against what is allowed, never
against what is known to be harmful; positions count from 1. Nothing is trimmed or mended in silence. A check never
puts a password into a complaint.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata

from agent.settings.addresses import SecurityProfile, UpstreamAddress
from agent.settings.problems import Complaint, Problem, quoted

LONGEST_URL = 512
LONGEST_IDENTITY = 48
"""OCPP 2.0.1 "identifierString" as the security extension of OCPP 1.6 uses it."""
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 40
LONGEST_TRUST = 32 * 1024

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PATH = _UNRESERVED | frozenset("!$&'()*+,;=:@/")
_HEX = frozenset("0123456789abcdefABCDEF")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\s*([A-Za-z0-9+/=\s]+?)\s*-----END \1-----")


def check_blanks(text: str) -> Complaint | None:
    """Refuse a blank or an invisible character anywhere, naming the first one and its position."""
    for position, character in enumerate(text, start=1):
        if character.isspace() or unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp", "Cn", "Co", "Cs"):
            name = unicodedata.name(character, f"character U+{ord(character):04X}").lower()
            return Complaint(f"has a blank or invisible character ({name}) at position {position}", "remove it")
    return None


def check_url(text: str) -> Complaint | None:
    """The URL of a backend: `ws://` or `wss://`, host, optional port and path; no user, query or fragment."""
    if len(text) > LONGEST_URL:
        return Complaint(f"has {len(text)} characters", f"use at most {LONGEST_URL}")
    if (complaint := check_blanks(text)) is not None:
        return complaint
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.lower() not in ("ws", "wss"):
        return Complaint(
            f"{quoted(text)} does not begin with ws:// or wss://", "write ws://host/path or wss://host/path"
        )
    authority, slash, path = rest.partition("/")
    return _check_authority(authority) or _check_path(slash + path, len(text) - len(slash + path))


def check_identity(text: str) -> Complaint | None:
    """The Chargebox Identity, as the backend knows it (OCPP-J 1.6 3.1.1): 1 to 48 printable ASCII characters."""
    if not 1 <= len(text) <= LONGEST_IDENTITY:
        return Complaint(f"has {len(text)} characters", f"use 1 to {LONGEST_IDENTITY}")
    if (complaint := check_blanks(text)) is not None:
        return complaint
    for position, character in enumerate(text, start=1):
        if not character.isascii():
            return Complaint(f"has {quoted(character)} at position {position}", "use ASCII letters, digits and signs")
    return None


def check_password(text: str) -> Complaint | None:
    """A password for HTTP Basic: 8 to 40 printable ASCII characters. The complaint never quotes it."""
    if (complaint := check_blanks(text)) is not None:
        return complaint
    if not SHORTEST_PASSWORD <= len(text) <= LONGEST_PASSWORD:
        return Complaint(f"has {len(text)} characters", f"use {SHORTEST_PASSWORD} to {LONGEST_PASSWORD}")
    for position, character in enumerate(text, start=1):
        if not character.isascii():
            return Complaint(f"has a character outside ASCII at position {position}", "ask the backend for another")
    return None


def check_certificates(pem: str) -> Complaint | None:
    """Root certificates in PEM: at least one certificate, nothing that is none (above all no private key)."""
    if len(pem) > LONGEST_TRUST:
        return Complaint(f"has {len(pem)} characters", f"use at most {LONGEST_TRUST}: the roots of this backend only")
    blocks = _PEM.findall(pem)
    if not blocks:
        return Complaint(
            "holds no PEM certificate", "give the root certificate as BEGIN CERTIFICATE ... END CERTIFICATE"
        )
    for kind, body in blocks:
        if kind != "CERTIFICATE":
            return Complaint(f"holds a {kind}", "give certificates only; a private key must never be handed over")
        try:
            der = base64.b64decode("".join(body.split()), validate=True)
        except binascii.Error:
            der = b""
        if not der.startswith(b"\x30"):
            return Complaint("holds a certificate that cannot be read", "export the root certificate again as PEM")
    return None


def check_name(text: str) -> Complaint | None:
    """A name for people: 1 to 50 printable characters with no blank at either end."""
    if not 1 <= len(text) <= 50 or not text.isprintable() or text != text.strip():
        return Complaint(f"{quoted(text)} is no name", "use 1 to 50 printable characters with no blank at either end")
    return None


def check_address(address: UpstreamAddress, prefix: str = "") -> tuple[Problem, ...]:
    """Everything that is wrong with one upstream, its fields taken together."""
    found = [
        ("url", check_url(address.url)),
        ("identity", check_identity(address.identity)),
        ("password", check_password(address.password.reveal()) if address.password is not None else None),
        ("url", _check_scheme(address)),
        ("password", _check_credentials(address)),
        ("identity", _check_user_name(address)),
        ("trust", _check_trust(address)),
    ]
    return tuple(
        Problem(prefix + field, complaint.message, complaint.remedy)
        for field, complaint in found
        if complaint is not None
    )


def check_distinct(primary: UpstreamAddress, management: UpstreamAddress, prefix: str = "") -> tuple[Problem, ...]:
    """Two upstreams with one URL and identity would fight for one session: refused."""
    if primary.identity != management.identity or normal_url(primary.url) != normal_url(management.url):
        return ()
    message = "is the URL and identity of the management backend"
    return (
        Problem(prefix + "url", message, "give the operator's own URL or identity; management is always connected"),
    )


def normal_url(url: str) -> str:
    """A URL in the form to compare by: scheme and host in small letters, no default port, no slash at the end."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    default = ":443" if scheme.lower() == "wss" else ":80"
    return f"{scheme.lower()}://{authority.lower().removesuffix(default)}{slash}{path}".rstrip("/")


def _check_authority(authority: str) -> Complaint | None:
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
    return _check_host(match.group(1))


def _check_host(host: str) -> Complaint | None:
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


def _check_path(path: str, start: int) -> Complaint | None:
    for index, character in enumerate(path):
        position = start + index + 1
        if character in "?#":
            remedy = "leave out the query and fragment; the identity is put behind the path"
            return Complaint(f"has a {quoted(character)} at position {position}", remedy)
        if character == "%" and not (len(path) >= index + 3 and set(path[index + 1 : index + 3]) <= _HEX):
            return Complaint(f"has a % without two hex digits at position {position}", "write %25 for a percent sign")
        if character != "%" and character not in _PATH:
            return Complaint(f"has {quoted(character)} at position {position}", "percent-encode it or leave it out")
    if any(segment in (".", "..") for segment in path.split("/")):
        return Complaint("has . or .. as a part of its path", "write the path without them")
    return None


def _check_scheme(address: UpstreamAddress) -> Complaint | None:
    scheme = address.url.partition("://")[0].lower()
    if scheme == "ws" and address.security is SecurityProfile.TLS_BASIC:
        return Complaint("begins with ws:// but security profile 2 needs TLS", "write wss:// or choose security 0 or 1")
    if scheme == "wss" and address.security is not SecurityProfile.TLS_BASIC:
        return Complaint(f"begins with wss:// but security profile {address.security} has no TLS", "choose security 2")
    return None


def _check_credentials(address: UpstreamAddress) -> Complaint | None:
    if address.security is SecurityProfile.UNSECURED and address.password is not None:
        return Complaint("is given but security profile 0 sends none", "choose security 1 or 2, or leave it out")
    if address.security is not SecurityProfile.UNSECURED and address.password is None:
        return Complaint(
            f"is missing but security profile {address.security} needs it", "give it, or choose security 0"
        )
    return None


def _check_user_name(address: UpstreamAddress) -> Complaint | None:
    if address.security is not SecurityProfile.UNSECURED and ":" in address.identity:
        return Complaint("has a colon, which HTTP Basic cannot carry", "ask the operator for an identity without one")
    return None


def _check_trust(address: UpstreamAddress) -> Complaint | None:
    if address.trust != "system" and address.security is not SecurityProfile.TLS_BASIC:
        return Complaint("names certificates but this security profile has no TLS", "choose security 2, or system")
    return None
