"""Results of the station to OCPP 1.6 confirmations.

Theory of operation
-------------------
`STATUSES` holds, for each action with a status, how each result that it can have is spelt. A result that a message has
no word for falls back to the last column: the honest refusal of that message. GetConfiguration is a list, not a status,
and GetInstalledCertificateIds has a list beside its status.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from agent.ocpp.v16 import keys
from agent.ocpp.v16.keys import KEYS, Key, StationFacts
from agent.ocpp.wire import Call
from agent.vocabulary.commands import OptionSeen, Result, ResultStatus
from agent.vocabulary.options import OPTION_BY_NAME, Kind

_R = ResultStatus
_YES_OR_NO: Final = ({_R.ACCEPTED: "Accepted"}, "Rejected")
STATUSES: Final[Mapping[str, tuple[Mapping[ResultStatus, str], str]]] = {
    "CertificateSigned": _YES_OR_NO,
    "ChangeAvailability": ({_R.ACCEPTED: "Accepted", _R.SCHEDULED: "Scheduled"}, "Rejected"),
    "ChangeConfiguration": (
        {_R.ACCEPTED: "Accepted", _R.REBOOT_REQUIRED: "RebootRequired", _R.NOT_SUPPORTED: "NotSupported"},
        "Rejected",
    ),
    "ClearCache": _YES_OR_NO,
    "DeleteCertificate": ({_R.ACCEPTED: "Accepted", _R.NOT_FOUND: "NotFound"}, "Failed"),
    "ExtendedTriggerMessage": ({_R.ACCEPTED: "Accepted", _R.NOT_IMPLEMENTED: "NotImplemented"}, "Rejected"),
    "GetInstalledCertificateIds": ({_R.ACCEPTED: "Accepted"}, "NotFound"),
    "InstallCertificate": ({_R.ACCEPTED: "Accepted", _R.FAILED: "Failed"}, "Rejected"),
    "RemoteStartTransaction": _YES_OR_NO,
    "RemoteStopTransaction": _YES_OR_NO,
    "Reset": _YES_OR_NO,
    "UnlockConnector": (
        {_R.UNLOCKED: "Unlocked", _R.ACCEPTED: "Unlocked", _R.NOT_SUPPORTED: "NotSupported"},
        "UnlockFailed",
    ),
}


def answer(call: Call, result: Result, facts: StationFacts, heartbeat_interval_s: int) -> dict[str, Any]:
    """The payload that confirms a call that became a command."""
    if call.action == "GetConfiguration":
        return configuration(call.payload.get("key") or (), result.options, facts, heartbeat_interval_s)
    if call.action == "GetInstalledCertificateIds":
        return installed_certificates(result)
    words, otherwise = STATUSES[call.action]
    return {"status": words.get(result.status, otherwise)}


def installed_certificates(result: Result) -> dict[str, Any]:
    """GetInstalledCertificateIds.conf: a list has at least one entry, none at all is NotFound."""
    if result.status is not ResultStatus.ACCEPTED or not result.certificates:
        return {"status": "NotFound"}
    return {
        "status": "Accepted",
        "certificateHashData": [
            {
                "hashAlgorithm": named.algorithm.value,
                "issuerNameHash": named.issuer_name_hash,
                "issuerKeyHash": named.issuer_key_hash,
                "serialNumber": named.serial_number,
            }
            for named in result.certificates
        ],
    }


def configuration(
    asked: Sequence[str], options: Sequence[OptionSeen], facts: StationFacts, heartbeat_interval_s: int
) -> dict[str, Any]:
    """GetConfiguration.conf: all keys for an empty request, else what was asked for (OCPP 1.6 5.8)."""
    seen = {option.name: option for option in options}
    wanted = list(dict.fromkeys(asked)) or [key.name for key in KEYS if not _is_secret(key)]
    known: dict[str, dict[str, Any]] = {}
    unknown: list[str] = []
    for name in wanted:
        key = keys.find(name)
        entry = None if key is None else _entry(key, seen, facts, heartbeat_interval_s)
        if key is not None and entry is not None:
            known[key.name] = entry
        elif asked:
            unknown.append(name)
    payload: dict[str, Any] = {"configurationKey": list(known.values())}
    if unknown:
        payload["unknownKey"] = unknown
    return payload


def _entry(
    key: Key, seen: Mapping[str, OptionSeen], facts: StationFacts, heartbeat_interval_s: int
) -> dict[str, Any] | None:
    constant = keys.constant_text(key, facts)
    if constant is not None:
        return {"key": key.name, "readonly": True, "value": constant}
    option = seen.get(key.option or "")
    if _is_secret(key):
        return {"key": key.name, "readonly": False}  # it may be written, and is never told
    if option is None:
        return None
    value = heartbeat_interval_s if key.option == "heartbeat_interval_s" else option.value
    text = keys.value_text(key, value, facts)
    return {"key": key.name, "readonly": option.readonly, "value": text}


def _is_secret(key: Key) -> bool:
    return key.option is not None and OPTION_BY_NAME[key.option].kind is Kind.SECRET
