"""The grammar of PEM texts that people hand over: roots to trust, a client certificate, its key.

Only the form is judged here; what a certificate says is read by a process of its own, never by this one.
"""

from __future__ import annotations

import base64
import binascii
import re

from agent.settings.problems import Complaint

LONGEST_TRUST = 32 * 1024
LONGEST_CERTIFICATE = 16 * 1024
"""A client certificate with its chain."""
LONGEST_KEY = 16 * 1024

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\s*([A-Za-z0-9+/=\s]+?)\s*-----END \1-----")
_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_KEYS = frozenset({"PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"})
_EXTRAS = frozenset({"EC PARAMETERS"})
"""What tools write in front of a key."""


def check_certificates(pem: str) -> Complaint | None:
    """Root certificates in PEM: at least one certificate, nothing that is none (above all no private key)."""
    if len(pem) > LONGEST_TRUST:
        return Complaint(f"has {len(pem)} characters", f"use at most {LONGEST_TRUST}: the roots of this backend only")
    blocks = _PEM.findall(pem)
    if not blocks:
        return Complaint(
            "holds no PEM certificate", "give the root certificate as BEGIN CERTIFICATE ... END CERTIFICATE"
        )
    for kind, body in blocks:
        if kind != "CERTIFICATE":
            return Complaint(f"holds a {kind}", "give certificates only; a private key must never be handed over")
        try:
            der = base64.b64decode("".join(body.split()), validate=True)
        except binascii.Error:
            der = b""
        if not der.startswith(b"\x30"):
            return Complaint("holds a certificate that cannot be read", "export the root certificate again as PEM")
    return None


def check_client_certificate(pem: str) -> Complaint | None:
    """The station's own certificate in PEM, perhaps with its chain behind it; no key."""
    if len(pem) > LONGEST_CERTIFICATE:
        return Complaint(
            f"has {len(pem)} characters", f"use at most {LONGEST_CERTIFICATE}: the certificate and its chain"
        )
    if not pem.strip():
        return Complaint("is empty", "give the certificate of this station as PEM")
    found = check_certificates(pem)
    if found is None or "private key" not in found.remedy:
        return found
    return Complaint(found.message, "give the certificates only; the key has a file of its own")


def check_client_key(pem: str) -> Complaint | None:
    """The private key of that certificate in PEM, not encrypted. The complaint never quotes it."""
    if len(pem) > LONGEST_KEY:
        return Complaint(f"has {len(pem)} characters", f"use at most {LONGEST_KEY}")
    kinds = [kind for kind in _BEGIN.findall(pem) if kind not in _EXTRAS]
    if "ENCRYPTED PRIVATE KEY" in kinds or "Proc-Type: 4,ENCRYPTED" in pem:
        return Complaint("is encrypted", "take its passphrase off (openssl pkey); nobody types one at a station")
    if len(kinds) != 1 or kinds[0] not in _KEYS or kinds[0] not in {kind for kind, _ in _PEM.findall(pem)}:
        return Complaint("is not one private key in PEM", "give the key as BEGIN PRIVATE KEY ... END PRIVATE KEY")
    return None
