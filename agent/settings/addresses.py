"""Where an upstream is and how the station shows itself to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from agent.vocabulary.ids import Secret, UpstreamId

SYSTEM_TRUST = "system"
"""`UpstreamAddress.trust` of an upstream that is checked against the public CA bundle of the image."""


class SecurityProfile(IntEnum):
    """Security profiles of OCPP (security extension of OCPP 1.6, A00)."""

    UNSECURED = 0  # ws, no password
    BASIC = 1  # ws, HTTP Basic
    TLS_BASIC = 2  # wss, HTTP Basic
    MUTUAL_TLS = 3  # wss, client certificate

    @property
    def has_tls(self) -> bool:
        """It is dialled by wss."""
        return self >= SecurityProfile.TLS_BASIC

    @property
    def has_password(self) -> bool:
        """The station shows a password (HTTP Basic)."""
        return self in (SecurityProfile.BASIC, SecurityProfile.TLS_BASIC)


@dataclass(frozen=True, slots=True)
class UpstreamAddress:
    """One upstream as the link needs to know it. Prints no password."""

    id: UpstreamId
    name: str
    """For people."""
    url: str
    """Endpoint without the identity, as it was typed."""
    identity: str
    """Chargebox Identity, not percent-encoded."""
    security: SecurityProfile
    password: Secret | None = None
    trust: str = SYSTEM_TRUST
    """`system`, or the path of a PEM file with the only roots that this upstream may be signed by."""
    certificate: str = ""
    """Path of the PEM file with the client certificate (leaf first, then its chain) of security profile 3."""
    key: str = ""
    """Path of the PEM file with its private key."""
    interface: str = ""
    """Network interface that its link leaves by, by name or by an address of ours; empty: as the system routes."""
    proxy: str = ""
    """`http://host:port` of the proxy that is asked for a tunnel; empty: none."""
    proxy_login: Secret | None = None
    """`user:password` for that proxy."""
