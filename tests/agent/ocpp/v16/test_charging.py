"""Smart charging on the wire: profiles read, refused, and composite schedules told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from agent.ocpp.exchange import Ready, Refusal
from agent.ocpp.v16.dialect import V16
from agent.ocpp.wire import Call, ErrorCode
from agent.vocabulary.charging import (
    ChargingProfile,
    CompositeSchedule,
    Period,
    ProfileFilter,
    ProfileKind,
    Purpose,
    RateUnit,
    Recurrency,
    Schedule,
)
from agent.vocabulary.commands import ClearProfiles, GetComposite, Result, ResultStatus, SetProfile
from agent.vocabulary.ids import ConnectorId

Valid = Callable[[str, Mapping[str, Any]], None]
SENT: dict[str, Any] = {
    "chargingProfileId": 7,
    "stackLevel": 2,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Recurring",
    "recurrencyKind": "Daily",
    "validFrom": "2026-01-01T00:00:00Z",
    "chargingSchedule": {
        "duration": 3600,
        "startSchedule": "2026-01-01T22:00:00+02:00",
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6000.06, "numberPhases": 3}],
    },
}
READ = ChargingProfile(
    7,
    2,
    Purpose.TRANSACTION_DEFAULT,
    ProfileKind.RECURRING,
    Schedule(RateUnit.WATT, (Period(0, 6000.0, 3),), 3600, 1_767_297_600_000),
    Recurrency.DAILY,
    1_767_225_600_000,
)


def parsed(dialect: V16, action: str, payload: dict[str, Any]) -> Any:
    return dialect.parse(Call("1", action, payload), True)


@pytest.mark.rule("ocpp16.Y05")
def test_a_profile_is_read_with_its_times_and_its_limits_rounded_down(dialect: V16) -> None:
    command = parsed(dialect, "SetChargingProfile", {"connectorId": 0, "csChargingProfiles": SENT})
    assert command == SetProfile(ConnectorId(0), READ)
    with_id = {**SENT, "transactionId": -3, "chargingProfilePurpose": "TxProfile"}
    command = parsed(dialect, "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": with_id})
    assert command.foreign_id == "-3"


@pytest.mark.rule("ocpp16.C14")
@pytest.mark.parametrize("limit", [1e308, -1e308, 10**17])
def test_a_limit_beyond_any_current_reaches_the_station_to_be_refused(dialect: V16, limit: float) -> None:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
    absurd = {**SENT, "chargingSchedule": schedule}
    command = parsed(dialect, "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": absurd})
    assert command.profile.schedule.periods == (Period(0, limit),)
    brought = {**absurd, "chargingProfilePurpose": "TxProfile"}
    command = parsed(dialect, "RemoteStartTransaction", {"idTag": "A", "connectorId": 1, "chargingProfile": brought})
    assert command.profile is not None


@pytest.mark.rule("ocpp16.C14")
@pytest.mark.parametrize(
    ("connector", "changed", "code"),
    [
        (3, {}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION),
        (-1, {}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION),
        (1, {"chargingProfileKind": "Sometimes"}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION),
        (1, {"validTo": "tomorrow"}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION),
        (1, {"stackLevel": "2"}, ErrorCode.TYPE_CONSTRAINT_VIOLATION),
        (1, {"extra": 1}, ErrorCode.FORMATION_VIOLATION),
    ],
)
def test_what_cannot_be_meant_gets_its_code(
    dialect: V16, connector: int, changed: dict[str, Any], code: ErrorCode
) -> None:
    payload = {"connectorId": connector, "csChargingProfiles": {**SENT, **changed}}
    found = parsed(dialect, "SetChargingProfile", payload)
    assert isinstance(found, Refusal)
    assert found.code is code


def test_a_filter_is_what_is_given(dialect: V16) -> None:
    assert parsed(dialect, "ClearChargingProfile", {}) == ClearProfiles(ProfileFilter())
    payload = {"id": 3, "connectorId": 0, "chargingProfilePurpose": "TxProfile", "stackLevel": 1}
    wanted = ProfileFilter(3, ConnectorId(0), Purpose.TRANSACTION, 1)
    assert parsed(dialect, "ClearChargingProfile", payload) == ClearProfiles(wanted)


def test_a_composite_schedule_is_asked_for_in_either_unit(dialect: V16) -> None:
    assert parsed(dialect, "GetCompositeSchedule", {"connectorId": 1, "duration": 60}) == GetComposite(
        ConnectorId(1), 60
    )
    payload = {"connectorId": 0, "duration": 60, "chargingRateUnit": "W"}
    assert parsed(dialect, "GetCompositeSchedule", payload) == GetComposite(ConnectorId(0), 60, RateUnit.WATT)
    assert isinstance(parsed(dialect, "GetCompositeSchedule", {"connectorId": 9, "duration": 60}), Ready)
    wrong = parsed(dialect, "GetCompositeSchedule", {**payload, "chargingRateUnit": "VA"})
    assert isinstance(wrong, Refusal)
    assert wrong.code is ErrorCode.PROPERTY_CONSTRAINT_VIOLATION


def test_a_composite_schedule_is_told_without_its_own_start(dialect: V16, valid: Valid) -> None:
    periods = (Period(0, 8.0), Period(50, 10.5, 3))
    found = CompositeSchedule(ConnectorId(1), 1_767_225_600_000, 300, RateUnit.AMPERE, periods)
    call = Call("1", "GetCompositeSchedule", {})
    payload = dialect.answer(call, Result(ResultStatus.ACCEPTED, composite=found), 300)
    assert payload == {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": "2026-01-01T00:00:00.000Z",
        "chargingSchedule": {
            "duration": 300,
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [
                {"startPeriod": 0, "limit": 8.0},
                {"startPeriod": 50, "limit": 10.5, "numberPhases": 3},
            ],
        },
    }
    assert dialect.answer(call, Result(ResultStatus.REJECTED), 300) == {"status": "Rejected"}
    cleared = Call("1", "ClearChargingProfile", {})
    assert dialect.answer(cleared, Result(ResultStatus.NOT_FOUND), 300) == {"status": "Unknown"}


@pytest.mark.rule("ocpp16.T06")
@pytest.mark.parametrize(
    ("limit", "told"), [(16.0, 16.0), (15.9420, 15.9), (0.3, 0.3), (6.099999999, 6.1), (0.09, 0.0)]
)
def test_a_limit_goes_out_with_one_decimal_at_most(dialect: V16, limit: float, told: float) -> None:
    found = CompositeSchedule(ConnectorId(1), 1_767_225_600_000, 300, RateUnit.WATT, (Period(0, limit),))
    payload = dialect.answer(Call("1", "GetCompositeSchedule", {}), Result(ResultStatus.ACCEPTED, composite=found), 300)
    assert payload["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] == told
