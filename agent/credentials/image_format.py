"""Images of firmware as the file-backed installer takes them: what the bytes mean.

Theory of operation
-------------------
    8 bytes   `STATIMG1`
    4 bytes   length of the manifest; all lengths are unsigned and big-endian
    ...       the manifest: one JSON object with exactly the fields of `Manifest`, in UTF-8
    4 bytes   length of the certificate
    ...       the certificate that signs, in DER; issued directly by a root of the manufacturer
    4 bytes   length of the signature
    ...       the signature over everything before its length: RSA-PSS or ECDSA, with SHA-256
    ...       the payload: `size` bytes with the hash `sha256`, up to the end of the file

The signature covers the manifest, and the manifest the payload, so no byte is without protection. Nothing in an image
is run or unpacked before it has been checked. Of the head, nothing is believed but lengths within bounds until the
signature has been verified; the manifest is read after that.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import BinaryIO, Final

MAGIC: Final = b"STATIMG1"
LONGEST_MANIFEST: Final = 16 * 1024
LONGEST_CERTIFICATE: Final = 8 * 1024
LONGEST_SIGNATURE: Final = 1024
_LENGTH: Final = struct.Struct(">I")
_VERSION: Final = re.compile(r"\d{1,9}(\.\d{1,9}){0,3}", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class NotAnImage(ValueError):
    """The file is no image, or not a whole one; the text says why."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the manufacturer says of the image."""

    model: str
    """The station that it is for, as in the factory file."""
    version: str
    """Up to four numbers with dots between them."""
    least_version: str
    """Once this image has been confirmed, nothing older than that installs; at most `version`."""
    size: int
    """Of the payload, in bytes."""
    sha256: str
    """Of the payload, in hex."""


@dataclass(frozen=True, slots=True)
class Head:
    """All before the payload, as it was read: nothing of it has been verified."""

    manifest: bytes
    certificate: bytes
    signature: bytes
    signed: bytes
    offset: int
    """Where the payload begins."""


def version_numbers(version: str) -> tuple[int, ...]:
    """To compare by; 1.2 and 1.2.0 are the same. Raises NotAnImage."""
    if not _VERSION.fullmatch(version):
        raise NotAnImage(f"{version[:50]!a} is no version; up to four numbers with dots between them are")
    numbers = [int(number) for number in version.split(".")]
    return tuple(numbers + [0] * (4 - len(numbers)))


def read_head(stream: BinaryIO) -> Head:
    """From the beginning of a file. Raises NotAnImage, OSError."""
    signed = _read(stream, len(MAGIC))
    if signed != MAGIC:
        raise NotAnImage("the file is no image of this kind of station")
    parts = []
    for longest in (LONGEST_MANIFEST, LONGEST_CERTIFICATE):
        length = _read(stream, _LENGTH.size)
        parts.append(_read(stream, _bounded(length, longest)))
        signed += length + parts[-1]
    signature = _read(stream, _bounded(_read(stream, _LENGTH.size), LONGEST_SIGNATURE))
    return Head(parts[0], parts[1], signature, signed, len(signed) + _LENGTH.size + len(signature))


def read_manifest(text: bytes) -> Manifest:
    """Of a head whose signature is good. Raises NotAnImage."""
    try:
        values = json.loads(text.decode("utf-8"))
        names = {field.name for field in fields(Manifest)}
        if not isinstance(values, dict) or values.keys() != names:
            raise NotAnImage(f"its manifest has other fields than {', '.join(sorted(names))}")
        manifest = Manifest(**values)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise NotAnImage("its manifest cannot be read") from None
    return checked(manifest)


def checked(manifest: Manifest) -> Manifest:
    """The manifest itself. Raises NotAnImage, naming the field."""
    for name in ("model", "version", "least_version", "sha256"):
        if not isinstance(getattr(manifest, name), str):
            raise NotAnImage(f"{name} of its manifest is no text")
    if not manifest.model:
        raise NotAnImage("model of its manifest is empty")
    if version_numbers(manifest.least_version) > version_numbers(manifest.version):
        raise NotAnImage(f"least_version {manifest.least_version} of its manifest is above version {manifest.version}")
    if type(manifest.size) is not int or manifest.size < 1:
        raise NotAnImage("size of its manifest is no number of bytes above zero")
    if not _SHA256.fullmatch(manifest.sha256):
        raise NotAnImage("sha256 of its manifest is no SHA-256 in hex")
    return manifest


def write_head(manifest: Manifest, certificate: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    """What comes before the payload. `certificate` in DER; `sign` signs with its key. Raises NotAnImage."""
    text = json.dumps(asdict(checked(manifest)), ensure_ascii=True).encode("ascii")
    signed = MAGIC + _LENGTH.pack(len(text)) + text + _LENGTH.pack(len(certificate)) + certificate
    signature = sign(signed)
    return signed + _LENGTH.pack(len(signature)) + signature


def _bounded(length: bytes, longest: int) -> int:
    number: int = _LENGTH.unpack(length)[0]
    if not 0 < number <= longest:
        raise NotAnImage("a length in it cannot be meant")
    return number


def _read(stream: BinaryIO, count: int) -> bytes:
    found = stream.read(count)
    if len(found) < count:
        raise NotAnImage("the file ends too early")
    return found
