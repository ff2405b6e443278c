"""Results of the station to OCPP 1.6 confirmations.

Theory of operation
-------------------
`STATUSES` holds, for each action with a status, how each result that it can have is spelt. A result that a message has
no word for falls back to the last column: the honest refusal of that message. GetConfiguration is a list, not a status,
and GetInstalledCertificateIds has a list beside its status.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from agent.ocpp.exchange import Refusal
from agent.ocpp.v16 import charging, firmware, keys, local_list, uploads
from agent.ocpp.v16.data_transfer import data_transfer_answer
from agent.ocpp.v16.keys import KEYS, Key, StationFacts
from agent.ocpp.wire import Call, JsonObject, Written
from agent.vocabulary.commands import OptionSeen, Result, ResultStatus
from agent.vocabulary.options import OPTION_BY_NAME, Kind

Entry = dict[str, Any]
"""One KeyValue of GetConfiguration.conf."""
_R = ResultStatus
_YES_OR_NO: Final = ({_R.ACCEPTED: "Accepted"}, "Rejected")
STATUSES: Final[Mapping[str, tuple[Mapping[ResultStatus, str], str]]] = {
    "CancelReservation": _YES_OR_NO,
    "CertificateSigned": _YES_OR_NO,
    "ChangeAvailability": ({_R.ACCEPTED: "Accepted", _R.SCHEDULED: "Scheduled"}, "Rejected"),
    "ChangeConfiguration": (
        {_R.ACCEPTED: "Accepted", _R.REBOOT_REQUIRED: "RebootRequired", _R.NOT_SUPPORTED: "NotSupported"},
        "Rejected",
    ),
    "ClearCache": _YES_OR_NO,
    "ClearChargingProfile": ({_R.ACCEPTED: "Accepted"}, "Unknown"),
    "DeleteCertificate": ({_R.ACCEPTED: "Accepted", _R.NOT_FOUND: "NotFound"}, "Failed"),
    "ExtendedTriggerMessage": ({_R.ACCEPTED: "Accepted", _R.NOT_IMPLEMENTED: "NotImplemented"}, "Rejected"),
    "GetInstalledCertificateIds": ({_R.ACCEPTED: "Accepted"}, "NotFound"),
    "InstallCertificate": ({_R.ACCEPTED: "Accepted", _R.FAILED: "Failed"}, "Rejected"),
    "RemoteStartTransaction": _YES_OR_NO,
    "RemoteStopTransaction": _YES_OR_NO,
    "ReserveNow": (
        {
            _R.ACCEPTED: "Accepted",
            _R.FAULTED: "Faulted",
            _R.OCCUPIED: "Occupied",
            _R.UNAVAILABLE: "Unavailable",
        },
        "Rejected",
    ),
    "Reset": _YES_OR_NO,
    "SendLocalList": (
        {
            _R.ACCEPTED: "Accepted",
            _R.NOT_SUPPORTED: "NotSupported",
            _R.VERSION_MISMATCH: "VersionMismatch",
        },
        "Failed",
    ),
    "SetChargingProfile": ({_R.ACCEPTED: "Accepted", _R.NOT_SUPPORTED: "NotSupported"}, "Rejected"),
    "SignedUpdateFirmware": (
        {
            _R.ACCEPTED: "Accepted",
            _R.ACCEPTED_CANCELED: "AcceptedCanceled",
            _R.INVALID_CERTIFICATE: "InvalidCertificate",
            _R.REVOKED_CERTIFICATE: "RevokedCertificate",
        },
        "Rejected",
    ),
    "TriggerMessage": _YES_OR_NO,
    "UnlockConnector": (
        {_R.UNLOCKED: "Unlocked", _R.ACCEPTED: "Unlocked", _R.NOT_SUPPORTED: "NotSupported"},
        "UnlockFailed",
    ),
}


def answer(call: Call, result: Result) -> JsonObject | Refusal:
    """The payload that confirms a call that became a command; GetConfiguration is answered by `Configuration`."""
    if call.action == "DataTransfer":
        return data_transfer_answer(result)
    if call.action == "UpdateFirmware":
        return firmware.legacy_answer(result)
    if call.action == "GetCompositeSchedule":
        return charging.composite(result.composite)
    if call.action == "GetDiagnostics":
        return uploads.diagnostics_answer(result)
    if call.action == "GetLog":
        return uploads.log_answer(result)
    if call.action == "GetLocalListVersion":
        return local_list.list_version(result)
    if call.action == "GetInstalledCertificateIds":
        return installed_certificates(result)
    words, otherwise = STATUSES[call.action]
    return status(words.get(result.status, otherwise))


@cache
def status(word: str) -> Written:
    """The payload that holds a status and nothing else. The words are few, so each is written once."""
    return Written({"status": word})


def installed_certificates(result: Result) -> JsonObject:
    """GetInstalledCertificateIds.conf: a list has at least one entry, none at all is NotFound."""
    if result.status is not ResultStatus.ACCEPTED or not result.certificates:
        return status("NotFound")
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


class Configuration:
    """GetConfiguration.conf: all keys for an empty request, else what was asked for (OCPP 1.6 5.8).

    The station hands out the same tuple of options until one changes: as long, each entry is made once and the whole
    list is written once.
    """

    def __init__(self, facts: StationFacts) -> None:
        self._facts = facts
        self._shown: tuple[tuple[OptionSeen, ...], int] = ((), 0)
        self._seen: Mapping[str, OptionSeen] = {}
        self._entries: dict[str, Entry | None] = {}
        self._all: Written | None = None

    def answer(
        self, asked: Sequence[str], options: tuple[OptionSeen, ...], heartbeat_interval_s: int
    ) -> dict[str, Any]:
        """The payload. `heartbeat_interval_s` is the interval in force."""
        if self._shown[0] is not options or self._shown[1] != heartbeat_interval_s:
            self._shown = (options, heartbeat_interval_s)
            self._seen = {option.name: option for option in options}
            self._entries, self._all = {}, None
        if asked:
            return self._named(dict.fromkeys(asked))
        if self._all is None:
            entries = [self._entry(key) for key in KEYS if not _is_secret(key)]
            self._all = Written({"configurationKey": [entry for entry in entries if entry is not None]})
        return self._all

    def _named(self, asked: Iterable[str]) -> dict[str, Any]:
        known: dict[str, Entry] = {}
        unknown: list[str] = []
        for name in asked:
            key = keys.find(name)
            entry = None if key is None else self._entry(key)
            if key is not None and entry is not None:
                known[key.name] = entry
            else:
                unknown.append(name)
        payload: dict[str, Any] = {"configurationKey": list(known.values())}
        if unknown:
            payload["unknownKey"] = unknown
        return payload

    def _entry(self, key: Key) -> Entry | None:
        if key.name not in self._entries:
            self._entries[key.name] = _entry(key, self._seen, self._facts, self._shown[1])
        return self._entries[key.name]


def _entry(key: Key, seen: Mapping[str, OptionSeen], facts: StationFacts, heartbeat_interval_s: int) -> Entry | None:
    if key.beside is not None and key.beside not in seen:
        return None
    constant = keys.constant_text(key, facts)
    if key.name == "SupportedFeatureProfiles":
        constant = keys.feature_profiles(seen)
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
