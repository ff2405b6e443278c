"""Calls of the peer: commands, ready answers, refusals; and the answers to commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from agent.ocpp.exchange import Ready, Refusal
from agent.ocpp.v16.answers import STATUSES
from agent.ocpp.v16.dialect import V16
from agent.ocpp.v16.keys import KEYS
from agent.ocpp.v16.parse import ACTIONS
from agent.ocpp.wire import Call, CallResult, ErrorCode, write
from agent.vocabulary.charging import ChargingProfile, Period, ProfileKind, Purpose, RateUnit, Schedule
from agent.vocabulary.commands import (
    ChangeAvailability,
    ClearCache,
    Command,
    GetOptions,
    OptionSeen,
    RemoteStart,
    RemoteStop,
    Reset,
    Result,
    ResultStatus,
    SetOption,
    Unlock,
)
from agent.vocabulary.ids import ConnectorId, IdToken, IdTokenType
from agent.vocabulary.options import OPTIONS, RESERVATION_SERVICE, Selection, UpstreamOptions
from hal.api import Measurand

Valid = Callable[[str, Mapping[str, Any]], None]
PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "validTo": None,
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.25}]},
}
CHARGING = ChargingProfile(
    1, 0, Purpose.TRANSACTION, ProfileKind.RELATIVE, Schedule(RateUnit.AMPERE, (Period(0, 6.2),))
)
TOKEN = IdToken("04A1", IdTokenType.CENTRAL)


def parsed(dialect: V16, action: str, payload: dict[str, Any], registered: bool = True) -> Any:
    return dialect.parse(Call("1", action, payload), registered)


@pytest.mark.parametrize(
    ("action", "payload", "command"),
    [
        ("RemoteStartTransaction", {"idTag": "04A1"}, RemoteStart(TOKEN)),
        ("RemoteStartTransaction", {"idTag": "04A1", "connectorId": 2}, RemoteStart(TOKEN, ConnectorId(2))),
        ("RemoteStartTransaction", {"idTag": "04A1", "connectorId": None}, RemoteStart(TOKEN)),
        ("RemoteStartTransaction", {"idTag": "04A1", "chargingProfile": PROFILE}, RemoteStart(TOKEN, profile=CHARGING)),
        ("RemoteStopTransaction", {"transactionId": -7}, RemoteStop("-7")),
        ("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}, ChangeAvailability(ConnectorId(0), False)),
        ("ChangeAvailability", {"connectorId": 2, "type": "Operative"}, ChangeAvailability(ConnectorId(2), True)),
        ("UnlockConnector", {"connectorId": 1}, Unlock(ConnectorId(1))),
        ("Reset", {"type": "Soft"}, Reset(hard=False)),
        ("Reset", {"type": "Hard"}, Reset(hard=True)),
        ("ClearCache", {}, ClearCache()),
        ("GetConfiguration", {}, GetOptions()),
        ("GetConfiguration", {"key": ["X"]}, GetOptions()),
        (
            "ChangeConfiguration",
            {"key": "metervaluesampleinterval", "value": " 30"},
            SetOption("sample_interval_s", 30),
        ),
        (
            "ChangeConfiguration",
            {"key": "StopTxnSampledData", "value": "Voltage"},
            SetOption("stop_sampled_measurands", (Selection(Measurand.VOLTAGE),)),
        ),
    ],
)
def test_calls_become_commands(dialect: V16, action: str, payload: dict[str, Any], command: Command) -> None:
    assert parsed(dialect, action, payload) == command


@pytest.mark.parametrize(
    ("action", "payload", "status"),
    [
        ("RemoteStartTransaction", {"idTag": "04A1", "connectorId": 0}, "Rejected"),
        ("RemoteStartTransaction", {"idTag": "04A1", "connectorId": 3}, "Rejected"),
        ("RemoteStartTransaction", {"idTag": " "}, "Rejected"),
        (
            "RemoteStartTransaction",
            {"idTag": "04A1", "chargingProfile": {**PROFILE, "chargingProfilePurpose": "TxDefaultProfile"}},
            "Rejected",
        ),
        ("UnlockConnector", {"connectorId": 0}, "NotSupported"),
        ("UnlockConnector", {"connectorId": 3}, "NotSupported"),
        ("ChangeAvailability", {"connectorId": -1, "type": "Operative"}, "Rejected"),
        ("ChangeAvailability", {"connectorId": 3, "type": "Operative"}, "Rejected"),
        ("ChangeConfiguration", {"key": "NoSuchKey", "value": "1"}, "NotSupported"),
        ("ChangeConfiguration", {"key": "NumberOfConnectors", "value": "5"}, "Rejected"),
        ("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "-1"}, "Rejected"),
        ("ChangeConfiguration", {"key": "AuthorizationKey", "value": "0123456789abcde"}, "Rejected"),
        ("DataTransfer", {"vendorId": "com.example"}, "UnknownVendorId"),
    ],
)
@pytest.mark.rule("ocpp16.K05")
def test_some_calls_are_answered_without_the_station(
    dialect: V16, valid: Valid, action: str, payload: dict[str, Any], status: str
) -> None:
    found = parsed(dialect, action, payload)
    assert isinstance(found, Ready)
    assert found.payload == {"status": status}
    assert found.why
    valid(f"{action}Response", found.payload)


@pytest.mark.rule("ocpp16.J07")
@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_what_is_known_but_not_built_is_not_supported(dialect: V16, action: str) -> None:
    found = parsed(dialect, action, {"nonsense": 1})
    assert isinstance(found, Refusal)
    assert (found.code is ErrorCode.NOT_SUPPORTED) == (ACTIONS[action] is None)


@pytest.mark.rule("ocpp16.J07")
def test_what_is_unknown_is_not_implemented(dialect: V16) -> None:
    for action in ("MakeCoffee", "reset", "", "__class__"):
        assert parsed(dialect, action, {}) == Refusal(ErrorCode.NOT_IMPLEMENTED, "the action is not known")


@pytest.mark.rule("ocpp16.B03")
@pytest.mark.parametrize(
    ("action", "payload"),
    [("RemoteStartTransaction", {"idTag": "A"}), ("RemoteStopTransaction", {"transactionId": 1})],
)
def test_before_registration_transactions_are_rejected_and_the_rest_is_served(
    dialect: V16, action: str, payload: dict[str, Any]
) -> None:
    assert parsed(dialect, action, payload, registered=False) == Ready({"status": "Rejected"}, "not registered yet")
    assert parsed(dialect, "GetConfiguration", {}, registered=False) == GetOptions()


def options_seen() -> tuple[OptionSeen, ...]:
    options = UpstreamOptions()
    rows = (
        OptionSeen(row.name, getattr(options, row.name, 1), readonly=row.name == "stop_on_invalid") for row in OPTIONS
    )
    return (OptionSeen(RESERVATION_SERVICE, True, readonly=True), *rows)


def configuration(dialect: V16, *asked: str, heartbeat_s: int = 300) -> dict[str, Any]:
    payload = {"key": list(asked)} if asked else {}
    result = Result(ResultStatus.ACCEPTED, options=options_seen())
    return dict(dialect.answer(Call("1", "GetConfiguration", payload), result, heartbeat_s))


@pytest.mark.rule("ocpp16.K10")
@pytest.mark.rule("ocpp16.K01")
def test_all_keys_are_listed_but_the_secret(dialect: V16, valid: Valid) -> None:
    payload = configuration(dialect)
    valid("GetConfigurationResponse", payload)
    names = [entry["key"] for entry in payload["configurationKey"]]
    assert names == [key.name for key in KEYS if key.name != "AuthorizationKey"]
    assert "unknownKey" not in payload
    assert all(isinstance(entry["value"], str) for entry in payload["configurationKey"])


@pytest.mark.rule("ocpp16.K01")
@pytest.mark.rule("ocpp16.K03")
@pytest.mark.rule("ocpp16.T03")
def test_named_keys_are_answered_and_unknown_ones_listed(dialect: V16, valid: Valid) -> None:
    payload = configuration(dialect, "numberofconnectors", "Nope", "StopTransactionOnInvalidId", "Nope")
    valid("GetConfigurationResponse", payload)
    assert payload["configurationKey"] == [
        {"key": "NumberOfConnectors", "readonly": True, "value": "2"},
        {"key": "StopTransactionOnInvalidId", "readonly": True, "value": "true"},
    ]
    assert payload["unknownKey"] == ["Nope"]
    everything = configuration(dialect, *(key.name for key in KEYS))
    assert len(everything["configurationKey"]) == len(KEYS)
    assert "unknownKey" not in everything


@pytest.mark.rule("ocpp16.K09")
def test_what_is_told_follows_every_change_and_is_written_once_between_them(dialect: V16) -> None:
    def told(options: tuple[OptionSeen, ...], heartbeat_s: int, *asked: str) -> Mapping[str, Any]:
        call = Call("1", "GetConfiguration", {"key": list(asked)})
        return dialect.answer(call, Result(ResultStatus.ACCEPTED, options=options), heartbeat_s)

    options = options_seen()
    everything = told(options, 300)
    assert told(options, 300) is everything
    assert write(CallResult("1", everything)) == write(CallResult("1", dict(everything)))
    assert told(options_seen(), 300) == everything
    changed = tuple(replace(each, value=7) if each.name == "reset_retries" else each for each in options)
    assert told(options, 300, "ResetRetries")["configurationKey"][0]["value"] == "1"
    assert told(changed, 300, "ResetRetries")["configurationKey"][0]["value"] == "7"
    assert {"key": "ResetRetries", "readonly": False, "value": "7"} in told(changed, 300)["configurationKey"]
    assert told(changed, 60, "HeartbeatInterval")["configurationKey"][0]["value"] == "60"
    assert {"key": "HeartbeatInterval", "readonly": False, "value": "60"} in told(changed, 60)["configurationKey"]
    without = told((), 60)["configurationKey"]
    core = {"key": "SupportedFeatureProfiles", "readonly": True, "value": "Core,SmartCharging,RemoteTrigger"}
    assert core in without
    assert all(fixed(entry) for entry in without)


def fixed(entry: Mapping[str, Any]) -> bool:
    return any(key.name == entry["key"] and key.constant for key in KEYS)


@pytest.mark.rule("ocpp16.K06")
def test_the_secret_is_never_answered(dialect: V16, valid: Valid) -> None:
    payload = configuration(dialect, "AuthorizationKey")
    valid("GetConfigurationResponse", payload)
    assert payload["configurationKey"] == [{"key": "AuthorizationKey", "readonly": False}]


@pytest.mark.rule("ocpp16.K09")
def test_the_heartbeat_interval_is_the_one_in_force(dialect: V16) -> None:
    assert configuration(dialect, "HeartbeatInterval", heartbeat_s=17)["configurationKey"][0]["value"] == "17"


@pytest.mark.rule("ocpp16.K04")
def test_an_option_that_the_station_hides_is_an_unknown_key(dialect: V16) -> None:
    call = Call("1", "GetConfiguration", {"key": ["LocalPreAuthorize"]})
    payload = dialect.answer(call, Result(ResultStatus.ACCEPTED), 300)
    assert payload == {"configurationKey": [], "unknownKey": ["LocalPreAuthorize"]}


@pytest.mark.parametrize("action", sorted(STATUSES))
@pytest.mark.parametrize("status", list(ResultStatus))
def test_every_result_has_a_valid_answer(dialect: V16, valid: Valid, action: str, status: ResultStatus) -> None:
    valid(f"{action}Response", dialect.answer(Call("1", action), Result(status), 300))


def test_results_are_worded_as_the_message_does(dialect: V16) -> None:
    def word(action: str, status: ResultStatus) -> str:
        said = dialect.answer(Call("1", action), Result(status), 300)
        assert not isinstance(said, Refusal)
        return str(said["status"])

    assert word("ChangeAvailability", ResultStatus.SCHEDULED) == "Scheduled"
    assert word("ChangeConfiguration", ResultStatus.REBOOT_REQUIRED) == "RebootRequired"
    assert word("UnlockConnector", ResultStatus.UNLOCK_FAILED) == "UnlockFailed"
    assert word("UnlockConnector", ResultStatus.REJECTED) == "UnlockFailed"
    assert word("UnlockConnector", ResultStatus.NOT_SUPPORTED) == "NotSupported"
    assert word("Reset", ResultStatus.SCHEDULED) == "Rejected"
    assert set(STATUSES) == {name for name, parser in ACTIONS.items() if parser} - {
        "GetConfiguration",
        "GetCompositeSchedule",
        "GetLocalListVersion",
        "GetDiagnostics",
        "GetLog",
        "UpdateFirmware",
        "DataTransfer",
    }
