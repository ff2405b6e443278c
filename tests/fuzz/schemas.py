"""The message schemas of the `ocpp` package: what may be sent to a station, and what its answers must look like."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import ocpp.v16

FOLDER = Path(ocpp.v16.__file__).parent / "schemas"
ASKED_OF_US = (
    *("CancelReservation", "CertificateSigned", "ChangeAvailability", "ChangeConfiguration", "ClearCache"),
    *("ClearChargingProfile", "DataTransfer", "DeleteCertificate", "ExtendedTriggerMessage", "GetCompositeSchedule"),
    *("GetConfiguration", "GetDiagnostics", "GetInstalledCertificateIds", "GetLocalListVersion", "GetLog"),
    *("InstallCertificate", "RemoteStartTransaction", "RemoteStopTransaction", "ReserveNow", "Reset"),
    *("SendLocalList", "SetChargingProfile", "SignedUpdateFirmware", "TriggerMessage", "UnlockConnector"),
    "UpdateFirmware",
)
"""Requests of a backend, OCPP 1.6 and its security extension."""
ERROR_CODES = frozenset(
    {"NotImplemented", "NotSupported", "InternalError", "ProtocolError", "SecurityError", "FormationViolation"}
    | {"PropertyConstraintViolation", "OccurenceConstraintViolation", "TypeConstraintViolation", "GenericError"}
)
"""OCPP-J 1.6 4.2.3, spelt as there."""


@cache
def request(action: str) -> dict[str, Any]:
    """The schema of a request, with its references resolved."""
    return _read(action)


@cache
def confirmation(action: str) -> dict[str, Any]:
    """The schema of an answer, with its references resolved."""
    return _read(f"{action}Response")


@cache
def _validator(action: str) -> Any:
    return jsonschema.Draft7Validator(confirmation(action))


def flaw(action: str, frame: list[Any]) -> str:
    """What is wrong with an answer of the station to a call of this action; empty if nothing is."""
    if frame[0] == 4:
        code, description, details = frame[2:]
        fine = code in ERROR_CODES and isinstance(description, str) and len(description) <= 255 and details == {}
        return "" if fine else f"no proper CALLERROR: {frame}"
    if action not in ASKED_OF_US:
        return f"{action} has a CALLRESULT: {frame}"
    return "; ".join(error.message for error in _validator(action).iter_errors(frame[2]))


def _read(name: str) -> dict[str, Any]:
    whole = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8-sig"))
    resolved: dict[str, Any] = _resolved(whole, whole)
    return resolved


def _resolved(part: Any, whole: dict[str, Any]) -> Any:
    if isinstance(part, list):
        return [_resolved(item, whole) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _resolved(whole["definitions"][part["$ref"].rpartition("/")[2]], whole)
    return {name: _resolved(value, whole) for name, value in part.items() if name != "definitions"}
