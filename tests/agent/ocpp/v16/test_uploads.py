"""GetDiagnostics and GetLog, their answers, and the messages that tell how far they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from agent.ocpp.exchange import Ready, Refusal
from agent.ocpp.v16.dialect import V16
from agent.ocpp.wire import Call
from agent.vocabulary.commands import GetDiagnostics, GetLog, Result, ResultStatus, TriggerKind, UploadWish
from agent.vocabulary.ids import Secret
from agent.vocabulary.uploads import IDLE, LogKind, UploadState, UploadStatus

Valid = Callable[[str, Mapping[str, Any]], None]
PLACE = "ftps://station:hunter2@h.example/up"
LOG = {"log": {"remoteLocation": PLACE}, "logType": "SecurityLog", "requestId": 7}


def parsed(dialect: V16, action: str, payload: dict[str, Any]) -> Any:
    return dialect.parse(Call("1", action, payload), True)


@pytest.mark.rule("ocpp16.F09")
def test_diagnostics_are_asked_for(dialect: V16) -> None:
    payload = {"location": PLACE, "retries": 2, "retryInterval": 30}
    payload |= {"startTime": "1970-01-01T00:00:01Z", "stopTime": "1970-01-01T00:00:02Z"}
    found = parsed(dialect, "GetDiagnostics", payload)
    assert found == GetDiagnostics(UploadWish(Secret(PLACE), 2, 30, 1000, 2000))
    assert "hunter2" not in repr(found)
    assert parsed(dialect, "GetDiagnostics", {"location": PLACE}) == GetDiagnostics(UploadWish(Secret(PLACE)))


@pytest.mark.parametrize(("name", "kind"), [("SecurityLog", LogKind.SECURITY), ("DiagnosticsLog", LogKind.DIAGNOSTICS)])
def test_a_log_is_asked_for(dialect: V16, name: str, kind: LogKind) -> None:
    assert parsed(dialect, "GetLog", LOG | {"logType": name}) == GetLog(kind, 7, UploadWish(Secret(PLACE)))
    times = {"oldestTimestamp": "1970-01-01T00:00:01Z", "latestTimestamp": "1970-01-01T00:00:02Z"}
    timed = LOG | {"log": LOG["log"] | times, "retries": 0}  # type: ignore[operator]
    assert parsed(dialect, "GetLog", timed).wish == UploadWish(Secret(PLACE), 0, None, 1000, 2000)


def test_what_cannot_be_meant_is_answered_and_not_done(dialect: V16) -> None:
    for wrong in ({"retries": -1}, {"retryInterval": -1}):
        assert parsed(dialect, "GetLog", LOG | wrong).payload == {"status": "Rejected"}
        assert parsed(dialect, "GetDiagnostics", {"location": PLACE} | wrong).payload == {}
    found = parsed(dialect, "GetDiagnostics", {"location": PLACE, "startTime": "yesterday"})
    assert isinstance(found, Ready)
    assert "hunter2" not in found.why


@pytest.mark.parametrize("payload", [{}, {"location": 5}, {"location": PLACE, "retries": "two"}])
def test_a_broken_call_is_refused(dialect: V16, payload: dict[str, Any]) -> None:
    found = parsed(dialect, "GetDiagnostics", payload)
    assert isinstance(found, Refusal)
    assert "hunter2" not in found.why


ACCEPTED, REJECTED = Result(ResultStatus.ACCEPTED, file_name="a.zip"), Result(ResultStatus.REJECTED)
CANCELED = Result(ResultStatus.ACCEPTED_CANCELED, file_name="a.zip")


@pytest.mark.parametrize(
    ("action", "result", "payload"),
    [
        ("GetDiagnostics", ACCEPTED, {"fileName": "a.zip"}),
        ("GetDiagnostics", CANCELED, {"fileName": "a.zip"}),
        ("GetDiagnostics", REJECTED, {}),
        ("GetLog", ACCEPTED, {"status": "Accepted", "filename": "a.zip"}),
        ("GetLog", CANCELED, {"status": "AcceptedCanceled", "filename": "a.zip"}),
        ("GetLog", REJECTED, {"status": "Rejected"}),
    ],
)
def test_answers(dialect: V16, action: str, result: Result, payload: dict[str, Any]) -> None:
    assert dialect.answer(Call("1", action, {}), result, 300) == payload


@pytest.mark.parametrize("status", UploadStatus)
def test_every_state_has_a_word_of_each_message(dialect: V16, valid: Valid, status: UploadStatus) -> None:
    for what, state in (
        (TriggerKind.DIAGNOSTICS_STATUS, UploadState(status)),
        (TriggerKind.LOG_STATUS, UploadState(status, 7)),
        (TriggerKind.LOG_STATUS, UploadState(status)),
    ):
        _, _, action, payload = json.loads(dialect.upload(what, state, "1"))
        valid(action, payload)


@pytest.mark.rule("ocpp16.G02")
def test_the_words(dialect: V16) -> None:
    def said(what: TriggerKind, state: UploadState) -> Any:
        return json.loads(dialect.upload(what, state, "1"))[3]

    assert said(TriggerKind.LOG_STATUS, IDLE) == {"status": "Idle"}
    assert said(TriggerKind.LOG_STATUS, UploadState(UploadStatus.FAILED, 7))["status"] == "UploadFailure"
    assert said(TriggerKind.DIAGNOSTICS_STATUS, UploadState(UploadStatus.PERMISSION_DENIED)) == {
        "status": "UploadFailed"
    }
