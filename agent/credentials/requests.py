"""What the agent asks its child process about keys and certificates, and what it is told. Pure; no key ever in it.

Theory of operation
-------------------
One JSON object each way, on one line: the request with its kind in `do`, the answer with its kind in `is`. Private keys
stay in their files, which requests name. `Within` says by which time certificates are judged: none may have expired
before `earliest_ms`; `latest_ms` is the present, or None while it is not known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from agent.credentials.firmware import (
    CheckImage,
    CheckSigner,
    FirmwareAnswer,
    FirmwareRequest,
    ImageFound,
    Verified,
    VerifyFile,
)
from agent.vocabulary.certificates import CertificateHash, HashAlgorithm


@dataclass(frozen=True, slots=True)
class MakeKey:
    """Make a key pair in a new file and a request to certify it (PKCS#10)."""

    key_file: str
    common_name: str
    organisation: str


@dataclass(frozen=True, slots=True)
class CheckRoot:
    """Judge a root that is to be installed."""

    pem: str
    earliest_ms: int
    latest_ms: int | None
    issuers: tuple[str, ...] = ()
    """Files of roots that may have signed it."""
    must_be_signed: bool = False
    """One of the issuers must have signed it; a root that signed itself is not enough."""


@dataclass(frozen=True, slots=True)
class CheckChain:
    """Judge a signed certificate with its chain, leaf first."""

    pem: str
    key_file: str
    earliest_ms: int
    latest_ms: int | None
    roots: tuple[str, ...] = ()
    """Files of the roots that it must lead to; none: any."""
    common_name: str = ""
    """What the subject must say; empty: anything."""
    organisation: str = ""
    may_begin_later: bool = True


@dataclass(frozen=True, slots=True)
class HashCertificates:
    """Name certificates by their hashes: all of some files, and the first of others, whose rest is its chain."""

    algorithm: str
    files: tuple[str, ...]
    leaves: tuple[str, ...] = ()


Request = MakeKey | CheckRoot | CheckChain | HashCertificates | FirmwareRequest


@dataclass(frozen=True, slots=True)
class Made:
    """A key was made."""

    csr_pem: str


@dataclass(frozen=True, slots=True)
class Found:
    """A certificate is good: SHA-256 of it in hex, its validity, and its PEM with nothing else in it."""

    name: str
    not_before_ms: int
    not_after_ms: int
    pem: str


@dataclass(frozen=True, slots=True)
class Hashes:
    """Of each certificate: its hashes, its file, and its SHA-256 in hex. What could not be read is left out."""

    certificates: tuple[CertificateHash, ...]
    files: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """It is not good, and why, in plain words."""

    reason: str


Answer = Made | Found | Hashes | Refused | FirmwareAnswer

_REQUESTS: Mapping[str, type[Any]] = {
    kind.__name__: kind
    for kind in (MakeKey, CheckRoot, CheckChain, HashCertificates, CheckSigner, VerifyFile, CheckImage)
}
_ANSWERS: Mapping[str, type[Any]] = {
    kind.__name__: kind for kind in (Made, Found, Hashes, Refused, Verified, ImageFound)
}


def write_request(request: Request) -> str:
    """One line."""
    return json.dumps({"do": type(request).__name__, **asdict(request)})


def read_request(line: str) -> Request:
    """Raises ValueError for what is none."""
    made: Request = _read(line, "do", _REQUESTS)
    return made


def write_answer(answer: Answer) -> str:
    """One line."""
    return json.dumps({"is": type(answer).__name__, **asdict(answer)})


def read_answer(line: str) -> Answer:
    """Raises ValueError for what is none."""
    made: Answer = _read(line, "is", _ANSWERS)
    if isinstance(made, Hashes):
        values: Any = made.certificates
        return Hashes(tuple(_hash(value) for value in values), made.files, made.names)
    return made


def _hash(value: Mapping[str, str]) -> CertificateHash:
    algorithm = HashAlgorithm(value["algorithm"])
    return CertificateHash(algorithm, value["issuer_name_hash"], value["issuer_key_hash"], value["serial_number"])


def _read(line: str, kind: str, known: Mapping[str, type[Any]]) -> Any:
    try:
        values = json.loads(line)
        made = known[values.pop(kind)]
        names = {field.name for field in fields(made)}
        given = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        if not names >= given.keys():
            raise ValueError("there is a field too many")
        return made(**given)
    except (KeyError, TypeError, AttributeError) as wrong:
        raise ValueError(f"the line cannot be read ({type(wrong).__name__})") from None
