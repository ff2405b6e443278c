"""Calls about passwords, security profiles and certificates: the security extension of OCPP 1.6, and AuthorizationKey.

Payloads are valid by their schema here. What they ask for is decided by the keeper of the credentials; only what cannot
be meant is answered at once. A password leaves this module as a `Secret` and in no other form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from agent.ocpp.exchange import Parsed, Ready
from agent.ocpp.v16.keys import StationFacts
from agent.vocabulary.certificates import CertificateHash, CertificateUse, HashAlgorithm
from agent.vocabulary.commands import (
    DeleteCertificate,
    InstallRoot,
    ListRoots,
    RaiseSecurityProfile,
    SetOwnUrl,
    SetPassword,
    TakeCertificate,
)
from agent.vocabulary.ids import Secret

HIGHEST_SECURITY_PROFILE: Final = 3
LONGEST_URL: Final = 512
_REJECTED: Final = {"status": "Rejected"}
_PROFILE: Final = re.compile(rf"[0-{HIGHEST_SECURITY_PROFILE}]")
_PASSWORD: Final = re.compile(r"[\x20-\x7e]{16,40}")
"""Hex of 16 to 20 bytes is in there too; which of the two a text is, the keeper decides once."""


def set_password(text: str) -> Parsed:
    """ChangeConfiguration of AuthorizationKey. The text is never repeated in an error."""
    if not _PASSWORD.fullmatch(text):
        return Ready(_REJECTED, "a key is 32 to 40 hex digits, or 16 to 40 printable characters")
    return SetPassword(Secret(text))


def raise_security_profile(text: str) -> Parsed:
    """ChangeConfiguration of SecurityProfile; whether it is a step upwards, the keeper knows."""
    if not _PROFILE.fullmatch(text.strip()):
        return Ready(_REJECTED, f"a security profile is an integer from 0 to {HIGHEST_SECURITY_PROFILE}")
    return RaiseSecurityProfile(int(text))


def set_own_url(text: str) -> Parsed:
    """ChangeConfiguration of stationd.OwnUrl; whether it can be dialled, the keeper knows."""
    if not text.lower().startswith(("ws://", "wss://")) or len(text) > LONGEST_URL:
        return Ready(_REJECTED, f"a URL begins with ws:// or wss:// and has at most {LONGEST_URL} characters")
    return SetOwnUrl(text)


def install_certificate(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    """InstallCertificate (M05)."""
    return InstallRoot(CertificateUse(payload["certificateType"]), payload["certificate"])


def get_installed_certificate_ids(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    """GetInstalledCertificateIds (M03)."""
    return ListRoots(CertificateUse(payload["certificateType"]))


def delete_certificate(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    """DeleteCertificate (M04)."""
    named = payload["certificateHashData"]
    algorithm = HashAlgorithm(named["hashAlgorithm"])
    return DeleteCertificate(
        CertificateHash(algorithm, named["issuerNameHash"], named["issuerKeyHash"], named["serialNumber"])
    )


def certificate_signed(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    """CertificateSigned (A02)."""
    return TakeCertificate(payload["certificateChain"])
