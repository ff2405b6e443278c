"""How one upstream is to be dialled now, and the door by which the dialler asks for it and says how it went."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ClientFiles:
    """Paths of a client certificate (its chain, leaf first) and of its private key, both PEM."""

    certificate: str
    key: str


@dataclass(frozen=True, slots=True)
class Access:
    """What one attempt uses. Prints no password."""

    url: str
    """Endpoint without the identity."""
    identity: str
    security_profile: int = 0
    """0 and 1 are dialled by ws, 2 and 3 by wss (security extension of OCPP 1.6, A00)."""
    key: bytes | None = field(default=None, repr=False)
    """Bytes behind the colon of the Basic header; None: no header is sent."""
    trust_files: tuple[str, ...] = ()
    """PEM files with the roots of this upstream alone."""
    public_roots: bool = True
    """The public bundle of the system counts besides."""
    client: ClientFiles | None = None
    label: str = ""
    """For the log: which of several credentials this is. No secret."""


class Accesses(Protocol):
    """The credentials of one upstream. Called by its dialler, on the event loop; nothing here waits."""

    def present(self) -> Access:
        """What an attempt would use now. Changes nothing; anybody may ask."""

    def begin(self) -> Access:
        """What the attempt that begins now uses; `refused` or `worked` speak of it."""

    def refused(self, cause: str, http_status: int | None) -> None:
        """The attempt came to nothing; `cause` as in `LinkRefused`. The next one may use something else."""

    def worked(self, anchor: str = "") -> None:
        """The attempt opened a link. `anchor`: SHA-256 in hex of the root that vouched for the server, if TLS."""
