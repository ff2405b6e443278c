"""Hashes by which OCPP names a certificate. Runs in the child process only.

They are those of a request for its status (RFC 6960 4.1.1): issuer's name and issuer's key, both hashed, and the serial
number. A root has issued itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp

from agent.credentials.requests import HashCertificates, Hashes
from agent.credentials.worker_checks import NotGood, is_signed_by, read_certificates
from agent.vocabulary.certificates import CertificateHash, HashAlgorithm

_ALGORITHMS: Final[dict[HashAlgorithm, hashes.HashAlgorithm]] = {
    HashAlgorithm.SHA256: hashes.SHA256(),
    HashAlgorithm.SHA384: hashes.SHA384(),
    HashAlgorithm.SHA512: hashes.SHA512(),
}


def hash_certificates(request: HashCertificates) -> Hashes:
    """Name every certificate that is asked about."""
    wanted = [(file, one) for file in request.files for one in _read(file)]
    wanted += [(file, one) for file in request.leaves for one in _read(file)[:1]]
    known = [one for file in (*request.files, *request.leaves) for one in _read(file)]
    algorithm = HashAlgorithm(request.algorithm)
    return Hashes(
        tuple(_hash(one, known, algorithm) for _, one in wanted),
        tuple(file for file, _ in wanted),
        tuple(one.fingerprint(hashes.SHA256()).hex() for _, one in wanted),
    )


def _hash(certificate: x509.Certificate, known: list[x509.Certificate], algorithm: HashAlgorithm) -> CertificateHash:
    issuer = next((one for one in [certificate, *known] if is_signed_by(certificate, one)), certificate)
    request = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, _ALGORITHMS[algorithm]).build()
    return CertificateHash(
        algorithm, request.issuer_name_hash.hex(), request.issuer_key_hash.hex(), f"{certificate.serial_number:x}"
    )


def _read(file: str) -> list[x509.Certificate]:
    try:
        return read_certificates(Path(file).read_text(encoding="utf-8"))
    except (NotGood, OSError, ValueError):
        return []
