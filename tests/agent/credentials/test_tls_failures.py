"""What a failed TLS connection means, for failures that no server of ours makes."""

from __future__ import annotations

import ssl

import pytest

from agent.credentials.tls_failures import explain
from agent.vocabulary.security import SecurityEventKind as Event


def failure(reason: str, negotiated: bool | None = None) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] told by OpenSSL")
    error.reason = reason
    if negotiated is not None:
        error.negotiated = negotiated  # type: ignore[attr-defined]
    return error


@pytest.mark.rule("ocpp16.Z03")
@pytest.mark.parametrize(
    ("error", "event"),
    [
        (failure("TLSV1_ALERT_PROTOCOL_VERSION"), Event.INVALID_TLS_VERSION),
        (failure("UNSUPPORTED_PROTOCOL"), Event.INVALID_TLS_VERSION),
        (failure("SSLV3_ALERT_HANDSHAKE_FAILURE", False), Event.INVALID_TLS_CIPHER_SUITE),
        (failure("SSLV3_ALERT_HANDSHAKE_FAILURE", True), Event.FAILED_TO_AUTHENTICATE_AT_CENTRAL_SYSTEM),
        (failure("TLSV1_ALERT_UNKNOWN_CA"), Event.FAILED_TO_AUTHENTICATE_AT_CENTRAL_SYSTEM),
        (failure("WRONG_VERSION_NUMBER"), Event.CENTRAL_SYSTEM_FAILED_TO_AUTHENTICATE),
        (failure("SOMETHING_NEW"), None),
    ],
)
def test_a_failure_is_its_event(error: ssl.SSLError, event: Event | None) -> None:
    assert explain(error).event is event
    assert explain(error).text


def test_an_unknown_failure_is_told_in_its_own_words() -> None:
    assert explain(failure("SOMETHING_NEW")).text == "something new"


def test_a_certificate_that_fails_says_why() -> None:
    error = ssl.SSLCertVerificationError(1, "x")
    error.verify_message = "certificate has expired"
    found = explain(error)
    assert found.event is Event.INVALID_CENTRAL_SYSTEM_CERTIFICATE
    assert "has expired" in found.text
