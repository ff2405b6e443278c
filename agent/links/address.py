"""Where to dial and with which header: endpoint URL and identity to the dialled URL. Pure.

The identity is appended to the endpoint, percent-encoded (OCPP-J 1.6 3.1.1). The Basic header holds the identity as it
is and the bytes of the key, not its hex text (OCPP-J 1.6 6.2).
"""

from __future__ import annotations

import base64
import unicodedata
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import quote, urlsplit

from agent.credentials.access import Access
from agent.credentials.passwords import key_forms
from agent.vocabulary.ids import Secret

_PORTS: Final = {"ws": 80, "wss": 443}


@dataclass
class AddressError(ValueError):
    """An endpoint or identity that cannot be dialled: which field, what is wrong, what to do."""

    field: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}; {self.remedy}"


class Where(Protocol):
    """What an address is made from."""

    @property
    def url(self) -> str:
        """Endpoint without the identity."""

    @property
    def identity(self) -> str:
        """Chargebox Identity, not percent-encoded."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An upstream whose credentials never change (see `agent.credentials.access.Accesses`). Prints no password."""

    url: str
    identity: str
    password: Secret | None = None
    """None: no Basic header."""
    trust_file: str | None = None
    """PEM file with the only roots that count; None: the public bundle of the system."""

    def present(self) -> Access:
        """What every attempt uses; the likelier form of the password."""
        tls = self.url.startswith("wss://")
        return Access(
            self.url,
            self.identity,
            security_profile=2 if tls else 0,
            key=key_forms(self.password)[0] if self.password else None,
            trust_files=(self.trust_file,) if self.trust_file else (),
            public_roots=self.trust_file is None,
        )

    def begin(self) -> Access:
        """As `present`."""
        return self.present()

    def refused(self, cause: str, http_status: int | None) -> None:
        """Nothing else is known."""

    def worked(self, anchor: str = "") -> None:
        """Nothing is to be remembered."""


@dataclass(frozen=True, slots=True)
class Dial:
    """What is dialled."""

    url: str
    host: str
    port: int
    tls: bool


def dial(endpoint: Where) -> Dial:
    """The URL to dial. Raises AddressError, with the position of a character that is not allowed."""
    _check_characters("url", endpoint.url, inner_blank_allowed=False)
    try:
        parts = urlsplit(endpoint.url)
        port = parts.port
    except ValueError as wrong:
        raise AddressError("url", str(wrong), "write it as ws://host:port/path or wss://host/path") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise AddressError("url", "is no WebSocket address", "begin it with ws:// or wss:// and a host name")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise AddressError("url", "holds a user name or password", "give the password in its own field")
    if "?" in endpoint.url or "#" in endpoint.url:
        raise AddressError("url", "holds a query or fragment", "leave out `?`, `#` and what follows")
    identity = encoded_identity(endpoint.identity)
    return Dial(
        f"{endpoint.url.rstrip('/')}/{identity}", parts.hostname, port or _PORTS[parts.scheme], parts.scheme == "wss"
    )


def encoded_identity(identity: str) -> str:
    """The identity as the last part of the URL. Raises AddressError for one that no backend could know."""
    if not identity:
        raise AddressError("identity", "is empty", "set the Chargebox Identity that the operator gave")
    _check_characters("identity", identity, inner_blank_allowed=True)
    return quote(identity, safe="")


def basic_header(identity: str, key: bytes) -> str:
    """Value of the Authorization header. Raises AddressError for a colon, which would end the user name."""
    if ":" in identity:
        position = identity.index(":") + 1
        raise AddressError("identity", f"character {position} is a colon", "use an identity without colons")
    return "Basic " + base64.b64encode(identity.encode() + b":" + key).decode("ascii")


def _check_characters(field: str, text: str, inner_blank_allowed: bool) -> None:
    for position, character in enumerate(text, start=1):
        blank = character == " "
        at_edge = position in (1, len(text))
        if blank and inner_blank_allowed and not at_edge:
            continue
        if blank or unicodedata.category(character)[0] in "CZ":
            name = unicodedata.name(character, f"U+{ord(character):04X}").lower()
            raise AddressError(field, f"character {position} is a blank or invisible ({name})", "remove it")
        if field == "url" and not character.isascii():
            raise AddressError(field, f"character {position} is not ASCII", "write it in its encoded form")
