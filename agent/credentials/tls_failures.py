"""What a failed TLS connection means: plain words, and the security event of it.

Theory of operation
-------------------
OpenSSL names failures by reasons; those of the other side come as alerts (RFC 8446 6.2). The server's certificate is
at fault where our verification failed. Our certificate is at fault where the server says so, or where it breaks off
after a suite was agreed upon. Before that, `handshake failure` means that it takes none of our suites.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agent.vocabulary.security import SecurityEventKind

_K = SecurityEventKind


@dataclass(frozen=True, slots=True)
class TlsFailure:
    """Why, for people, and which event it is."""

    text: str
    event: SecurityEventKind | None


_VERSION = TlsFailure("the server speaks no version of TLS that is allowed (1.2 at least)", _K.INVALID_TLS_VERSION)
_SUITE = TlsFailure("the server takes none of the cipher suites that are allowed", _K.INVALID_TLS_CIPHER_SUITE)
_NO_TLS = TlsFailure(
    "the server does not speak TLS here, or cannot prove who it is", _K.CENTRAL_SYSTEM_FAILED_TO_AUTHENTICATE
)
_OURS = _K.FAILED_TO_AUTHENTICATE_AT_CENTRAL_SYSTEM

_BY_REASON: Final[Mapping[str, TlsFailure]] = {
    "TLSV1_ALERT_PROTOCOL_VERSION": _VERSION,
    "UNSUPPORTED_PROTOCOL": _VERSION,
    "NO_PROTOCOLS_AVAILABLE": _VERSION,
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": _SUITE,
    "NO_SHARED_CIPHER": _SUITE,
    "WRONG_CIPHER_RETURNED": _SUITE,
    "UNKNOWN_CIPHER_RETURNED": _SUITE,
    "DH_KEY_TOO_SMALL": _SUITE,
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "HTTP_REQUEST": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "PACKET_LENGTH_TOO_LONG": _NO_TLS,
    "WRONG_SIGNATURE_TYPE": _NO_TLS,
    "BAD_SIGNATURE": _NO_TLS,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": TlsFailure("the server wants a client certificate", _OURS),
    "SSLV3_ALERT_BAD_CERTIFICATE": TlsFailure("the server refuses the client certificate", _OURS),
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": TlsFailure("the client certificate is of a kind not taken", _OURS),
    "SSLV3_ALERT_CERTIFICATE_REVOKED": TlsFailure("the client certificate has been revoked", _OURS),
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": TlsFailure("the server says that the client certificate has expired", _OURS),
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": TlsFailure("the server refuses the client certificate", _OURS),
    "TLSV1_ALERT_UNKNOWN_CA": TlsFailure("the server does not know who issued the client certificate", _OURS),
    "TLSV1_ALERT_ACCESS_DENIED": TlsFailure("the server denies access to the client certificate", _OURS),
    "TLSV1_ALERT_DECRYPT_ERROR": TlsFailure("the server refuses the signature of the client", _OURS),
}


def explain(error: ssl.SSLError) -> TlsFailure:
    """The failure in our words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        text = getattr(error, "verify_message", "") or "certificate verification failed"
        return TlsFailure(f"server certificate: {text}", _K.INVALID_CENTRAL_SYSTEM_CERTIFICATE)
    reason = error.reason or ""
    if reason == "SSLV3_ALERT_HANDSHAKE_FAILURE":
        if getattr(error, "negotiated", False):
            return TlsFailure("the server wants another client certificate, or one at all", _OURS)
        return _SUITE
    return _BY_REASON.get(reason, TlsFailure(reason.replace("_", " ").lower() or "TLS handshake failed", None))
