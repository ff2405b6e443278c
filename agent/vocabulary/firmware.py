"""Firmware: what an upstream may wish, how far an update is, and who may ask, in words of no particular version.

Theory of operation
-------------------
`FirmwareStatus` has every step of a signed update (security extension of OCPP 1.6, "FirmwareStatusEnumType"). The
message of the core standard knows seven of them; `PLAIN` says which of those each step is, so that one who speaks
plainly is told of each plain step once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.vocabulary.ids import Secret

FIRMWARE_FEATURE: Final = "firmware_management"
"""Shown among the options of an upstream that may update the station; no key writes it."""


class FirmwareStatus(StrEnum):
    """How far an update is."""

    IDLE = "idle"
    DOWNLOAD_SCHEDULED = "download_scheduled"
    DOWNLOADING = "downloading"
    DOWNLOAD_PAUSED = "download_paused"
    DOWNLOADED = "downloaded"
    DOWNLOAD_FAILED = "download_failed"
    SIGNATURE_VERIFIED = "signature_verified"
    INVALID_SIGNATURE = "invalid_signature"
    INSTALL_SCHEDULED = "install_scheduled"
    INSTALLING = "installing"
    INSTALL_REBOOTING = "install_rebooting"
    INSTALLED = "installed"
    INSTALLATION_FAILED = "installation_failed"
    INSTALL_VERIFICATION_FAILED = "install_verification_failed"


_S = FirmwareStatus
ENDED: Final = frozenset(
    {
        _S.IDLE,
        _S.DOWNLOAD_FAILED,
        _S.INVALID_SIGNATURE,
        _S.INSTALLED,
        _S.INSTALLATION_FAILED,
        _S.INSTALL_VERIFICATION_FAILED,
    }
)
"""Nothing follows."""
NO_WAY_BACK: Final = frozenset({_S.INSTALLING, _S.INSTALL_REBOOTING})
"""From here on a newer request can no longer take its place."""
PLAIN: Final[Mapping[FirmwareStatus, FirmwareStatus]] = {
    _S.IDLE: _S.IDLE,
    _S.DOWNLOAD_SCHEDULED: _S.IDLE,
    _S.DOWNLOADING: _S.DOWNLOADING,
    _S.DOWNLOAD_PAUSED: _S.DOWNLOADING,
    _S.DOWNLOADED: _S.DOWNLOADED,
    _S.DOWNLOAD_FAILED: _S.DOWNLOAD_FAILED,
    _S.SIGNATURE_VERIFIED: _S.DOWNLOADED,
    _S.INVALID_SIGNATURE: _S.INSTALLATION_FAILED,
    _S.INSTALL_SCHEDULED: _S.DOWNLOADED,
    _S.INSTALLING: _S.INSTALLING,
    _S.INSTALL_REBOOTING: _S.INSTALLING,
    _S.INSTALLED: _S.INSTALLED,
    _S.INSTALLATION_FAILED: _S.INSTALLATION_FAILED,
    _S.INSTALL_VERIFICATION_FAILED: _S.INSTALLATION_FAILED,
}
"""Each step in the seven words of the core standard (OCPP 1.6 7.25)."""


@dataclass(frozen=True, slots=True)
class FirmwareState:
    """One update at one instant. `request_id` is what the asking upstream calls it; None: it gave no number."""

    status: FirmwareStatus
    request_id: int | None = None

    @property
    def plain(self) -> FirmwareState:
        """In the words of the core standard, which has no numbers."""
        return FirmwareState(PLAIN[self.status])


IDLE: Final = FirmwareState(FirmwareStatus.IDLE)


@dataclass(frozen=True, slots=True)
class FirmwareWish:
    """Where the file is, when it is to be fetched and installed. The location may have a password in it."""

    location: Secret
    retrieve_wall_ms: int
    install_wall_ms: int | None = None
    """None: as soon as it is there."""
    retries: int | None = None
    """Further attempts; None: as the station likes."""
    retry_interval_s: int | None = None


class LegacyFirmware(StrEnum):
    """To whom updates without a signature of their own are offered: the image's own signature is checked anyhow."""

    PROFILE_0 = "profile-0"
    """To upstreams that are dialled with security profile 0."""
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class FirmwarePolicy:
    """What the manufacturer says about updates."""

    reserved_for_management: bool = False
    operators_may_update: bool = False
    """Further operators too, besides management and the Billing upstream."""
    legacy: LegacyFirmware = LegacyFirmware.PROFILE_0
    tell_management: bool = True
    """Management hears how far updates of others are."""

    def offers_legacy(self, security_profile: int) -> bool:
        """Plain updates are offered to an upstream with this profile."""
        return self.legacy is LegacyFirmware.ALWAYS or (
            self.legacy is LegacyFirmware.PROFILE_0 and security_profile == 0
        )


DEFAULT_POLICY: Final = FirmwarePolicy()
