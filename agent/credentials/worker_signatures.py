"""Certificates that sign firmware, and their signatures. Runs in the child process only.

Taken are RSA-PSS with any length of salt, ECDSA on P-256 and P-384, and RSA-PKCS1-v1.5, each with SHA-256 over the
whole file. The security extension of OCPP 1.6 (L01) asks for RSA-PSS or an elliptic signature; backends in the field
sign with `openssl dgst`, whose default for RSA is PKCS1-v1.5, and that is sound with SHA-256 and a key of 2048 bits.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509.oid import ExtendedKeyUsageOID

from agent.credentials.firmware import CheckSigner, Verified, VerifyFile
from agent.credentials.requests import Found
from agent.credentials.worker_checks import (
    NotGood,
    Use,
    check_authority,
    check_strength,
    check_time,
    check_use,
    found,
    is_signed_by,
    read_certificates,
    read_files,
    read_one,
)

LONGEST_SIGNATURE: Final = 2_000
_CURVES: Final = (ec.SECP256R1, ec.SECP384R1)
_SHA256: Final = utils.Prehashed(hashes.SHA256())
_USE: Final = Use(ExtendedKeyUsageOID.CODE_SIGNING, "who signs firmware", "sign", "to sign code")


def check_signing_certificate(request: CheckSigner) -> Found:
    """Judge it. Raises NotGood."""
    signer = read_one(request.pem)
    check_signer(signer, request.roots, request.earliest_ms, request.latest_ms)
    return found(signer, [signer])


def check_signer(signer: x509.Certificate, roots: Sequence[str], earliest_ms: int, latest_ms: int | None) -> None:
    """It may sign firmware: issued by a root itself, in its time, for this purpose. Raises NotGood."""
    check_strength(signer)
    check_time(signer, earliest_ms, latest_ms)
    check_use(signer, _USE)
    why = NotGood("it is not issued by a root of the manufacturer")
    for root in read_files(roots):
        if root == signer or not is_signed_by(signer, root):
            continue
        try:
            check_strength(root)
            check_authority(root)
            check_time(root, earliest_ms, latest_ms)
        except NotGood as wrong:
            why = NotGood(f"the root that issued it: {wrong}")
        else:
            return
    raise why


def verify_firmware(request: VerifyFile) -> Verified:
    """The signature of a whole file. Raises NotGood, OSError."""
    if len(request.signature) > LONGEST_SIGNATURE:
        raise NotGood(f"the signature has more than {LONGEST_SIGNATURE} characters")
    try:
        signature = base64.b64decode(request.signature, validate=True)
    except (binascii.Error, ValueError):
        raise NotGood("the signature is no Base64") from None
    if base64.b64encode(signature).decode("ascii") != request.signature:
        raise NotGood("the signature is no Base64")
    certificates = read_certificates(request.pem)
    if len(certificates) != 1:
        raise NotGood("there is not one certificate to verify with")
    digest = digest_of(request.file)
    verify(certificates[0].public_key(), signature, digest, old_padding=True)
    return Verified(digest.hex())


def digest_of(file: str) -> bytes:
    """SHA-256 of a file, in pieces. Raises OSError."""
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW), "rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def verify(key: Any, signature: bytes, digest: bytes, *, old_padding: bool) -> None:
    """A signature over something with this SHA-256. `old_padding`: PKCS1-v1.5 will do for RSA. Raises NotGood."""
    try:
        if isinstance(key, rsa.RSAPublicKey):
            _verify_rsa(key, signature, digest, old_padding=old_padding)
        elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES):
            key.verify(signature, digest, ec.ECDSA(_SHA256))
        else:
            raise NotGood("its key is of a kind that signs no firmware")
    except InvalidSignature:
        raise NotGood("the signature does not fit") from None


def _verify_rsa(key: rsa.RSAPublicKey, signature: bytes, digest: bytes, *, old_padding: bool) -> None:
    try:
        key.verify(signature, digest, padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO), _SHA256)
    except InvalidSignature:
        if not old_padding:
            raise
        key.verify(signature, digest, padding.PKCS1v15(), _SHA256)
