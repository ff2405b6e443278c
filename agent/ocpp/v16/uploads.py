"""GetDiagnostics, GetLog, and the two messages that tell how far an upload is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from agent.ocpp.exchange import Parsed, Ready
from agent.ocpp.v16.keys import StationFacts
from agent.vocabulary.commands import GetDiagnostics, GetLog, Result, ResultStatus, TriggerKind, UploadWish
from agent.vocabulary.ids import Secret
from agent.vocabulary.moments import parse_iso8601
from agent.vocabulary.uploads import LogKind, UploadState, UploadStatus

LOGS: Final[Mapping[str, LogKind]] = {"DiagnosticsLog": LogKind.DIAGNOSTICS, "SecurityLog": LogKind.SECURITY}
_S = UploadStatus
DIAGNOSTICS_STATUSES: Final[Mapping[UploadStatus, str]] = {
    _S.IDLE: "Idle",
    _S.UPLOADING: "Uploading",
    _S.UPLOADED: "Uploaded",
}
"""DiagnosticsStatusNotification has one word for every way to fail (OCPP 1.6 7.24)."""
LOG_STATUSES: Final[Mapping[UploadStatus, str]] = {
    **DIAGNOSTICS_STATUSES,
    _S.FAILED: "UploadFailure",
    _S.BAD_MESSAGE: "BadMessage",
    _S.PERMISSION_DENIED: "PermissionDenied",
    _S.NOT_SUPPORTED: "NotSupportedOperation",
}


def get_diagnostics(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    """GetDiagnostics (OCPP 1.6 5.9). What cannot be meant is answered as if there were nothing to upload."""
    try:
        return GetDiagnostics(_wish(payload, payload["location"], payload.get("startTime"), payload.get("stopTime")))
    except ValueError as wrong:
        return Ready({}, str(wrong))


def get_log(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    """GetLog (security extension of OCPP 1.6, N01)."""
    log = payload["log"]
    try:
        wish = _wish(payload, log["remoteLocation"], log.get("oldestTimestamp"), log.get("latestTimestamp"))
    except ValueError as wrong:
        return Ready({"status": "Rejected"}, str(wrong))
    return GetLog(LOGS[payload["logType"]], payload["requestId"], wish)


def diagnostics_answer(result: Result) -> dict[str, Any]:
    """GetDiagnostics.conf: without a name, nothing will be uploaded."""
    return {"fileName": result.file_name} if result.file_name else {}


def log_answer(result: Result) -> dict[str, Any]:
    """GetLog.conf."""
    words = {ResultStatus.ACCEPTED: "Accepted", ResultStatus.ACCEPTED_CANCELED: "AcceptedCanceled"}
    status = {"status": words.get(result.status, "Rejected")}
    return {**status, "filename": result.file_name} if result.file_name else status


def notification(what: TriggerKind, state: UploadState) -> tuple[str, dict[str, Any]]:
    """Action and payload of the message that tells a state."""
    if what is TriggerKind.DIAGNOSTICS_STATUS:
        return "DiagnosticsStatusNotification", {"status": DIAGNOSTICS_STATUSES.get(state.status, "UploadFailed")}
    told: dict[str, Any] = {"status": LOG_STATUSES[state.status]}
    if state.request_id is not None:
        told["requestId"] = state.request_id
    return "LogStatusNotification", told


def _wish(payload: Mapping[str, Any], location: str, since: str | None, until: str | None) -> UploadWish:
    """Raises ValueError, whose text never has the location in it."""
    for name in ("retries", "retryInterval"):
        if payload.get(name, 0) < 0:
            raise ValueError(f"{name} is {payload[name]}; it counts from 0")
    return UploadWish(
        Secret(location),
        payload.get("retries"),
        payload.get("retryInterval"),
        None if since is None else parse_iso8601(since),
        None if until is None else parse_iso8601(until),
    )
