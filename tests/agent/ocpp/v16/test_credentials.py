"""Calls about passwords, profiles and certificates, and the answers to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from agent.ocpp.exchange import Ready, Refusal
from agent.ocpp.v16.dialect import V16
from agent.ocpp.wire import Call, ErrorCode
from agent.vocabulary.certificates import CertificateHash, CertificateUse, HashAlgorithm
from agent.vocabulary.commands import (
    Command,
    DeleteCertificate,
    InstallRoot,
    ListRoots,
    RaiseSecurityProfile,
    RenewCertificate,
    Result,
    ResultStatus,
    SetPassword,
    TakeCertificate,
)
from agent.vocabulary.ids import Secret

Valid = Callable[[str, Mapping[str, Any]], None]
HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "1f"}
NAMED = CertificateHash(HashAlgorithm.SHA256, "aa", "bb", "1f")
CENTRAL, MANUFACTURER = "CentralSystemRootCertificate", "ManufacturerRootCertificate"


def parsed(dialect: V16, action: str, payload: dict[str, Any], registered: bool = True) -> Any:
    return dialect.parse(Call("1", action, payload), registered)


def change(dialect: V16, key: str, value: str) -> Any:
    return parsed(dialect, "ChangeConfiguration", {"key": key, "value": value})


@pytest.mark.parametrize(
    ("action", "payload", "command"),
    [
        (
            "InstallCertificate",
            {"certificateType": CENTRAL, "certificate": "PEM"},
            InstallRoot(CertificateUse.CENTRAL_SYSTEM_ROOT, "PEM"),
        ),
        (
            "InstallCertificate",
            {"certificateType": MANUFACTURER, "certificate": "PEM"},
            InstallRoot(CertificateUse.MANUFACTURER_ROOT, "PEM"),
        ),
        (
            "GetInstalledCertificateIds",
            {"certificateType": CENTRAL},
            ListRoots(CertificateUse.CENTRAL_SYSTEM_ROOT),
        ),
        ("DeleteCertificate", {"certificateHashData": HASHES}, DeleteCertificate(NAMED)),
        ("CertificateSigned", {"certificateChain": "PEM"}, TakeCertificate("PEM")),
        ("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}, RenewCertificate()),
        ("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate", "connectorId": 1}, None),
    ],
)
def test_calls_about_certificates_become_commands(
    dialect: V16, valid: Valid, action: str, payload: dict[str, Any], command: Command | None
) -> None:
    valid(action, payload)
    assert parsed(dialect, action, payload, registered=False) == (command or RenewCertificate())


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"requestedMessage": 5}, ErrorCode.TYPE_CONSTRAINT_VIOLATION),
        ({}, ErrorCode.PROTOCOL_ERROR),
        ({"requestedMessage": "Heartbeat", "connectorId": "1"}, ErrorCode.TYPE_CONSTRAINT_VIOLATION),
    ],
)
def test_a_broken_trigger_is_refused(dialect: V16, payload: dict[str, Any], code: ErrorCode) -> None:
    found = parsed(dialect, "ExtendedTriggerMessage", payload)
    assert isinstance(found, Refusal)
    assert found.code is code


@pytest.mark.rule("ocpp16.K06")
@pytest.mark.parametrize(
    "text",
    [
        "4f43415f4f4354545f61646d696e5f74657374",
        "0123456789abcdef0123456789ABCDEF",
        "0123456789abcdef0123456789abcdef01234567",
        "sixteen chars ok",
        "x" * 40,
        "  blanks at both ends count  ",
    ],
)
def test_a_password_travels_as_a_secret(dialect: V16, text: str) -> None:
    found = change(dialect, "authorizationkey", text)
    assert found == SetPassword(Secret(text))
    assert text not in repr(found)


@pytest.mark.rule("ocpp16.K06")
@pytest.mark.parametrize(
    "text", ["", "short", "x" * 15, "x" * 41, "a\nnewline in the password", "p\u00e4ssword of 16+ x"]
)
def test_a_password_that_cannot_be_one_is_rejected_and_not_repeated(dialect: V16, text: str) -> None:
    found = change(dialect, "AuthorizationKey", text)
    assert isinstance(found, Ready)
    assert found.payload == {"status": "Rejected"}
    assert not text or text not in found.why


@pytest.mark.parametrize(("text", "profile"), [("0", 0), ("1", 1), (" 2 ", 2), ("3", 3)])
def test_a_security_profile_is_raised_by_a_command_of_its_own(dialect: V16, text: str, profile: int) -> None:
    assert change(dialect, "SecurityProfile", text) == RaiseSecurityProfile(profile)


@pytest.mark.parametrize("text", ["4", "-1", "", "2.0", "two", "\u0662"])
def test_a_security_profile_out_of_range_is_rejected(dialect: V16, text: str) -> None:
    found = change(dialect, "SecurityProfile", text)
    assert isinstance(found, Ready)
    assert found.payload == {"status": "Rejected"}


def test_results_about_certificates_are_worded_as_their_message_does(dialect: V16) -> None:
    def word(action: str, status: ResultStatus) -> str:
        return str(dialect.answer(Call("1", action), Result(status), 300)["status"])

    assert word("InstallCertificate", ResultStatus.ACCEPTED) == "Accepted"
    assert word("InstallCertificate", ResultStatus.FAILED) == "Failed"
    assert word("InstallCertificate", ResultStatus.REJECTED) == "Rejected"
    assert word("DeleteCertificate", ResultStatus.NOT_FOUND) == "NotFound"
    assert word("DeleteCertificate", ResultStatus.FAILED) == "Failed"
    assert word("DeleteCertificate", ResultStatus.REJECTED) == "Failed"
    assert word("CertificateSigned", ResultStatus.FAILED) == "Rejected"
    assert word("ExtendedTriggerMessage", ResultStatus.NOT_IMPLEMENTED) == "NotImplemented"
    assert word("ExtendedTriggerMessage", ResultStatus.REJECTED) == "Rejected"


def test_installed_certificates_are_listed(dialect: V16, valid: Valid) -> None:
    call = Call("1", "GetInstalledCertificateIds", {"certificateType": CENTRAL})
    payload = dialect.answer(call, Result(ResultStatus.ACCEPTED, certificates=(NAMED, NAMED)), 300)
    valid("GetInstalledCertificateIdsResponse", payload)
    assert payload == {"status": "Accepted", "certificateHashData": [HASHES, HASHES]}


@pytest.mark.parametrize(
    "result",
    [
        Result(ResultStatus.ACCEPTED),
        Result(ResultStatus.NOT_FOUND),
        Result(ResultStatus.REJECTED),
        Result(ResultStatus.NOT_FOUND, certificates=(NAMED,)),
    ],
)
def test_no_certificates_are_not_found(dialect: V16, valid: Valid, result: Result) -> None:
    payload = dialect.answer(Call("1", "GetInstalledCertificateIds"), result, 300)
    valid("GetInstalledCertificateIdsResponse", payload)
    assert payload == {"status": "NotFound"}
