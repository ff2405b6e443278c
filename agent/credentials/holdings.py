"""What the station holds for one upstream beside its settings: what the backend has changed over OCPP. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from agent.credentials.passwords import Remembered
from agent.vocabulary.ids import Secret

KEPT_MS = 30 * 86_400_000
"""A client certificate that was replaced serves as a fallback for so long (OCPP 1.6 security extension, A02)."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A higher security profile that was accepted and has not opened a link yet."""

    profile: int
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Root:
    """A root that was installed over OCPP. `name` is the SHA-256 of the certificate in hex, and names its file."""

    name: str
    worked: bool = False
    """It has vouched for a server that we had a link with."""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A client certificate with its key; `name` names the two files."""

    name: str
    not_before_ms: int
    not_after_ms: int
    replaced_ms: int | None = None
    """Wall time at which a newer one opened a link; None: it is the newest, or the time was not known."""
    worked: bool = False


@dataclass(frozen=True, slots=True)
class Holdings:
    """Everything, as it lies on the disk. Passwords print masked."""

    live: Secret | None = None
    previous: Secret | None = None
    remembered: Remembered | None = None
    profile: int | None = None
    """Raised over OCPP, and it has opened a link; None: that of the settings."""
    profile_basis: int = 0
    """The profile of the settings when it was raised: a change of the settings is the installer's word, and counts."""
    trial: Trial | None = None
    roots: tuple[Root, ...] = ()
    """Installed over OCPP, the oldest first."""
    base_trusted: bool = True
    """The roots of the settings still count."""
    certificates: tuple[ClientCertificate, ...] = ()
    """The newest first."""
    pending_key: str = ""
    """Name of the key whose certificate was asked for and has not come."""
    own_url: str = ""
    """Where the backend has moved to by itself; empty: it is where the settings say."""
    own_url_basis: str = ""
    """The URL of the settings then: another one there is the installer's word, and counts."""
    moving_to: str = ""
    """Where it is to be tried after the next boot, or is being tried since the last."""
    moving_asked_in: str = ""
    """The boot in which it was asked for."""
    renewal_tried_ms: int | None = None
    """When a certificate was last asked for because the present one is about to expire."""

    @property
    def own_roots_worked(self) -> bool:
        """From now on only roots of this upstream's own count."""
        return any(root.worked for root in self.roots)
