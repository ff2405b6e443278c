"""Charging profiles as a case sends them, and the composite schedule that it compares."""

from __future__ import annotations

from typing import Any

from ocpp.v16 import call

from agent.vocabulary.moments import iso8601
from tests.certification.tool import Tool
from tests.rig.virtual_time import wall_ms

MAXIMUM, DEFAULT, SESSION = "ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"
Periods = list[tuple[int, float]]


def profile(
    number: int, purpose: str, *periods: tuple[int, float], level: int = 0, unit: str = "A", **more: Any
) -> dict[str, Any]:
    """An absolute profile from now on for a day; `more` are further fields of it, `duration` one of its schedule."""
    schedule = {
        "charging_rate_unit": unit,
        "charging_schedule_period": [{"start_period": start, "limit": limit} for start, limit in periods],
        "duration": more.pop("duration", 86_400),
        "start_schedule": iso8601(wall_ms() // 1000 * 1000 + 1000 * int(more.pop("from_s", 0))),
    }
    return {
        "charging_profile_id": number,
        "stack_level": level,
        "charging_profile_purpose": purpose,
        "charging_profile_kind": "Absolute",
        "charging_schedule": schedule,
        **more,
    }


def setting(tool: Tool, profile: dict[str, Any], connector: int = 1) -> Any:
    """SetChargingProfile: the status."""
    return tool.backend.status_of(call.SetChargingProfile(connector_id=connector, cs_charging_profiles=profile))


def clearing(tool: Tool, **wanted: Any) -> Any:
    """ClearChargingProfile: the status."""
    return tool.backend.status_of(call.ClearChargingProfile(**wanted))


async def composite(tool: Tool, seconds: int = 300, unit: str = "A", connector: int = 1) -> Periods:
    """GetCompositeSchedule, whose schedule must be whole and of now: start and limit of its periods."""
    request = call.GetCompositeSchedule(connector_id=connector, duration=seconds, charging_rate_unit=unit)
    answer = await tool.backend.call(request)
    schedule = answer["charging_schedule"]
    assert (answer["status"], answer["connector_id"]) == ("Accepted", connector)
    assert (schedule["duration"], schedule["charging_rate_unit"]) == (seconds, unit)
    assert "start_schedule" not in schedule
    assert iso8601(wall_ms() - 2000) <= answer["schedule_start"] <= iso8601(wall_ms())
    return [(period["start_period"], period["limit"]) for period in schedule["charging_schedule_period"]]
