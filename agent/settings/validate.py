"""The grammars of what people type: URL, identity, password, trust. Used by the files, `stationctl` and the page alike.

Theory of operation
-------------------
Every check returns None or one `Complaint`. Texts are judged character by character against what is allowed, never
against what is known to be harmful; positions count from 1. Nothing is trimmed or mended in silence. A check never
puts a password into a complaint.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.settings.addresses import SYSTEM_TRUST, SecurityProfile, UpstreamAddress
from agent.settings.blanks import check_blanks
from agent.settings.hosts import check_authority
from agent.settings.problems import Complaint, Problem, quoted
from agent.settings.uplinks import check_interface, check_proxy, check_proxy_login

LONGEST_URL = 512
LONGEST_IDENTITY = 48
"""OCPP 2.0.1 "identifierString" as the security extension of OCPP 1.6 uses it."""
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 40

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PATH = _UNRESERVED | frozenset("!$&'()*+,;=:@/")
_HEX = frozenset("0123456789abcdefABCDEF")


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
    return check_authority(authority) or _check_path(slash + path, len(text) - len(slash + path))


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


def check_name(text: str) -> Complaint | None:
    """A name for people: 1 to 50 printable characters with no blank at either end."""
    if not 1 <= len(text) <= 50 or not text.isprintable() or text != text.strip():
        return Complaint(f"{quoted(text)} is no name", "use 1 to 50 printable characters with no blank at either end")
    return None


def check_address(address: UpstreamAddress, prefix: str = "") -> tuple[Problem, ...]:
    """Everything that is wrong with one upstream, its fields taken together."""
    login = address.proxy_login
    found = [
        ("url", check_url(address.url)),
        ("identity", check_identity(address.identity)),
        ("password", check_password(address.password.reveal()) if address.password is not None else None),
        ("interface", check_interface(address.interface) if address.interface else None),
        ("proxy", check_proxy(address.proxy) if address.proxy else None),
        ("proxy_login", check_proxy_login(login.reveal()) if login is not None else None),
        ("url", _check_scheme(address)),
        ("password", _check_credentials(address)),
        ("certificate", _check_client(address)),
        ("key", _check_key(address)),
        ("identity", _check_user_name(address)),
        ("trust", _check_trust(address)),
        ("proxy_login", _check_login_has_proxy(address)),
    ]
    return tuple(
        Problem(prefix + field, complaint.message, complaint.remedy)
        for field, complaint in found
        if complaint is not None
    )


def check_distinct(
    address: UpstreamAddress, others: Sequence[UpstreamAddress], prefix: str = ""
) -> tuple[Problem, ...]:
    """Two upstreams with one URL and identity would fight for one session: refused."""
    for other in others:
        if is_same_place(address, other):
            message = f"{quoted(address.url)} as {quoted(address.identity)} is {other.name} ({other.id}) already"
            return (Problem(prefix + "url", message, "give the operator's own URL or another identity"),)
    return ()


def check_other_name(name: str, others: Sequence[UpstreamAddress]) -> Complaint | None:
    """Names tell upstreams apart, so each has one of its own; letters count in any size."""
    if any(name.casefold() in (other.name.casefold(), other.id) for other in others):
        return Complaint(f"{quoted(name)} is the name of another upstream", "give it a name of its own")
    return None


def is_same_place(one: UpstreamAddress, other: UpstreamAddress) -> bool:
    """Both are dialled by the same URL with the same identity, however the URL is written."""
    return one.identity == other.identity and normal_url(one.url) == normal_url(other.url)


def normal_url(url: str) -> str:
    """A URL in the form to compare by: scheme and host in small letters, no default port, no slash at the end."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    default = ":443" if scheme.lower() == "wss" else ":80"
    return f"{scheme.lower()}://{authority.lower().removesuffix(default)}{slash}{path}".rstrip("/")


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
    scheme, profile = address.url.partition("://")[0].lower(), address.security
    if scheme == "ws" and profile.has_tls:
        remedy = "write wss:// or choose security 0 or 1"
        return Complaint(f"begins with ws:// but security profile {profile} needs TLS", remedy)
    if scheme == "wss" and not profile.has_tls:
        return Complaint(f"begins with wss:// but security profile {profile} has no TLS", "choose security 2 or 3")
    return None


def _check_credentials(address: UpstreamAddress) -> Complaint | None:
    profile = address.security
    if profile is SecurityProfile.UNSECURED and address.password is not None:
        return Complaint("is given but security profile 0 sends none", "choose security 1 or 2, or leave it out")
    if profile is SecurityProfile.MUTUAL_TLS and address.password is not None:
        return Complaint("is given but security profile 3 shows a certificate instead", "leave it out")
    if profile.has_password and address.password is None:
        return Complaint(f"is missing but security profile {profile} needs it", "give it, or choose security 0")
    return None


def _check_client(address: UpstreamAddress) -> Complaint | None:
    if address.security is SecurityProfile.MUTUAL_TLS and not address.certificate:
        return Complaint("is missing but security profile 3 needs it", "give the station's certificate and its key")
    if address.security is not SecurityProfile.MUTUAL_TLS and address.certificate:
        return Complaint(f"is given but security profile {address.security} shows none", "choose security 3")
    return None


def _check_key(address: UpstreamAddress) -> Complaint | None:
    if address.certificate and not address.key:
        return Complaint("is missing but there is a certificate", "give the private key of the certificate")
    if address.key and not address.certificate:
        return Complaint("is given without a certificate", "give the certificate of that key")
    return None


def _check_user_name(address: UpstreamAddress) -> Complaint | None:
    if address.security.has_password and ":" in address.identity:
        return Complaint("has a colon, which HTTP Basic cannot carry", "ask the operator for an identity without one")
    return None


def _check_trust(address: UpstreamAddress) -> Complaint | None:
    if address.trust != SYSTEM_TRUST and not address.security.has_tls:
        return Complaint("names certificates but this security profile has no TLS", "choose security 2 or 3, or system")
    return None


def _check_login_has_proxy(address: UpstreamAddress) -> Complaint | None:
    if address.proxy_login is not None and not address.proxy:
        return Complaint("is given but there is no proxy", "give the proxy, or leave its login out")
    return None
