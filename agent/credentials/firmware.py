"""What the agent asks its child process about firmware, and what it is told. Pure; see `requests`.

A whole file is read in small pieces, so its size costs time and no memory.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckSigner:
    """Judge a certificate that signs firmware (security extension of OCPP 1.6, L01); answered by Found or Refused."""

    pem: str
    """One certificate."""
    roots: tuple[str, ...]
    """Files of the roots of the manufacturer; one of them must have issued it directly."""
    earliest_ms: int
    latest_ms: int | None


@dataclass(frozen=True, slots=True)
class VerifyFile:
    """Verify the signature of a file; answered by Verified or Refused.

    The certificate is not judged again: `CheckSigner` did that.
    """

    file: str
    pem: str
    signature: str
    """In Base64, with nothing else in it."""


@dataclass(frozen=True, slots=True)
class CheckImage:
    """Judge an image by the signature of the manufacturer that is in it; answered by ImageFound or Refused."""

    file: str
    model: str
    """Of this station."""
    roots: tuple[str, ...]
    earliest_ms: int
    latest_ms: int | None


FirmwareRequest = CheckSigner | VerifyFile | CheckImage


@dataclass(frozen=True, slots=True)
class Verified:
    """The signature is good."""

    sha256: str
    """Of the file, in hex."""


@dataclass(frozen=True, slots=True)
class ImageFound:
    """The image is good: its manifest (see `image_format`), and where in the file the payload begins."""

    version: str
    least_version: str
    size: int
    sha256: str
    offset: int


FirmwareAnswer = Verified | ImageFound
