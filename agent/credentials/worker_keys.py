"""Key pairs and requests to certify them. Runs in the child process only: the one that ever holds a private key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agent.credentials.requests import Made, MakeKey
from agent.credentials.worker_checks import NotGood

_PKCS8 = serialization.PrivateFormat.PKCS8


def make_key(request: MakeKey) -> Made:
    """A new key on P-256 in a new file (0600), and a request that names station and operator (A02.FR.02, A00.FR.504).

    Raises OSError if the file exists or cannot be written, NotGood for names that a certificate cannot hold.
    """
    try:
        names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, request.organisation)]
        names.append(x509.NameAttribute(NameOID.COMMON_NAME, request.common_name))
    except ValueError as wrong:
        raise NotGood(f"the names cannot be written into a certificate ({wrong})") from None
    key = ec.generate_private_key(ec.SECP256R1())
    _write(request.key_file, key.private_bytes(serialization.Encoding.PEM, _PKCS8, serialization.NoEncryption()))
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names)).add_extension(usage, critical=True)
    signed = builder.sign(key, hashes.SHA256())
    return Made(signed.public_bytes(serialization.Encoding.PEM).decode("ascii"))


def public_bytes(key: Any) -> bytes:
    """A public key in the form to compare by."""
    encoded: bytes = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return encoded


def public_of_file(key_file: str) -> bytes:
    """The public half of a private key, to compare by. Raises NotGood, OSError."""
    try:
        key = serialization.load_pem_private_key(Path(key_file).read_bytes(), password=None)
    except (ValueError, TypeError):
        raise NotGood("its private key cannot be read, or is behind a password") from None
    return public_bytes(key.public_key())


def _write(file: str, content: bytes) -> None:
    """The file and its name survive a power cut."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(descriptor)
    folder = os.open(Path(file).parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
