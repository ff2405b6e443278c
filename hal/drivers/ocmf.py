"""The Open Charge Metering Format (OCMF 1.0), as far as a courier has to know it. Pure.

A record is `OCMF|{dataset}|{signature}`. The dataset is the meter's, to the byte; the signature is put into the form
that verifiers take: hexadecimal of minimal DER.
"""

from __future__ import annotations

import json
import re

NAME = "OCMF"
_SEQUENCE, _INTEGER = 0x30, 0x02
_UID = re.compile(r"(?:[0-9A-Fa-f]{8}|[0-9A-Fa-f]{14}|[0-9A-Fa-f]{20})")


def identification(text: str) -> bytes:
    """The fields by which the meter is told who charges; the separator of the format never stands in them."""
    kind = "NONE" if not text else "ISO14443" if _UID.fullmatch(text) else "UNDEFINED"
    fields = {"FV": "1.0", "IS": bool(text), "IL": "NONE", "IF": [], "IT": kind, "ID": text, "RD": []}
    plain = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
    return plain.replace("|", "\\u007c").encode()


def names(dataset: bytes, text: str) -> bool:
    """The dataset is in the name of who charges; also true of one that names nobody, which says nothing."""
    try:
        fields = json.loads(dataset)
    except ValueError:
        return True
    name = fields.get("ID") if isinstance(fields, dict) else None
    return not isinstance(name, str) or not name or name.casefold() == text.casefold()


def record(dataset: bytes, signature: bytes) -> str:
    """The signed record. A dataset that is no UTF-8 cannot stand in a JSON text: then all of it is hexadecimal."""
    whole = b"OCMF|" + dataset + b'|{"SD":"' + minimal(signature).hex().encode() + b'"}'
    try:
        return whole.decode("utf-8")
    except UnicodeDecodeError:
        return whole.hex()


def minimal(signature: bytes) -> bytes:
    """An ECDSA signature in minimal DER (X.690 8.3.2); bytes that are no such signature stay as they are."""
    if len(signature) < 2 or signature[0] != _SEQUENCE or signature[1] != len(signature) - 2:
        return signature
    numbers, at = [], 2
    while at < len(signature):
        end = at + 2 + (signature[at + 1] if at + 1 < len(signature) else 0)
        if signature[at] != _INTEGER or end > len(signature) or end == at + 2:
            return signature
        numbers.append(_integer(signature[at + 2 : end]))
        at = end
    body = b"".join(numbers)
    return bytes((_SEQUENCE, len(body))) + body if len(numbers) == 2 else signature


def _integer(number: bytes) -> bytes:
    short = number.lstrip(b"\0") or b"\0"
    if short[0] & 0x80 and len(short) < len(number):
        short = b"\0" + short
    return bytes((_INTEGER, len(short))) + short
