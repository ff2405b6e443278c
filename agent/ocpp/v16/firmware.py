"""UpdateFirmware, SignedUpdateFirmware, and the two messages that tell how far an update is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from agent.ocpp.exchange import Parsed, Ready, Refusal
from agent.ocpp.v16.keys import StationFacts
from agent.ocpp.wire import ErrorCode, JsonObject
from agent.vocabulary.commands import Result, ResultStatus, SignedUpdateFirmware, TriggerKind, UpdateFirmware
from agent.vocabulary.firmware import PLAIN, FirmwareState, FirmwareStatus, FirmwareWish
from agent.vocabulary.ids import Secret
from agent.vocabulary.moments import parse_iso8601

_S = FirmwareStatus
STATUSES: Final[Mapping[FirmwareStatus, str]] = {
    _S.IDLE: "Idle",
    _S.DOWNLOADING: "Downloading",
    _S.DOWNLOADED: "Downloaded",
    _S.DOWNLOAD_FAILED: "DownloadFailed",
    _S.INSTALLING: "Installing",
    _S.INSTALLED: "Installed",
    _S.INSTALLATION_FAILED: "InstallationFailed",
}
"""The words of FirmwareStatusNotification (OCPP 1.6 7.25)."""
SIGNED_STATUSES: Final[Mapping[FirmwareStatus, str]] = {
    **STATUSES,
    _S.DOWNLOAD_SCHEDULED: "DownloadScheduled",
    _S.DOWNLOAD_PAUSED: "DownloadPaused",
    _S.SIGNATURE_VERIFIED: "SignatureVerified",
    _S.INVALID_SIGNATURE: "InvalidSignature",
    _S.INSTALL_SCHEDULED: "InstallScheduled",
    _S.INSTALL_REBOOTING: "InstallRebooting",
    _S.INSTALL_VERIFICATION_FAILED: "InstallVerificationFailed",
}
"""The words of SignedFirmwareStatusNotification (security extension of OCPP 1.6, "FirmwareStatusEnumType")."""
_LEGACY_ERRORS: Final[Mapping[ResultStatus, ErrorCode]] = {
    ResultStatus.NOT_SUPPORTED: ErrorCode.NOT_SUPPORTED,
    ResultStatus.REJECTED: ErrorCode.GENERIC_ERROR,
}


def update_firmware(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    """UpdateFirmware (OCPP 1.6 5.19). Its confirmation has no status: what cannot be meant is a CALLERROR."""
    try:
        return UpdateFirmware(_wish(payload, payload["location"], payload["retrieveDate"], None))
    except ValueError as wrong:
        return Refusal(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, str(wrong))


def signed_update_firmware(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    """SignedUpdateFirmware (security extension of OCPP 1.6, L01)."""
    file = payload["firmware"]
    try:
        wish = _wish(payload, file["location"], file["retrieveDateTime"], file.get("installDateTime"))
    except ValueError as wrong:
        return Ready({"status": "Rejected"}, str(wrong))
    return SignedUpdateFirmware(payload["requestId"], wish, file["signingCertificate"], file["signature"])


def legacy_answer(result: Result) -> JsonObject | Refusal:
    """UpdateFirmware.conf is empty: a refusal can only be a CALLERROR."""
    code = _LEGACY_ERRORS.get(result.status)
    return {} if code is None else Refusal(code, result.reason)


def notification(what: TriggerKind, state: FirmwareState) -> tuple[str, dict[str, Any]]:
    """Action and payload of the message that tells a state."""
    if what is TriggerKind.FIRMWARE_STATUS:
        return "FirmwareStatusNotification", {"status": STATUSES[PLAIN[state.status]]}
    told: dict[str, Any] = {"status": SIGNED_STATUSES[state.status]}
    if state.request_id is not None:
        told["requestId"] = state.request_id
    return "SignedFirmwareStatusNotification", told


def _wish(payload: Mapping[str, Any], location: str, retrieve: str, install: str | None) -> FirmwareWish:
    """Raises ValueError, whose text never has the location in it."""
    for name in ("retries", "retryInterval"):
        if payload.get(name, 0) < 0:
            raise ValueError(f"{name} is {payload[name]}; it counts from 0")
    return FirmwareWish(
        Secret(location),
        parse_iso8601(retrieve),
        None if install is None else parse_iso8601(install),
        payload.get("retries"),
        payload.get("retryInterval"),
    )
