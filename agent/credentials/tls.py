"""TLS contexts of upstreams: `ssl` only, trust per upstream, nothing taken from the environment.

Theory of operation
-------------------
Roots of one upstream never count for another: a context loads files of that upstream, and the public bundle of the
system only where it counts. TLS 1.2 is the least, suites are AEAD with forward secrecy, those of TLS 1.3, and the two
of RSA that OCPP names; compression is off (OCPP 1.6 security extension, A00.FR.313 to 318). Security level 2 of OpenSSL
refuses short keys and SHA-1 in any certificate. Host names are checked: the names of the certificate, and its common
name only where it has none (RFC 6125 6.4.4). A trusted certificate ends the chain wherever it stands.

OpenSSL would judge validity by the clock of the system, which may be wrong or begin in 1970. So it is told not to, and
the dates of the chain that it has verified are judged here, by a time that no other upstream has told. While there is
none, a certificate that had expired before the release of the agent is refused all the same; one whose time may still
have to come is taken, since it may be this link that tells the time.
"""

from __future__ import annotations

import errno
import hashlib
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.credentials.access import Access
from agent.vocabulary.moments import iso8601

CIPHERS: Final = ":".join(
    (
        "@SECLEVEL=2",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
    )
)
NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL; Python has no name for it."""
EXPIRED_CODE: Final = 10
NOT_YET_VALID_CODE: Final = 9
"""X509_V_ERR_CERT_HAS_EXPIRED and X509_V_ERR_CERT_NOT_YET_VALID."""


class TrustError(ValueError):
    """The roots of an upstream cannot be used; the text names the file and what to do."""


class ClientCertificateError(TrustError):
    """The client certificate of an upstream cannot be used; the text names the file and what to do."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """By which time certificates are judged."""

    wall_ms: Callable[[], int | None] = lambda: None
    """Wall time, None while unknown."""
    released_ms: int = 0
    """It is certainly later than this."""


class CheckedObject(ssl.SSLObject):
    """One TLS connection. Judges the dates of the peer's chain before anything is sent, and knows its root."""

    judgement = Judgement()
    anchor = ""
    """SHA-256 in hex of the trusted certificate that the chain ends in."""

    def do_handshake(self) -> None:
        """As `SSLObject.do_handshake`. A failure carries in `negotiated` whether a suite had been agreed upon."""
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            error.negotiated = self.cipher() is not None  # type: ignore[attr-defined]
            raise
        chain = verified_chain(self)
        self.anchor = hashlib.sha256(chain[-1].public_bytes(_DER)).hexdigest()
        for certificate in chain:
            _check_dates(certificate.get_info(), self.judgement)


class CheckedSocket(ssl.SSLSocket):
    """As `CheckedObject`, for connections of blocking sockets: transfers of files."""

    judgement = Judgement()

    def do_handshake(self, block: bool = False) -> None:
        """As `SSLSocket.do_handshake`. A connection that goes on with a session was judged when that began."""
        super().do_handshake(block)
        if not self.session_reused:
            for certificate in verified_chain(self):
                _check_dates(certificate.get_info(), self.judgement)

    def getpeername(self) -> Any:
        """As of any socket. If the peer has gone before TLS begins, it is closed: `SSLSocket` would leave it open."""
        try:
            return super().getpeername()
        except OSError:
            self.close()
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)) from None


_DER: Final = 2
"""`_ssl.ENCODING_DER`."""


def verified_chain(connection: ssl.SSLObject | ssl.SSLSocket) -> list[Any]:
    """The chain from the peer to its root. Public in Python 3.13 as DER; the object below is the same since 3.10."""
    return list(connection._sslobj.get_verified_chain())  # type: ignore[union-attr]


def client_context(access: Access, judgement: Judgement | None = None) -> ssl.SSLContext:
    """A context for dialling one upstream. Raises TrustError.

    Built from `SSLContext` and not from `create_default_context`, which would honour SSLKEYLOGFILE of the environment
    and change its strictness between versions of Python.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags = context.verify_flags | NO_CHECK_TIME
    context.hostname_checks_common_name = True
    if judgement is None:
        judgement = Judgement()
    context.sslobject_class = type("JudgedObject", (CheckedObject,), {"judgement": judgement})
    context.sslsocket_class = type("JudgedSocket", (CheckedSocket,), {"judgement": judgement})
    if access.public_roots:
        _load_public(context)
    _load_own(context, access)
    if access.client is not None:
        _load_client(context, access.client.certificate, access.client.key)
    return context


def _load_public(context: ssl.SSLContext) -> None:
    """The bundle of the image. `load_default_certs` would honour SSL_CERT_FILE of the environment."""
    places = ssl.get_default_verify_paths()
    file = places.openssl_cafile if Path(places.openssl_cafile).is_file() else None
    folder = places.openssl_capath if Path(places.openssl_capath).is_dir() else None
    if file is None and folder is None:
        return
    try:
        context.load_verify_locations(cafile=file, capath=folder)
    except (ssl.SSLError, OSError) as wrong:
        raise TrustError(
            f"trust: the public bundle {file or folder} cannot be used ({wrong}); mend the image"
        ) from wrong


def _load_own(context: ssl.SSLContext, access: Access) -> None:
    """A file that cannot be used costs its roots, and the link only if there are no others."""
    usable, wrong = access.public_roots, None
    for file in access.trust_files:
        try:
            _load_roots(context, file)
            usable = True
        except TrustError as error:
            wrong = error
    if wrong is not None and not usable:
        raise wrong


def _load_roots(context: ssl.SSLContext, file: str) -> None:
    if not Path(file).is_file():
        raise TrustError(f"trust: {file} does not exist; install the roots of this upstream there")
    try:
        context.load_verify_locations(cafile=file)
    except (ssl.SSLError, OSError) as wrong:
        raise TrustError(f"trust: {file} holds no usable PEM certificates ({wrong}); install it anew") from wrong


def _load_client(context: ssl.SSLContext, certificate: str, key: str) -> None:
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, OSError) as wrong:
        why = getattr(wrong, "reason", None) or wrong.strerror or type(wrong).__name__
        raise ClientCertificateError(
            f"client certificate: {certificate} cannot be used ({why}); have a new one signed"
        ) from wrong


def _no_password() -> str:
    """Never asks on the terminal."""
    return ""


def _check_dates(certificate: dict[str, Any], judgement: Judgement) -> None:
    """Raises SSLCertVerificationError for a certificate whose time has passed or has not come."""
    begins_ms = round(ssl.cert_time_to_seconds(certificate["notBefore"]) * 1000)
    ends_ms = round(ssl.cert_time_to_seconds(certificate["notAfter"]) * 1000)
    wall_ms = judgement.wall_ms()
    earliest_ms = max(judgement.released_ms, wall_ms or 0)
    if ends_ms < earliest_ms:
        raise _refusal(EXPIRED_CODE, f"certificate has expired (valid until {iso8601(ends_ms)})")
    if wall_ms is not None and begins_ms > earliest_ms:
        raise _refusal(NOT_YET_VALID_CODE, f"certificate is not yet valid (valid from {iso8601(begins_ms)})")


def _refusal(code: int, text: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, text)
    error.verify_code, error.verify_message = code, text
    return error
