"""Images of firmware with the manufacturer's signature in them. Runs in the child process only."""

from __future__ import annotations

import hashlib
import os
from typing import BinaryIO, Final

from cryptography import x509

from agent.credentials.firmware import CheckImage, ImageFound
from agent.credentials.image_format import Head, Manifest, NotAnImage, read_head, read_manifest
from agent.credentials.worker_checks import NotGood
from agent.credentials.worker_signatures import check_signer, verify

_PIECE: Final = 256 * 1024


def check_image(request: CheckImage) -> ImageFound:
    """Judge it: signature first, then what it says, then the payload. Raises NotGood, OSError."""
    with os.fdopen(os.open(request.file, os.O_RDONLY | os.O_NOFOLLOW), "rb") as stream:
        try:
            head = read_head(stream)
            _check_signature(head, request)
            manifest = read_manifest(head.manifest)
        except NotAnImage as wrong:
            raise NotGood(str(wrong)) from None
        if manifest.model != request.model:
            raise NotGood(f"it is for the model {manifest.model[:50]!a}, and this station is a {request.model!a}")
        _check_payload(stream, manifest)
    return ImageFound(manifest.version, manifest.least_version, manifest.size, manifest.sha256, head.offset)


def _check_signature(head: Head, request: CheckImage) -> None:
    try:
        signer = x509.load_der_x509_certificate(head.certificate)
    except ValueError:
        raise NotGood("the certificate in it cannot be read") from None
    check_signer(signer, request.roots, request.earliest_ms, request.latest_ms)
    verify(signer.public_key(), head.signature, hashlib.sha256(head.signed).digest(), old_padding=False)


def _check_payload(stream: BinaryIO, manifest: Manifest) -> None:
    digest, size = hashlib.sha256(), 0
    while piece := stream.read(_PIECE):
        size += len(piece)
        if size > manifest.size:
            raise NotGood("the file goes on behind the image")
        digest.update(piece)
    if size < manifest.size:
        raise NotGood("the file ends too early")
    if digest.hexdigest() != manifest.sha256:
        raise NotGood("the payload is not the one that was signed")
