"""What every certificate must satisfy, and what a root must. Runs in the child process only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from agent.credentials.requests import CheckRoot, Found
from agent.vocabulary.certificates import LONGEST_CERTIFICATE_CHARACTERS
from agent.vocabulary.moments import iso8601

SMALLEST_RSA: Final = 2048
SMALLEST_EC: Final = 224
_HASHES: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_EDWARDS: Final = (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)
_E = TypeVar("_E", bound=x509.ExtensionType)
_BLOCK: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")


class NotGood(ValueError):
    """A certificate must not be used; the text says why."""


def read_certificates(pem: str) -> list[x509.Certificate]:
    """The certificates of a PEM text, and nothing else in it. Raises NotGood."""
    others = [kind for kind in _BLOCK.findall(pem) if kind != "CERTIFICATE"]
    if others:
        raise NotGood(f"there is a {others[0].lower()} in it; only certificates may be")
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except (ValueError, UnicodeError):
        raise NotGood("it cannot be read as PEM certificates") from None


def read_files(files: Sequence[str]) -> list[x509.Certificate]:
    """All certificates of some files; what cannot be read is left out."""
    found: list[x509.Certificate] = []
    for file in files:
        try:
            found += read_certificates(Path(file).read_text(encoding="utf-8"))
        except (NotGood, OSError, ValueError):
            continue
    return found


def read_one(pem: str) -> x509.Certificate:
    """The one certificate of a text. Raises NotGood if it is too long, cannot be read, or holds not exactly one."""
    if len(pem) > LONGEST_CERTIFICATE_CHARACTERS:
        raise NotGood(f"it has more than {LONGEST_CERTIFICATE_CHARACTERS} characters")
    certificates = read_certificates(pem)
    if len(certificates) != 1:
        raise NotGood(f"there are {len(certificates)} certificates in it, and one is expected")
    return certificates[0]


def check_root(request: CheckRoot) -> Found:
    """Judge a root. Raises NotGood."""
    root = read_one(request.pem)
    check_strength(root)
    check_authority(root)
    check_time(root, request.earliest_ms, request.latest_ms)
    signed = any(is_signed_by(root, issuer) for issuer in read_files(request.issuers) if issuer != root)
    if request.must_be_signed and not signed:
        raise NotGood("it is not signed by the present root")
    if not signed and not is_signed_by(root, root):
        raise NotGood("it is signed neither by itself nor by a root that is trusted")
    return found(root, [root])


def found(certificate: x509.Certificate, chain: Sequence[x509.Certificate]) -> Found:
    """The good news."""
    pem = "".join(one.public_bytes(serialization.Encoding.PEM).decode("ascii") for one in chain)
    return Found(
        certificate.fingerprint(hashes.SHA256()).hex(),
        milliseconds(certificate.not_valid_before_utc),
        milliseconds(certificate.not_valid_after_utc),
        pem,
    )


def check_strength(certificate: x509.Certificate) -> None:
    """Key and hash as OCPP wants them (security extension of OCPP 1.6, A00.FR.501 to 512). Raises NotGood."""
    try:
        key, algorithm = certificate.public_key(), certificate.signature_hash_algorithm
    except (ValueError, x509.InvalidVersion) as wrong:
        raise NotGood("its key or signature is of an unknown kind") from wrong
    except Exception as wrong:  # the library has a class of its own for unsupported algorithms
        raise NotGood("its key or signature is not supported") from wrong
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < SMALLEST_RSA:
            raise NotGood(f"its RSA key has {key.key_size} bits, and {SMALLEST_RSA} are the least")
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if key.key_size < SMALLEST_EC:
            raise NotGood(f"its elliptic key has {key.key_size} bits, and {SMALLEST_EC} are the least")
    elif not isinstance(key, _EDWARDS):
        raise NotGood("its key is of a kind that is not taken")
    if algorithm is not None and not isinstance(algorithm, _HASHES):
        raise NotGood(f"it is signed with {algorithm.name}, and SHA-256 is the least")


def check_authority(certificate: x509.Certificate) -> None:
    """It may sign others (RFC 5280 4.2.1.3, 4.2.1.9). Raises NotGood."""
    constraints = extension(certificate, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        raise NotGood("it is no certificate of an authority")
    usage = extension(certificate, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        raise NotGood("its key may not sign certificates")


@dataclass(frozen=True, slots=True)
class Use:
    """What a certificate that signs is for, and how its refusals are put."""

    purpose: x509.ObjectIdentifier
    """Extended key usage that is wanted, if any is named."""
    owner: str
    to_sign: str
    named: str


def check_use(certificate: x509.Certificate, use: Use) -> None:
    """It is no authority's, may sign, and is for this purpose (RFC 5280 4.2.1.3, 4.2.1.9, 4.2.1.12). Raises NotGood."""
    constraints = extension(certificate, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        raise NotGood(f"it is a certificate of an authority, not of {use.owner}")
    usage = extension(certificate, x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        raise NotGood(f"its key may not be used to {use.to_sign}")
    purposes = extension(certificate, x509.ExtendedKeyUsage)
    allowed = (use.purpose, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    if purposes is not None and not any(purpose in allowed for purpose in purposes):
        raise NotGood(f"it is for another purpose than {use.named}")


def check_time(certificate: x509.Certificate, earliest_ms: int, latest_ms: int | None) -> None:
    """It has not expired, and has begun as far as the time is known. Raises NotGood."""
    begins_ms, ends_ms = milliseconds(certificate.not_valid_before_utc), milliseconds(certificate.not_valid_after_utc)
    if ends_ms < earliest_ms:
        raise NotGood(f"it has expired on {iso8601(ends_ms)}")
    if latest_ms is not None and begins_ms > latest_ms:
        raise NotGood(f"it is not valid before {iso8601(begins_ms)}")


def is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """True if the names fit and the signature is the issuer's."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def extension(certificate: x509.Certificate, kind: type[_E]) -> _E | None:
    """The value of an extension, None where there is none. Raises NotGood where they cannot be read."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
    except ValueError:
        raise NotGood("its extensions cannot be read") from None


def milliseconds(moment: datetime) -> int:
    """Since 1970."""
    return round(moment.timestamp() * 1000)
