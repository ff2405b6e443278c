"""Calls about smart charging (OCPP 1.6 3.13, 5.5, 5.7, 5.16): profiles in, composite schedules out.

Payloads are valid by their schema here. What a profile may be is decided by the station; a connector that there is not
gets a PropertyConstraintViolation, as the standard asks for. A limit with more than one decimal is rounded down, on the
way in and on the way out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from agent.ocpp.exchange import Parsed, Ready, Refusal
from agent.ocpp.v16.keys import StationFacts
from agent.ocpp.wire import ErrorCode
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
from agent.vocabulary.commands import ClearProfiles, GetComposite, SetProfile
from agent.vocabulary.ids import STATION, ConnectorId
from agent.vocabulary.moments import iso8601, parse_iso8601

ABSURD_LIMIT: Final = 1e9
_REJECTED: Final = {"status": "Rejected"}


def set_charging_profile(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    """SetChargingProfile. A time that cannot be read is a value that may not be."""
    connector = payload["connectorId"]
    if not STATION <= connector <= facts.connectors:
        return _no_connector(connector)
    sent = payload["csChargingProfiles"]
    try:
        profile = read_profile(sent)
    except ValueError as wrong:
        return Refusal(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, str(wrong))
    transaction = sent.get("transactionId")
    return SetProfile(ConnectorId(connector), profile, None if transaction is None else str(transaction))


def clear_charging_profile(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    """ClearChargingProfile."""
    connector, purpose = payload.get("connectorId"), payload.get("chargingProfilePurpose")
    return ClearProfiles(
        ProfileFilter(
            payload.get("id"),
            None if connector is None else ConnectorId(connector),
            None if purpose is None else Purpose(purpose),
            payload.get("stackLevel"),
        )
    )


def get_composite_schedule(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    """GetCompositeSchedule. Without a unit the answer is in amperes."""
    connector = payload["connectorId"]
    if not STATION <= connector <= facts.connectors:
        return Ready(_REJECTED, f"there is no connector {connector}")
    if payload["duration"] < 0:
        return Ready(_REJECTED, "the duration is negative")
    return GetComposite(
        ConnectorId(connector), payload["duration"], RateUnit(payload.get("chargingRateUnit", RateUnit.AMPERE))
    )


def composite(found: CompositeSchedule | None) -> dict[str, Any]:
    """GetCompositeSchedule.conf; `startSchedule` stays out of the schedule (errata 3.44)."""
    if found is None:
        return dict(_REJECTED)
    schedule = {
        "duration": found.duration_s,
        "chargingRateUnit": found.unit.value,
        "chargingSchedulePeriod": [_period(period) for period in found.periods],
    }
    return {
        "status": "Accepted",
        "connectorId": found.connector,
        "scheduleStart": iso8601(found.begin_wall_ms),
        "chargingSchedule": schedule,
    }


def read_profile(sent: Mapping[str, Any]) -> ChargingProfile:
    """A ChargingProfile. Raises ValueError for a time that cannot be read."""
    schedule = sent["chargingSchedule"]
    recurrency = sent.get("recurrencyKind")
    return ChargingProfile(
        sent["chargingProfileId"],
        sent["stackLevel"],
        Purpose(sent["chargingProfilePurpose"]),
        ProfileKind(sent["chargingProfileKind"]),
        Schedule(
            RateUnit(schedule["chargingRateUnit"]),
            tuple(
                Period(period["startPeriod"], _tenths(period["limit"]), period.get("numberPhases"))
                for period in schedule["chargingSchedulePeriod"]
            ),
            schedule.get("duration"),
            _time(schedule, "startSchedule"),
            schedule.get("minChargingRate"),
        ),
        None if recurrency is None else Recurrency(recurrency),
        _time(sent, "validFrom"),
        _time(sent, "validTo"),
    )


def _no_connector(connector: int) -> Refusal:
    return Refusal(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, f"connectorId: there is no connector {connector}")


def _tenths(limit: float) -> float:
    """Rounded down; what is far beyond any current or power is left as it is, to be refused."""
    if abs(limit) >= ABSURD_LIMIT:
        return limit
    return math.floor(limit * 10 + 1e-6) / 10


def _time(fields: Mapping[str, Any], name: str) -> int | None:
    text = fields.get(name)
    if text is None:
        return None
    try:
        return parse_iso8601(text)
    except (ValueError, OverflowError):
        raise ValueError(f"{name}: this is no date and time") from None


def _period(period: Period) -> dict[str, Any]:
    told: dict[str, Any] = {"startPeriod": period.start_s, "limit": _tenths(period.limit)}
    return told if period.phases is None else told | {"numberPhases": period.phases}
