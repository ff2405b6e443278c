"""Bad requests, one row each: the action, what is wrong, the payload, and the code or status that answers it.

No row becomes a command, so none changes anything.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from agent.ocpp.exchange import Ready, Refusal
from agent.ocpp.v16.dialect import V16
from agent.ocpp.v16.generate import SERVED
from agent.ocpp.v16.keys import KEYS
from agent.ocpp.v16.parse import ACTIONS, MAXIMUM_ASKED_KEYS
from agent.ocpp.wire import Call, ErrorCode

MISSING = ErrorCode.PROTOCOL_ERROR
EXTRA = ErrorCode.FORMATION_VIOLATION
TYPE = ErrorCode.TYPE_CONSTRAINT_VIOLATION
VALUE = ErrorCode.PROPERTY_CONSTRAINT_VIOLATION
COUNT = ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION

PERIOD = {"startPeriod": 0, "limit": 16}
SCHEDULE = {"chargingRateUnit": "A", "chargingSchedulePeriod": [PERIOD]}
PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": SCHEDULE,
}
HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "1f"}
ROOT = {"certificateType": "CentralSystemRootCertificate", "certificate": "PEM"}
CHANGE = {"key": "HeartbeatInterval", "value": "60"}
HOLD = {"connectorId": 1, "type": "Inoperative"}
RESERVE = {"connectorId": 1, "expiryDate": "2026-01-01T00:00:00Z", "idTag": "A", "reservationId": 1}
LOG: dict[str, Any] = {"log": {"remoteLocation": "https://h.example/"}, "logType": "SecurityLog", "requestId": 7}
SIGNED: dict[str, Any] = {
    "location": "https://h.example/",
    "retrieveDateTime": "2026-01-01T00:00:00Z",
    "signingCertificate": "PEM",
    "signature": "c2lnbmF0dXJl",
}
UPDATE = {"location": "https://h.example/", "retrieveDate": "2026-01-01T00:00:00Z"}
GOOD: dict[str, dict[str, Any]] = {
    "CancelReservation": {"reservationId": 1},
    "CertificateSigned": {"certificateChain": "PEM"},
    "ChangeAvailability": HOLD,
    "ChangeConfiguration": CHANGE,
    "ClearCache": {},
    "ClearChargingProfile": {"id": 1},
    "DataTransfer": {"vendorId": "com.example", "messageId": "m", "data": "d"},
    "DeleteCertificate": {"certificateHashData": HASHES},
    "ExtendedTriggerMessage": {"requestedMessage": "SignChargePointCertificate"},
    "GetCompositeSchedule": {"connectorId": 1, "duration": 60},
    "GetConfiguration": {"key": ["HeartbeatInterval"]},
    "GetLocalListVersion": {},
    "GetDiagnostics": {"location": "https://h.example/"},
    "GetLog": LOG,
    "GetInstalledCertificateIds": {"certificateType": "CentralSystemRootCertificate"},
    "InstallCertificate": ROOT,
    "RemoteStartTransaction": {"idTag": "04A1", "connectorId": 1, "chargingProfile": PROFILE},
    "RemoteStopTransaction": {"transactionId": 1},
    "ReserveNow": RESERVE,
    "Reset": {"type": "Soft"},
    "SendLocalList": {"listVersion": 1, "updateType": "Full"},
    "SetChargingProfile": {"connectorId": 1, "csChargingProfiles": PROFILE},
    "SignedUpdateFirmware": {"requestId": 1, "firmware": SIGNED},
    "TriggerMessage": {"requestedMessage": "MeterValues", "connectorId": 1},
    "UnlockConnector": {"connectorId": 1},
    "UpdateFirmware": UPDATE,
}
Row = tuple[str, str, dict[str, Any], ErrorCode | str]


def start(**changes: Any) -> dict[str, Any]:
    return {"idTag": "04A1"} | changes


def profiled(**changes: Any) -> dict[str, Any]:
    return start(chargingProfile=PROFILE | changes)


def scheduled(**changes: Any) -> dict[str, Any]:
    return profiled(chargingSchedule=SCHEDULE | changes)


def hashed(**changes: Any) -> dict[str, Any]:
    return {"certificateHashData": HASHES | changes}


def without(payload: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in payload.items() if key != name}


def installed(**changes: Any) -> dict[str, Any]:
    return {"connectorId": 1, "csChargingProfiles": PROFILE | changes}


def listed(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"listVersion": 1, "updateType": "Full", "localAuthorizationList": list(entries)}


def triggered(message: str, connector: int | None = None) -> dict[str, Any]:
    return {"requestedMessage": message} | ({} if connector is None else {"connectorId": connector})


ROWS: tuple[Row, ...] = (
    ("CancelReservation", "missing id", {}, MISSING),
    ("CancelReservation", "mistyped id", {"reservationId": "1"}, TYPE),
    ("CancelReservation", "extra field", {"reservationId": 1, "why": "x"}, EXTRA),
    ("ReserveNow", "missing card", without(RESERVE, "idTag"), MISSING),
    ("ReserveNow", "mistyped connector", RESERVE | {"connectorId": "1"}, TYPE),
    ("ReserveNow", "over-long card", RESERVE | {"idTag": "x" * 21}, VALUE),
    ("ReserveNow", "over-long parent", RESERVE | {"parentIdTag": "x" * 21}, VALUE),
    ("ReserveNow", "no time", RESERVE | {"expiryDate": "soon"}, VALUE),
    ("ReserveNow", "extra field", RESERVE | {"evse": 1}, EXTRA),
    ("ReserveNow", "unknown connector", RESERVE | {"connectorId": 3}, "Rejected"),
    ("ReserveNow", "negative connector", RESERVE | {"connectorId": -1}, "Rejected"),
    ("ReserveNow", "empty card", RESERVE | {"idTag": " "}, "Rejected"),
    ("CertificateSigned", "missing chain", {}, MISSING),
    ("CertificateSigned", "null chain", {"certificateChain": None}, MISSING),
    ("CertificateSigned", "extra field", {"certificateChain": "PEM", "cert": "PEM"}, EXTRA),
    ("CertificateSigned", "mistyped chain", {"certificateChain": ["PEM"]}, TYPE),
    ("CertificateSigned", "over-long chain", {"certificateChain": "x" * 10_001}, "Rejected"),
    ("ChangeAvailability", "missing connector", {"type": "Operative"}, MISSING),
    ("ChangeAvailability", "missing type", {"connectorId": 1}, MISSING),
    ("ChangeAvailability", "null type", {"connectorId": 1, "type": None}, MISSING),
    ("ChangeAvailability", "extra field", HOLD | {"evseId": 1}, EXTRA),
    ("ChangeAvailability", "mistyped connector", HOLD | {"connectorId": "1"}, TYPE),
    ("ChangeAvailability", "boolean connector", HOLD | {"connectorId": True}, TYPE),
    ("ChangeAvailability", "broken connector", HOLD | {"connectorId": 1.5}, TYPE),
    ("ChangeAvailability", "mistyped type", HOLD | {"type": 1}, TYPE),
    ("ChangeAvailability", "bad enum", HOLD | {"type": "Unavailable"}, VALUE),
    ("ChangeAvailability", "enum in other case", HOLD | {"type": "inoperative"}, VALUE),
    ("ChangeAvailability", "negative connector", HOLD | {"connectorId": -1}, "Rejected"),
    ("ChangeAvailability", "connector that is not there", HOLD | {"connectorId": 3}, "Rejected"),
    ("ChangeAvailability", "huge connector", HOLD | {"connectorId": 10**17}, "Rejected"),
    ("ChangeConfiguration", "missing key", {"value": "1"}, MISSING),
    ("ChangeConfiguration", "missing value", {"key": "HeartbeatInterval"}, MISSING),
    ("ChangeConfiguration", "null value", CHANGE | {"value": None}, MISSING),
    ("ChangeConfiguration", "extra field", CHANGE | {"readonly": False}, EXTRA),
    ("ChangeConfiguration", "mistyped key", CHANGE | {"key": 1}, TYPE),
    ("ChangeConfiguration", "number as value", CHANGE | {"value": 60}, TYPE),
    ("ChangeConfiguration", "boolean as value", CHANGE | {"value": True}, TYPE),
    ("ChangeConfiguration", "over-long key", CHANGE | {"key": "x" * 51}, VALUE),
    ("ChangeConfiguration", "over-long value", CHANGE | {"value": "1" * 501}, VALUE),
    ("ChangeConfiguration", "unknown key", CHANGE | {"key": "NoSuchKey"}, "NotSupported"),
    ("ChangeConfiguration", "read-only key", {"key": "NumberOfConnectors", "value": "4"}, "Rejected"),
    ("ChangeConfiguration", "value below its bound", CHANGE | {"value": "0"}, "Rejected"),
    ("ChangeConfiguration", "value above its bound", CHANGE | {"value": "86401"}, "Rejected"),
    ("ChangeConfiguration", "negative interval", {"key": "MeterValueSampleInterval", "value": "-1"}, "Rejected"),
    ("ChangeConfiguration", "no integer", CHANGE | {"value": "often"}, "Rejected"),
    ("ChangeConfiguration", "no boolean", {"key": "LocalPreAuthorize", "value": "1"}, "Rejected"),
    ("ChangeConfiguration", "no measurand", {"key": "MeterValuesSampledData", "value": "Colour"}, "Rejected"),
    ("ChangeConfiguration", "no rotation", {"key": "ConnectorPhaseRotation", "value": "1.ABC"}, "Rejected"),
    ("ChangeConfiguration", "short password", {"key": "AuthorizationKey", "value": "x" * 15}, "Rejected"),
    ("ChangeConfiguration", "long password", {"key": "AuthorizationKey", "value": "x" * 41}, "Rejected"),
    ("ChangeConfiguration", "profile out of range", {"key": "SecurityProfile", "value": "4"}, "Rejected"),
    ("ChangeConfiguration", "over-long operator", {"key": "CpoName", "value": "x" * 65}, "Rejected"),
    ("ClearCache", "extra field", {"all": True}, EXTRA),
    ("ClearChargingProfile", "mistyped id", {"id": "1"}, TYPE),
    ("ClearChargingProfile", "unknown purpose", {"chargingProfilePurpose": "Any"}, VALUE),
    ("ClearChargingProfile", "extra field", {"all": True}, EXTRA),
    ("GetCompositeSchedule", "missing duration", {"connectorId": 1}, MISSING),
    ("GetCompositeSchedule", "mistyped duration", {"connectorId": 1, "duration": "60"}, TYPE),
    ("GetCompositeSchedule", "unknown unit", {"connectorId": 1, "duration": 60, "chargingRateUnit": "VA"}, VALUE),
    ("GetCompositeSchedule", "unknown connector", {"connectorId": 3, "duration": 60}, "Rejected"),
    ("GetCompositeSchedule", "negative duration", {"connectorId": 1, "duration": -1}, "Rejected"),
    ("GetLocalListVersion", "extra field", {"list": 1}, EXTRA),
    ("GetDiagnostics", "missing location", {}, MISSING),
    ("GetDiagnostics", "mistyped location", {"location": 1}, TYPE),
    ("GetDiagnostics", "mistyped retries", {"location": "https://h.example/", "retries": "1"}, TYPE),
    ("GetLog", "missing log", without(LOG, "log"), MISSING),
    ("GetLog", "missing location", LOG | {"log": {}}, MISSING),
    ("GetLog", "over-long location", LOG | {"log": {"remoteLocation": "x" * 513}}, VALUE),
    ("GetLog", "unknown log", LOG | {"logType": "AuditLog"}, VALUE),
    ("GetLog", "mistyped request", LOG | {"requestId": "7"}, TYPE),
    ("GetLog", "negative retries", LOG | {"retries": -1}, "Rejected"),
    ("UpdateFirmware", "missing date", without(UPDATE, "retrieveDate"), MISSING),
    ("UpdateFirmware", "mistyped location", UPDATE | {"location": 1}, TYPE),
    ("UpdateFirmware", "no time", UPDATE | {"retrieveDate": "soon"}, VALUE),
    ("UpdateFirmware", "negative retries", UPDATE | {"retries": -1}, VALUE),
    ("SignedUpdateFirmware", "missing request", {"firmware": SIGNED}, MISSING),
    ("SignedUpdateFirmware", "missing signature", {"requestId": 1, "firmware": without(SIGNED, "signature")}, MISSING),
    ("SignedUpdateFirmware", "over-long place", {"requestId": 1, "firmware": SIGNED | {"location": "x" * 513}}, VALUE),
    ("SignedUpdateFirmware", "no time", {"requestId": 1, "firmware": SIGNED | {"retrieveDateTime": "x"}}, "Rejected"),
    ("SignedUpdateFirmware", "no date", {"requestId": 1, "firmware": SIGNED | {"installDateTime": "x"}}, "Rejected"),
    ("SignedUpdateFirmware", "negative retries", {"requestId": 1, "firmware": SIGNED, "retries": -1}, "Rejected"),
    ("SendLocalList", "missing version", {"updateType": "Full"}, MISSING),
    ("SendLocalList", "mistyped version", {"listVersion": "1", "updateType": "Full"}, TYPE),
    ("SendLocalList", "unknown kind", {"listVersion": 1, "updateType": "Half"}, VALUE),
    ("SendLocalList", "over-long card", listed({"idTag": "x" * 21}), VALUE),
    ("SendLocalList", "unknown status", listed({"idTag": "A", "idTagInfo": {"status": "Fine"}}), VALUE),
    ("SendLocalList", "no time", listed({"idTag": "A", "idTagInfo": {"status": "Accepted", "expiryDate": "x"}}), VALUE),
    ("SendLocalList", "extra field", listed({"idTag": "A", "name": "B"}), EXTRA),
    ("SetChargingProfile", "missing profile", {"connectorId": 1}, MISSING),
    ("SetChargingProfile", "unknown connector", {"connectorId": 3, "csChargingProfiles": PROFILE}, VALUE),
    ("SetChargingProfile", "negative connector", {"connectorId": -1, "csChargingProfiles": PROFILE}, VALUE),
    ("SetChargingProfile", "mistyped level", installed(stackLevel="0"), TYPE),
    ("SetChargingProfile", "unknown kind", installed(chargingProfileKind="Sometimes"), VALUE),
    ("SetChargingProfile", "no time", installed(validFrom="today"), VALUE),
    (
        "SetChargingProfile",
        "missing schedule",
        {"connectorId": 1, "csChargingProfiles": without(PROFILE, "chargingSchedule")},
        MISSING,
    ),
    ("SetChargingProfile", "extra field", installed(evse=1), EXTRA),
    ("DataTransfer", "missing vendor", {"messageId": "m"}, MISSING),
    ("DataTransfer", "null vendor", {"vendorId": None}, MISSING),
    ("DataTransfer", "extra field", {"vendorId": "com.example", "customData": {}}, EXTRA),
    ("DataTransfer", "mistyped vendor", {"vendorId": 7}, TYPE),
    ("DataTransfer", "mistyped data", {"vendorId": "com.example", "data": {"a": 1}}, TYPE),
    ("DataTransfer", "over-long vendor", {"vendorId": "x" * 256}, VALUE),
    ("DataTransfer", "over-long message", {"vendorId": "com.example", "messageId": "x" * 51}, VALUE),
    ("DataTransfer", "unknown vendor", {"vendorId": "com.example"}, "UnknownVendorId"),
    ("DataTransfer", "empty vendor", {"vendorId": ""}, "UnknownVendorId"),
    ("DeleteCertificate", "missing hashes", {}, MISSING),
    ("DeleteCertificate", "missing serial", {"certificateHashData": without(HASHES, "serialNumber")}, MISSING),
    ("DeleteCertificate", "null algorithm", hashed(hashAlgorithm=None), MISSING),
    ("DeleteCertificate", "extra field", hashed() | {"certificateType": "V2GRootCertificate"}, EXTRA),
    ("DeleteCertificate", "extra inner field", hashed(responderURL="http://x"), EXTRA),
    ("DeleteCertificate", "mistyped hashes", {"certificateHashData": "aa"}, TYPE),
    ("DeleteCertificate", "mistyped serial", hashed(serialNumber=31), TYPE),
    ("DeleteCertificate", "bad enum", hashed(hashAlgorithm="SHA1"), VALUE),
    ("DeleteCertificate", "over-long name hash", hashed(issuerNameHash="a" * 129), VALUE),
    ("DeleteCertificate", "over-long key hash", hashed(issuerKeyHash="a" * 129), VALUE),
    ("DeleteCertificate", "over-long serial", hashed(serialNumber="1" * 41), VALUE),
    ("ExtendedTriggerMessage", "missing message", {}, MISSING),
    ("ExtendedTriggerMessage", "null message", {"requestedMessage": None}, MISSING),
    ("ExtendedTriggerMessage", "extra field", {"requestedMessage": "Heartbeat", "evse": {}}, EXTRA),
    ("ExtendedTriggerMessage", "mistyped message", {"requestedMessage": ["Heartbeat"]}, TYPE),
    ("ExtendedTriggerMessage", "mistyped connector", {"requestedMessage": "Heartbeat", "connectorId": "1"}, TYPE),
    ("ExtendedTriggerMessage", "unknown message", {"requestedMessage": "Coffee"}, "NotImplemented"),
    ("ExtendedTriggerMessage", "message of the other", triggered("DiagnosticsStatusNotification"), "NotImplemented"),
    ("ExtendedTriggerMessage", "connector that is not there", triggered("StatusNotification", 3), "Rejected"),
    ("GetConfiguration", "extra field", {"keys": []}, EXTRA),
    ("GetConfiguration", "one key instead of a list", {"key": "HeartbeatInterval"}, TYPE),
    ("GetConfiguration", "mistyped key", {"key": [1]}, TYPE),
    ("GetConfiguration", "null in the list", {"key": [None]}, TYPE),
    ("GetConfiguration", "over-long key", {"key": ["x" * 51]}, VALUE),
    ("GetConfiguration", "too many keys", {"key": ["x"] * (MAXIMUM_ASKED_KEYS + 1)}, COUNT),
    ("GetInstalledCertificateIds", "missing type", {}, MISSING),
    ("GetInstalledCertificateIds", "extra field", {"certificateType": ROOT["certificateType"], "a": 1}, EXTRA),
    ("GetInstalledCertificateIds", "mistyped type", {"certificateType": [ROOT["certificateType"]]}, TYPE),
    ("GetInstalledCertificateIds", "bad enum", {"certificateType": "V2GRootCertificate"}, VALUE),
    ("InstallCertificate", "missing certificate", without(ROOT, "certificate"), MISSING),
    ("InstallCertificate", "missing type", without(ROOT, "certificateType"), MISSING),
    ("InstallCertificate", "extra field", ROOT | {"a": 1}, EXTRA),
    ("InstallCertificate", "mistyped certificate", ROOT | {"certificate": 1}, TYPE),
    ("InstallCertificate", "bad enum", ROOT | {"certificateType": "MORootCertificate"}, VALUE),
    ("InstallCertificate", "over-long certificate", ROOT | {"certificate": "x" * 5_501}, VALUE),
    ("RemoteStartTransaction", "missing card", {"connectorId": 1}, MISSING),
    ("RemoteStartTransaction", "null card", start(idTag=None), MISSING),
    ("RemoteStartTransaction", "extra field", start(remoteStartId=1), EXTRA),
    ("RemoteStartTransaction", "mistyped card", start(idTag=4711), TYPE),
    ("RemoteStartTransaction", "card as object", start(idTag={"idToken": "04A1"}), TYPE),
    ("RemoteStartTransaction", "over-long card", start(idTag="0" * 21), VALUE),
    ("RemoteStartTransaction", "blank card", start(idTag=" "), "Rejected"),
    ("RemoteStartTransaction", "mistyped connector", start(connectorId="1"), TYPE),
    ("RemoteStartTransaction", "connector 0", start(connectorId=0), "Rejected"),
    ("RemoteStartTransaction", "negative connector", start(connectorId=-1), "Rejected"),
    ("RemoteStartTransaction", "connector that is not there", start(connectorId=3), "Rejected"),
    ("RemoteStartTransaction", "mistyped profile", start(chargingProfile=[]), TYPE),
    ("RemoteStartTransaction", "profile without id", start(chargingProfile=without(PROFILE, "stackLevel")), MISSING),
    ("RemoteStartTransaction", "profile without schedule", profiled(chargingSchedule=None), MISSING),
    ("RemoteStartTransaction", "extra field in the profile", profiled(colour="red"), EXTRA),
    ("RemoteStartTransaction", "bad purpose", profiled(chargingProfilePurpose="ChargingStationMaxProfile"), VALUE),
    ("RemoteStartTransaction", "bad kind", profiled(chargingProfileKind="Dynamic"), VALUE),
    ("RemoteStartTransaction", "bad recurrence", profiled(recurrencyKind="Monthly"), VALUE),
    ("RemoteStartTransaction", "bad unit", scheduled(chargingRateUnit="kW"), VALUE),
    ("RemoteStartTransaction", "other purpose", profiled(chargingProfilePurpose="TxDefaultProfile"), "Rejected"),
    ("RemoteStartTransaction", "mistyped level", profiled(stackLevel="0"), TYPE),
    ("RemoteStartTransaction", "no list of periods", scheduled(chargingSchedulePeriod=PERIOD), TYPE),
    ("RemoteStartTransaction", "period without limit", scheduled(chargingSchedulePeriod=[{"startPeriod": 0}]), MISSING),
    ("RemoteStartTransaction", "mistyped limit", scheduled(chargingSchedulePeriod=[PERIOD | {"limit": "16"}]), TYPE),
    ("RemoteStartTransaction", "extra in a period", scheduled(chargingSchedulePeriod=[PERIOD | {"x": 1}]), EXTRA),
    ("RemoteStopTransaction", "missing transaction", {}, MISSING),
    ("RemoteStopTransaction", "null transaction", {"transactionId": None}, MISSING),
    ("RemoteStopTransaction", "extra field", {"transactionId": 1, "reason": "Remote"}, EXTRA),
    ("RemoteStopTransaction", "text as transaction", {"transactionId": "1"}, TYPE),
    ("RemoteStopTransaction", "boolean as transaction", {"transactionId": True}, TYPE),
    ("RemoteStopTransaction", "broken transaction", {"transactionId": 1.5}, TYPE),
    ("Reset", "missing type", {}, MISSING),
    ("Reset", "null type", {"type": None}, MISSING),
    ("Reset", "extra field", {"type": "Soft", "evseId": 1}, EXTRA),
    ("Reset", "mistyped type", {"type": True}, TYPE),
    ("Reset", "bad enum", {"type": "OnIdle"}, VALUE),
    ("Reset", "enum in other case", {"type": "soft"}, VALUE),
    ("TriggerMessage", "missing message", {"connectorId": 1}, MISSING),
    ("TriggerMessage", "null message", {"requestedMessage": None}, MISSING),
    ("TriggerMessage", "extra field", triggered("Heartbeat") | {"evse": {}}, EXTRA),
    ("TriggerMessage", "mistyped message", {"requestedMessage": 1}, TYPE),
    ("TriggerMessage", "mistyped connector", {"requestedMessage": "Heartbeat", "connectorId": "1"}, TYPE),
    ("TriggerMessage", "broken connector", {"requestedMessage": "MeterValues", "connectorId": 1.5}, TYPE),
    ("TriggerMessage", "unknown message", triggered("Coffee"), "NotImplemented"),
    ("TriggerMessage", "message of the other", triggered("LogStatusNotification"), "NotImplemented"),
    ("TriggerMessage", "message of the other with a key", triggered("SignChargePointCertificate"), "NotImplemented"),
    ("TriggerMessage", "status of a connector that is not there", triggered("StatusNotification", 3), "Rejected"),
    ("TriggerMessage", "meter of a connector that is not there", triggered("MeterValues", 3), "Rejected"),
    ("TriggerMessage", "meter of the station", triggered("MeterValues", 0), "Rejected"),
    ("TriggerMessage", "negative connector", triggered("StatusNotification", -1), "Rejected"),
    ("TriggerMessage", "huge connector", triggered("StatusNotification", 10**17), "Rejected"),
    ("UnlockConnector", "missing connector", {}, MISSING),
    ("UnlockConnector", "extra field", {"connectorId": 1, "evseId": 1}, EXTRA),
    ("UnlockConnector", "mistyped connector", {"connectorId": "1"}, TYPE),
    ("UnlockConnector", "connector 0", {"connectorId": 0}, "NotSupported"),
    ("UnlockConnector", "negative connector", {"connectorId": -1}, "NotSupported"),
    ("UnlockConnector", "connector that is not there", {"connectorId": 3}, "NotSupported"),
)


@pytest.mark.rule("ocpp16.J07")
@pytest.mark.rule("ocpp16.Y03")
@pytest.mark.rule("ocpp16.T01")
@pytest.mark.rule("ocpp16.T03")
@pytest.mark.parametrize(("action", "wrong", "payload", "expected"), ROWS, ids=[f"{row[0]}: {row[1]}" for row in ROWS])
def test_a_bad_request_gets_its_code_or_status_and_changes_nothing(
    dialect: V16, action: str, wrong: str, payload: dict[str, Any], expected: ErrorCode | str
) -> None:
    found = dialect.parse(Call("1", action, payload), True)
    if isinstance(expected, ErrorCode):
        assert isinstance(found, Refusal), wrong
        assert found.code is expected
    else:
        assert isinstance(found, Ready), wrong
        assert found.payload == {"status": expected}
        assert found.why


def test_every_served_action_has_rows_and_a_good_request_that_passes(dialect: V16) -> None:
    assert {row[0] for row in ROWS} == set(SERVED) == set(GOOD) == {name for name, parser in ACTIONS.items() if parser}
    for action, payload in GOOD.items():
        found = dialect.parse(Call("1", action, payload), True)
        assert not isinstance(found, Refusal), action
        assert not isinstance(found, Ready) or action == "DataTransfer"


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _leaves(inner, (*path, key))


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(copy[path[0]], path[1:], new)
    return copy


@pytest.mark.rule("ocpp16.J07")
@pytest.mark.parametrize("action", sorted(GOOD))
def test_any_field_of_another_type_is_a_type_violation(dialect: V16, action: str) -> None:
    """Wherever it stands, and whichever type it has instead."""
    for path in _leaves(GOOD[action]):
        old = GOOD[action]
        for step in path:
            old = old[step]
        for new in ([[]], {"a": []}, "text", 1, 1.5, True):
            if isinstance(new, type(old)) and not isinstance(new, bool):
                continue
            if isinstance(new, float) and path[-1] == "limit":
                continue  # any number is a limit
            found = dialect.parse(Call("1", action, _replaced(GOOD[action], path, new)), True)
            assert isinstance(found, Refusal), (path, new)
            assert found.code is TYPE, (path, new)


@pytest.mark.rule("ocpp16.J07")
@pytest.mark.rule("ocpp16.Y02")
def test_unknown_and_unserved_actions_have_codes_of_their_own(dialect: V16) -> None:
    for action in ("Heartbeat", "MeterValues"):
        for payload in ({}, {"nonsense": [1]}):
            found = dialect.parse(Call("1", action, payload), True)
            assert isinstance(found, Refusal)
            assert found.code is ErrorCode.NOT_SUPPORTED
    for action in ("GetVariables", "getLog", "Unlock Connector", "\u00fcber"):
        found = dialect.parse(Call("1", action, {}), True)
        assert isinstance(found, Refusal)
        assert found.code is ErrorCode.NOT_IMPLEMENTED


@pytest.mark.rule("ocpp16.Y05")
@pytest.mark.parametrize("limit", [6.25, 0.123456, 16])
def test_a_limit_of_many_decimals_is_understood(dialect: V16, limit: float) -> None:
    payload = scheduled(chargingSchedulePeriod=[PERIOD | {"limit": limit}])
    assert not isinstance(dialect.parse(Call("1", "RemoteStartTransaction", payload), True), Refusal | Ready)


@pytest.mark.rule("ocpp16.Y04")
@pytest.mark.rule("ocpp16.J06")
@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("RemoteStartTransaction", start(connectorId=None, chargingProfile=None)),
        ("RemoteStartTransaction", profiled(validTo=None, transactionId=None)),
        ("GetConfiguration", {"key": None}),
        ("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate", "connectorId": None}),
        ("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": None}),
    ],
)
def test_null_is_an_absent_optional_field(dialect: V16, action: str, payload: dict[str, Any]) -> None:
    assert not isinstance(dialect.parse(Call("1", action, payload), True), Refusal | Ready)


@pytest.mark.rule("ocpp16.K01")
@pytest.mark.rule("ocpp16.K03")
def test_as_many_keys_as_fit_are_answered(dialect: V16) -> None:
    assert len(KEYS) <= 100
    for count in (100, 101, MAXIMUM_ASKED_KEYS):
        found = dialect.parse(Call("1", "GetConfiguration", {"key": [f"k{n}" for n in range(count)]}), True)
        assert not isinstance(found, Refusal | Ready)


FIRST_USE = """
import json, sys
from agent.ocpp.dialect import DIALECTS
from agent.ocpp.exchange import Ready, Refusal
from agent.ocpp.rpc import AnswerMemory, Rpc
from agent.ocpp.wire import CallError, CallResult
from agent.vocabulary.commands import Result, ResultStatus
from agent.vocabulary.options import StationOptions

dialect = DIALECTS["ocpp1.6"](StationOptions((), {}))
line = Rpc(AnswerMemory())
known = set(sys.modules)
for number, (action, payload) in enumerate(json.loads(sys.argv[1])):
    call = line.receive(json.dumps([2, str(number), action, payload])).call
    parsed = dialect.parse(call, True)
    if isinstance(parsed, Refusal):
        line.answer(CallError(call.message_id, parsed.code.value, parsed.why))
    elif isinstance(parsed, Ready):
        line.answer(CallResult(call.message_id, parsed.payload))
    else:
        line.answer(CallResult(call.message_id, dialect.answer(call, Result(ResultStatus.ACCEPTED), 300)))
dialect.read_boot({"status": "Accepted", "currentTime": "2026-05-28T20:26:40.123Z", "interval": 300})
print(sorted(set(sys.modules) - known))
"""


@pytest.mark.rung3
def test_the_first_message_of_a_kind_imports_nothing() -> None:
    """What a message needs is there before the first one comes: imports, validators, patterns."""
    requests = [*GOOD.items(), *((row[0], row[2]) for row in ROWS)]
    command = [sys.executable, "-c", FIRST_USE, json.dumps(requests)]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert found.stdout.strip() == "[]"
