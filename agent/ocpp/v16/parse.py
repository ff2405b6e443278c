"""Calls of an OCPP 1.6 peer: validated strictly, then a command for the station, a ready answer, or a refusal.

Theory of operation
-------------------
`ACTIONS` names every action of the standard and its security extension. Those with a parser are served; the rest is
known but not supported; what is not in the table is not implemented (OCPP-J 1.6 4.2.3). A parser may assume that its
payload is valid by the schema. `answer` is its counterpart: result of the station to payload of the confirmation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from agent.ocpp.exchange import Parsed, Ready, Refusal
from agent.ocpp.v16 import charging, credentials, firmware, keys, local_list, reservation, triggers, uploads
from agent.ocpp.v16.data_transfer import data_transfer
from agent.ocpp.v16.invalid import Invalid
from agent.ocpp.v16.keys import StationFacts
from agent.ocpp.v16.validators import VALIDATORS
from agent.ocpp.wire import Call, ErrorCode, JsonObject
from agent.vocabulary.charging import Purpose
from agent.vocabulary.commands import (
    ChangeAvailability,
    ClearCache,
    GetOptions,
    RemoteStart,
    RemoteStop,
    Reset,
    SetOption,
    Unlock,
)
from agent.vocabulary.ids import STATION, ConnectorId, IdToken, IdTokenType
from agent.vocabulary.options import OPTION_BY_NAME

_VALIDATORS: Final[Mapping[str, Callable[[dict[str, Any]], object]]] = VALIDATORS
Parser = Callable[[Mapping[str, Any], StationFacts], Parsed]

MAXIMUM_ASKED_KEYS: Final = 500
"""More than we promise ("GetConfigurationMaxKeys"), and as many as an answer has room for."""
_CREDENTIALS: Final[Mapping[str, Callable[[str], Parsed]]] = {  # each of `keys.NOT_SET_AS_OPTIONS`
    "authorization_key": credentials.set_password,
    "security_profile": credentials.raise_security_profile,
    "own_url": credentials.set_own_url,
}
"""Options that are written by commands of their own: a key must not travel as an option, where it would be stored."""
REJECTED: Final = {"status": "Rejected"}
TRANSACTION_ACTIONS: Final = frozenset({"RemoteStartTransaction", "RemoteStopTransaction"})
"""Rejected until the upstream is registered (OCPP 1.6 4.2.1)."""


def _remote_start(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    """With a profile for the transaction that comes of it, if there is one (OCPP 1.6 5.11)."""
    connector = payload.get("connectorId")
    if connector is not None and not 1 <= connector <= facts.connectors:
        return Ready(REJECTED, f"there is no connector {connector}")
    if not payload["idTag"].strip():
        return Ready(REJECTED, "the idTag is empty")
    token = IdToken(payload["idTag"], IdTokenType.CENTRAL)
    try:
        profile = charging.read_profile(payload["chargingProfile"]) if "chargingProfile" in payload else None
    except ValueError as wrong:
        return Ready(REJECTED, str(wrong))
    if profile is not None and profile.purpose is not Purpose.TRANSACTION:
        return Ready(REJECTED, "a remote start takes a TxProfile only")
    return RemoteStart(token, None if connector is None else ConnectorId(connector), profile=profile)


def _remote_stop(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    return RemoteStop(str(payload["transactionId"]))


def _get_configuration(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    if len(payload.get("key", ())) > MAXIMUM_ASKED_KEYS:
        return Refusal(ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION, f"more than {MAXIMUM_ASKED_KEYS} keys")
    return GetOptions()


def _change_configuration(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    key = keys.find(payload["key"])
    if key is None:
        return Ready({"status": "NotSupported"}, "no such key")
    option = None if key.option is None else OPTION_BY_NAME[key.option]
    if option is None or not option.writable or keys.constant_text(key, facts) is not None:
        return Ready(REJECTED, f"{key.name} is read-only")
    if option.name in _CREDENTIALS:
        return _CREDENTIALS[option.name](payload["value"])
    try:
        return SetOption(option.name, keys.read_value(option, payload["value"], facts))
    except ValueError as wrong:
        return Ready(REJECTED, f"{key.name}: {wrong}")


def _reset(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    return Reset(hard=payload["type"] == "Hard")


def _unlock(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    connector = payload["connectorId"]
    if not 1 <= connector <= facts.connectors:
        return Ready({"status": "NotSupported"}, f"there is no connector {connector}")
    return Unlock(ConnectorId(connector))


def _change_availability(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    connector = payload["connectorId"]
    if not STATION <= connector <= facts.connectors:
        return Ready(REJECTED, f"there is no connector {connector}")
    return ChangeAvailability(ConnectorId(connector), operative=payload["type"] == "Operative")


def _clear_cache(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    return ClearCache()


ACTIONS: Final[Mapping[str, Parser | None]] = {
    "Authorize": None,
    "BootNotification": None,
    "CancelReservation": reservation.cancel_reservation,
    "CertificateSigned": credentials.certificate_signed,
    "ChangeAvailability": _change_availability,
    "ChangeConfiguration": _change_configuration,
    "ClearCache": _clear_cache,
    "ClearChargingProfile": charging.clear_charging_profile,
    "DataTransfer": data_transfer,
    "DeleteCertificate": credentials.delete_certificate,
    "DiagnosticsStatusNotification": None,
    "ExtendedTriggerMessage": triggers.extended_trigger_message,
    "FirmwareStatusNotification": None,
    "GetCompositeSchedule": charging.get_composite_schedule,
    "GetConfiguration": _get_configuration,
    "GetDiagnostics": uploads.get_diagnostics,
    "GetInstalledCertificateIds": credentials.get_installed_certificate_ids,
    "GetLocalListVersion": local_list.get_local_list_version,
    "GetLog": uploads.get_log,
    "Heartbeat": None,
    "InstallCertificate": credentials.install_certificate,
    "LogStatusNotification": None,
    "MeterValues": None,
    "RemoteStartTransaction": _remote_start,
    "RemoteStopTransaction": _remote_stop,
    "ReserveNow": reservation.reserve_now,
    "Reset": _reset,
    "SecurityEventNotification": None,
    "SendLocalList": local_list.send_local_list,
    "SetChargingProfile": charging.set_charging_profile,
    "SignCertificate": None,
    "SignedFirmwareStatusNotification": None,
    "SignedUpdateFirmware": firmware.signed_update_firmware,
    "StartTransaction": None,
    "StatusNotification": None,
    "StopTransaction": None,
    "TriggerMessage": triggers.trigger_message,
    "UnlockConnector": _unlock,
    "UpdateFirmware": firmware.update_firmware,
}


_INVALID_STATUS: Final[Mapping[tuple[str, str, str], str]] = {
    ("ExtendedTriggerMessage", "requestedMessage", "enum"): "NotImplemented",
    ("TriggerMessage", "requestedMessage", "enum"): "NotImplemented",
    ("CertificateSigned", "certificateChain", "maxLength"): "Rejected",
}
"""Where the standard wants a status for what its schema does not allow: a message that cannot be triggered because
nobody knows it, a chain longer than "CertificateSignedMaxChainSize" (A02)."""


def parse(call: Call, facts: StationFacts, registered: bool) -> Parsed:
    """What a call asks for. `registered` False: starting and stopping transactions is Rejected."""
    if call.action not in ACTIONS:
        return Refusal(ErrorCode.NOT_IMPLEMENTED, "the action is not known")
    parser = ACTIONS[call.action]
    if parser is None:
        return Refusal(ErrorCode.NOT_SUPPORTED, "the action is not supported")
    payload = without_nulls(call.payload)
    try:
        _VALIDATORS[call.action](payload)
    except Invalid as invalid:
        return _invalid(call.action, invalid)
    if not registered and call.action in TRANSACTION_ACTIONS:
        return Ready(REJECTED, "not registered yet")
    return parser(payload, facts)


def _invalid(action: str, invalid: Invalid) -> Parsed:
    status = _INVALID_STATUS.get((action, invalid.place, invalid.rule))
    return Refusal(invalid.code, invalid.text) if status is None else Ready({"status": status}, invalid.text)


def without_nulls(payload: JsonObject) -> dict[str, Any]:
    """The payload without its null members: many peers write an absent optional field so."""
    return {name: _cleaned(value) for name, value in payload.items() if value is not None}


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return without_nulls(value)
    return [_cleaned(item) for item in value] if isinstance(value, list) else value
