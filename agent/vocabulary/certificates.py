"""Certificates as upstreams speak of them: which kind, and the hash data that names one. Keys never come up here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAXIMUM_ROOTS: Final = 16
"""Roots of one use that an upstream may have installed (security extension of OCPP 1.6 "CertificateStoreMaxLength")."""
MAXIMUM_CHAIN_CHARACTERS: Final = 10_000
"""Longest certificate chain that is taken (security extension of OCPP 1.6 "CertificateSignedMaxChainSize")."""
LONGEST_CERTIFICATE_CHARACTERS: Final = 5_500
"""Longest root that is taken: the length of its field (security extension of OCPP 1.6 "InstallCertificate")."""


class CertificateUse(StrEnum):
    """What a root is trusted for (security extension of OCPP 1.6 "CertificateUseEnumType")."""

    CENTRAL_SYSTEM_ROOT = "CentralSystemRootCertificate"
    MANUFACTURER_ROOT = "ManufacturerRootCertificate"


class HashAlgorithm(StrEnum):
    """Security extension of OCPP 1.6 "HashAlgorithmEnumType"."""

    SHA256 = "SHA256"
    SHA384 = "SHA384"
    SHA512 = "SHA512"


@dataclass(frozen=True, slots=True)
class CertificateHash:
    """Names one certificate (security extension of OCPP 1.6 "CertificateHashDataType"); hashes and number in hex."""

    algorithm: HashAlgorithm
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str
