"""TriggerMessage and ExtendedTriggerMessage: what each name asks for, and the messages about no job at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from agent.ocpp.v16.dialect import V16
from agent.ocpp.v16.triggers import EXTENDED, PLAIN
from agent.ocpp.wire import Call
from agent.vocabulary.commands import Result, ResultStatus, TriggerKind, TriggerMessage
from agent.vocabulary.ids import STATION, ConnectorId

Valid = Callable[[str, dict[str, Any]], None]
ONE = ConnectorId(1)
COMMANDS = [
    *(("TriggerMessage", name, what) for name, what in PLAIN.items()),
    *(("ExtendedTriggerMessage", name, what) for name, what in EXTENDED.items()),
]


def parsed(dialect: V16, action: str, message: str, **more: Any) -> object:
    return dialect.parse(Call("1", action, {"requestedMessage": message} | more), False)


@pytest.mark.rule("ocpp16.G01")
@pytest.mark.rule("ocpp16.G02")
@pytest.mark.rule("ocpp16.B03")
@pytest.mark.parametrize(("action", "message", "what"), COMMANDS)
def test_each_message_can_be_asked_for_before_the_registration_too(
    dialect: V16, valid: Valid, action: str, message: str, what: TriggerKind
) -> None:
    valid(action, {"requestedMessage": message})
    assert parsed(dialect, action, message) == TriggerMessage(what)


@pytest.mark.rule("ocpp16.G02")
def test_by_one_name_the_two_mean_different_messages() -> None:
    assert PLAIN["FirmwareStatusNotification"] is TriggerKind.FIRMWARE_STATUS
    assert EXTENDED["FirmwareStatusNotification"] is TriggerKind.SIGNED_FIRMWARE_STATUS
    assert set(PLAIN.values()) | set(EXTENDED.values()) == set(TriggerKind)


@pytest.mark.rule("ocpp16.G01")
@pytest.mark.parametrize("action", ["TriggerMessage", "ExtendedTriggerMessage"])
def test_a_connector_counts_where_the_message_is_about_one(dialect: V16, action: str) -> None:
    values, status = TriggerKind.METER_VALUES, TriggerKind.STATUS
    assert parsed(dialect, action, "MeterValues", connectorId=1) == TriggerMessage(values, ONE)
    assert parsed(dialect, action, "StatusNotification", connectorId=1) == TriggerMessage(status, ONE)
    assert parsed(dialect, action, "StatusNotification", connectorId=0) == TriggerMessage(status, STATION)
    for connector in (0, 1, 3, -1):
        assert parsed(dialect, action, "Heartbeat", connectorId=connector) == TriggerMessage(TriggerKind.HEARTBEAT)
        found = parsed(dialect, action, "FirmwareStatusNotification", connectorId=connector)
        assert isinstance(found, TriggerMessage)
        assert found.connector is None


@pytest.mark.rule("ocpp16.G01")
@pytest.mark.parametrize(
    ("what", "action"),
    [
        (TriggerKind.DIAGNOSTICS_STATUS, "DiagnosticsStatusNotification"),
        (TriggerKind.FIRMWARE_STATUS, "FirmwareStatusNotification"),
        (TriggerKind.LOG_STATUS, "LogStatusNotification"),
        (TriggerKind.SIGNED_FIRMWARE_STATUS, "SignedFirmwareStatusNotification"),
    ],
)
def test_a_job_that_does_not_run_is_idle_and_has_no_id(
    dialect: V16, valid: Valid, what: TriggerKind, action: str
) -> None:
    frame = json.loads(dialect.idle(what, "m1"))
    valid(action, frame[3])
    assert frame == [2, "m1", action, {"status": "Idle"}]


@pytest.mark.parametrize("action", ["TriggerMessage", "ExtendedTriggerMessage"])
def test_the_station_accepts_or_rejects(dialect: V16, action: str) -> None:
    assert dialect.answer(Call("1", action), Result(ResultStatus.ACCEPTED), 300) == {"status": "Accepted"}
    assert dialect.answer(Call("1", action), Result(ResultStatus.REJECTED), 300) == {"status": "Rejected"}
