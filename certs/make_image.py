"""Make an image of firmware that stations with the file-backed installer take (see `agent.credentials.image_format`).

From the top folder: `python -m certs.make_image PAYLOAD IMAGE --model MODEL --version 1.4.0 --certificate signer.pem
--key signer.key [--least-version 1.2.0]`. The certificate must be issued by the root of the manufacturer that is on
the stations. Without `--least-version` nothing older than this version installs any more once it has been confirmed.
An image that exists already is left alone.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from agent.credentials.image_format import Manifest, write_head


def make_image(manifest: Manifest, payload: bytes, certificate: x509.Certificate, key: Any) -> bytes:
    """The whole image. Raises NotAnImage for a manifest that cannot be meant, ValueError for a key that will not do."""
    head = write_head(manifest, certificate.public_bytes(serialization.Encoding.DER), signer(key))
    return head + payload


def manifest_of(payload: bytes, model: str, version: str, least_version: str = "") -> Manifest:
    """What the manifest says of a payload."""
    return Manifest(model, version, least_version or version, len(payload), hashlib.sha256(payload).hexdigest())


def signer(key: Any) -> Callable[[bytes], bytes]:
    """Signs as stations expect it: RSA-PSS or ECDSA, with SHA-256. Raises ValueError for another kind of key."""
    if isinstance(key, rsa.RSAPrivateKey):
        salted = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        return lambda content: key.sign(content, salted, hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.key_size in (256, 384):
        return lambda content: key.sign(content, ec.ECDSA(hashes.SHA256()))
    raise ValueError("the key must be RSA, or elliptic on P-256 or P-384")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns 0, or 1 if the image cannot be made."""
    parser = argparse.ArgumentParser(description="Make an image of firmware for the file-backed installer.")
    parser.add_argument("payload", type=Path, metavar="PAYLOAD", help="what is to be installed")
    parser.add_argument("image", type=Path, metavar="IMAGE", help="where to write the image")
    parser.add_argument("--model", required=True, help="the station that it is for, as in its factory file")
    parser.add_argument("--version", required=True, help="up to four numbers with dots between them")
    parser.add_argument("--least-version", default="", metavar="VERSION", help="nothing older installs afterwards")
    parser.add_argument("--certificate", type=Path, required=True, metavar="PEM", help="who signs")
    parser.add_argument("--key", type=Path, required=True, metavar="PEM", help="its private key")
    options = parser.parse_args(arguments)
    try:
        payload = options.payload.read_bytes()
        certificate = x509.load_pem_x509_certificate(options.certificate.read_bytes())
        key = serialization.load_pem_private_key(options.key.read_bytes(), password=None)
        manifest = manifest_of(payload, options.model, options.version, options.least_version)
        image = make_image(manifest, payload, certificate, key)
        descriptor = os.open(options.image, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with open(descriptor, "wb") as stream:
            stream.write(image)
    except (OSError, ValueError, TypeError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{options.image}: {manifest.model} {manifest.version}, {len(image)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
