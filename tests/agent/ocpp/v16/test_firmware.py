"""UpdateFirmware and SignedUpdateFirmware, their answers, and the messages that tell how far an update is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from agent.ocpp.exchange import Ready, Refusal
from agent.ocpp.v16.dialect import V16
from agent.ocpp.wire import Call, ErrorCode
from agent.vocabulary.commands import Result, ResultStatus, SignedUpdateFirmware, TriggerKind, UpdateFirmware
from agent.vocabulary.firmware import IDLE, PLAIN, FirmwareState, FirmwareStatus, FirmwareWish
from agent.vocabulary.ids import Secret

Valid = Callable[[str, Mapping[str, Any]], None]
PLACE = "ftps://station:hunter2@h.example/up"
PLAIN_MESSAGE, SIGNED_MESSAGE = TriggerKind.FIRMWARE_STATUS, TriggerKind.SIGNED_FIRMWARE_STATUS
SIGNED = {
    "location": PLACE,
    "retrieveDateTime": "1970-01-01T00:00:01Z",
    "installDateTime": "1970-01-01T00:00:02Z",
    "signingCertificate": "PEM",
    "signature": "c2ln",
}


def parsed(dialect: V16, action: str, payload: dict[str, Any]) -> Any:
    return dialect.parse(Call("1", action, payload), True)


@pytest.mark.rule("ocpp16.F01")
def test_an_update_is_asked_for(dialect: V16) -> None:
    payload = {"location": PLACE, "retrieveDate": "1970-01-01T00:00:01Z", "retries": 2, "retryInterval": 30}
    found = parsed(dialect, "UpdateFirmware", payload)
    assert found == UpdateFirmware(FirmwareWish(Secret(PLACE), 1000, None, 2, 30))
    assert "hunter2" not in repr(found)


@pytest.mark.rule("ocpp16.F04")
def test_a_signed_update_is_asked_for(dialect: V16) -> None:
    found = parsed(dialect, "SignedUpdateFirmware", {"requestId": 7, "firmware": SIGNED})
    assert found == SignedUpdateFirmware(7, FirmwareWish(Secret(PLACE), 1000, 2000), "PEM", "c2ln")
    assert "hunter2" not in repr(found)


def test_what_cannot_be_meant_is_refused_without_its_place(dialect: V16) -> None:
    signed = parsed(dialect, "SignedUpdateFirmware", {"requestId": 7, "firmware": SIGNED, "retryInterval": -1})
    assert isinstance(signed, Ready)
    plain = parsed(dialect, "UpdateFirmware", {"location": PLACE, "retrieveDate": "tomorrow"})
    assert isinstance(plain, Refusal)
    assert "hunter2" not in signed.why + plain.why


@pytest.mark.rule("ocpp16.F06")
@pytest.mark.rule("ocpp16.F07")
def test_answers(dialect: V16) -> None:
    def said(action: str, status: ResultStatus) -> Any:
        answer = dialect.answer(Call("1", action, {}), Result(status, "why"), 300)
        return answer if isinstance(answer, Refusal) else dict(answer)

    words = {
        ResultStatus.ACCEPTED: "Accepted",
        ResultStatus.ACCEPTED_CANCELED: "AcceptedCanceled",
        ResultStatus.INVALID_CERTIFICATE: "InvalidCertificate",
        ResultStatus.REVOKED_CERTIFICATE: "RevokedCertificate",
        ResultStatus.REJECTED: "Rejected",
    }
    for status, word in words.items():
        assert said("SignedUpdateFirmware", status) == {"status": word}
    assert said("UpdateFirmware", ResultStatus.ACCEPTED) == said("UpdateFirmware", ResultStatus.ACCEPTED_CANCELED) == {}
    assert said("UpdateFirmware", ResultStatus.NOT_SUPPORTED) == Refusal(ErrorCode.NOT_SUPPORTED, "why")
    assert said("UpdateFirmware", ResultStatus.REJECTED) == Refusal(ErrorCode.GENERIC_ERROR, "why")


@pytest.mark.rule("ocpp16.F01")
@pytest.mark.rule("ocpp16.F04")
@pytest.mark.parametrize("status", FirmwareStatus)
def test_every_state_has_a_word_of_each_message(dialect: V16, valid: Valid, status: FirmwareStatus) -> None:
    for what, state in (
        (PLAIN_MESSAGE, FirmwareState(status)),
        (PLAIN_MESSAGE, FirmwareState(status, 7)),
        (SIGNED_MESSAGE, FirmwareState(status, 7)),
    ):
        _, _, action, payload = json.loads(dialect.firmware(what, state, "1"))
        valid(action, payload)


def test_the_words(dialect: V16) -> None:
    def said(what: TriggerKind, state: FirmwareState) -> Any:
        return json.loads(dialect.firmware(what, state, "1"))[3]

    assert said(SIGNED_MESSAGE, IDLE) == said(PLAIN_MESSAGE, IDLE) == {"status": "Idle"}
    rebooting = FirmwareState(FirmwareStatus.INSTALL_REBOOTING, 7)
    assert said(SIGNED_MESSAGE, rebooting) == {"status": "InstallRebooting", "requestId": 7}
    assert said(PLAIN_MESSAGE, rebooting) == {"status": "Installing"}
    assert {PLAIN[plain] for plain in PLAIN.values()} == set(PLAIN.values())
