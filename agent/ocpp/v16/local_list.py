"""Calls about the local authorization list (OCPP 1.6 5.10, 5.15). Payloads are valid by their schema here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.ocpp.exchange import Parsed, Refusal
from agent.ocpp.v16.confirmations import verdict
from agent.ocpp.v16.keys import StationFacts
from agent.ocpp.wire import ErrorCode, JsonObject
from agent.vocabulary.commands import GetListVersion, Result, ResultStatus, SendList
from agent.vocabulary.ids import IdToken, IdTokenType
from agent.vocabulary.moments import parse_iso8601
from agent.vocabulary.records import ListEntry


def send_local_list(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    """SendLocalList. A date that cannot be read must not become a card that never expires."""
    entries = payload.get("localAuthorizationList", [])
    for entry in entries:
        if not _is_time(entry.get("idTagInfo", {}).get("expiryDate")):
            return Refusal(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "expiryDate: this is no date and time")
    return SendList(payload["listVersion"], payload["updateType"] == "Full", tuple(_entry(entry) for entry in entries))


def get_local_list_version(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    """GetLocalListVersion."""
    return GetListVersion()


def list_version(result: Result) -> JsonObject:
    """GetLocalListVersion.conf: -1 where there is no list (OCPP 1.6 6.24)."""
    return {"listVersion": result.list_version if result.status is ResultStatus.ACCEPTED else -1}


def _entry(entry: Mapping[str, Any]) -> ListEntry:
    return ListEntry(IdToken(entry["idTag"], IdTokenType.LOCAL), verdict(entry))


def _is_time(text: str | None) -> bool:
    if text is None:
        return True
    try:
        parse_iso8601(text)
    except (ValueError, OverflowError):
        return False
    return True
