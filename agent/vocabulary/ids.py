"""Identifiers, each a type of its own, and `Secret`, which never prints what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

UpstreamId = NewType("UpstreamId", str)
"""Local id of an upstream. Editing its URL or credentials keeps it; only remove and set makes a new one."""

MANAGEMENT = UpstreamId("management")
"""The manufacturer's upstream: always there, not removable."""

LOCAL_PAGE = UpstreamId("page")
LINE = UpstreamId("line")
"""Who asks from the station itself stands where an upstream's id stands: the page, and the manufacturer's line."""

TransactionId = NewType("TransactionId", str)
"""Local UUIDv4 of a transaction; every upstream maps its own foreign id to it."""

EvseId = NewType("EvseId", int)
ConnectorId = NewType("ConnectorId", int)
"""Station-wide number of a connector, 1 and up without gaps; 0 is the station as a whole."""

STATION = ConnectorId(0)


@dataclass(frozen=True, slots=True)
class EvseAddress:
    """An EVSE and one of its connectors. AC stations have one connector per EVSE, with equal numbers."""

    evse: EvseId
    connector: ConnectorId


class IdTokenType(StrEnum):
    """Kinds of identification (OCPP 2.0.1 IdTokenEnumType); 1.6 knows only the value."""

    ISO14443 = "ISO14443"
    CENTRAL = "Central"
    LOCAL = "Local"
    KEY_CODE = "KeyCode"
    NO_AUTHORIZATION = "NoAuthorization"


@dataclass(frozen=True, slots=True)
class IdToken:
    """Who wants to charge. Compared without case (OCPP 1.6 "IdToken" is a CiString). Prints masked."""

    value: str
    type: IdTokenType = IdTokenType.ISO14443

    @property
    def key(self) -> str:
        """The form to compare and to store by."""
        return self.value.casefold()

    def matches(self, other: IdToken | None) -> bool:
        """True if both name the same card."""
        return other is not None and self.key == other.key

    @property
    def masked(self) -> str:
        """For logs and pages: the first two characters at most."""
        return f"{self.value[:2]}***"

    def __repr__(self) -> str:
        return f"IdToken({self.masked}, {self.type.value})"

    __str__ = __repr__


class Secret:
    """A password or key that prints `***`. `reveal()` is the only way to its text, and easy to find by search."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself; only for the header or the file that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(("Secret", self._text))

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled")
