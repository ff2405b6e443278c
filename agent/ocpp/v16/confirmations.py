"""Confirmations of OCPP 1.6, read tolerantly: nulls and unknown fields are dropped, then only what we need counts.

A peer that adds a field or sends `"expiryDate": null` must not cost us the transaction id. What is missing and needed
raises `Unusable`; what is missing and optional is None.
"""

from __future__ import annotations

import re
from typing import Any, Final

from agent.ocpp.exchange import BootAnswer, RowAnswer, Unusable
from agent.ocpp.wire import MAXIMUM_INTEGER_DIGITS, JsonObject
from agent.vocabulary.ids import IdToken
from agent.vocabulary.inputs import Registration
from agent.vocabulary.moments import parse_iso8601
from agent.vocabulary.outbox import RowKind
from agent.vocabulary.records import AuthorizationStatus, Verdict

EARLIEST_WALL_MS: Final = 1_735_689_600_000  # 2025-01-01: no station with this software lived before
LATEST_WALL_MS: Final = 4_102_444_800_000  # 2100-01-01
_REGISTRATIONS: Final = {
    "Accepted": Registration.ACCEPTED,
    "Pending": Registration.PENDING,
    "Rejected": Registration.REJECTED,
}
_INTEGER: Final = re.compile(rf"-?[0-9]{{1,{MAXIMUM_INTEGER_DIGITS}}}")
_STATUSES: Final = {status.value: status for status in AuthorizationStatus}


def boot(payload: JsonObject) -> BootAnswer:
    """BootNotification.conf. Raises Unusable without a known status."""
    text = payload.get("status")
    status = _REGISTRATIONS.get(text) if isinstance(text, str) else None
    if status is None:
        raise Unusable("BootNotification.conf has no known status")
    return BootAnswer(status, max(0, _integer(payload.get("interval")) or 0), wall_time(payload))


def wall_time(payload: JsonObject) -> int | None:
    """`currentTime` of a Boot or Heartbeat confirmation, in milliseconds; None if absent or absurd."""
    wall_ms = _time(payload.get("currentTime"))
    return wall_ms if wall_ms is not None and EARLIEST_WALL_MS <= wall_ms < LATEST_WALL_MS else None


def authorize(payload: JsonObject) -> Verdict:
    """Authorize.conf. Raises Unusable without idTagInfo."""
    found = verdict(payload)
    if found is None:
        raise Unusable("Authorize.conf has no idTagInfo")
    return found


def row(kind: RowKind, payload: JsonObject) -> RowAnswer:
    """The answer to a transaction message. Raises Unusable for a StartTransaction.conf without an id.

    Any integer is a transaction id, zero and negative ones too (errata 3.54).
    """
    if kind is RowKind.SAMPLE:
        return RowAnswer()
    if kind is RowKind.STOP:
        return RowAnswer(verdict=verdict(payload))
    foreign_id = _integer(payload.get("transactionId"))
    if foreign_id is None:
        raise Unusable("StartTransaction.conf has no transactionId")
    return RowAnswer(str(foreign_id), verdict(payload))


def verdict(payload: JsonObject) -> Verdict | None:
    """idTagInfo, or None if there is none. A status that we do not know is not an acceptance: Invalid."""
    info = payload.get("idTagInfo")
    if not isinstance(info, dict):
        return None
    text = info.get("status")
    status = _STATUSES.get(text, AuthorizationStatus.INVALID) if isinstance(text, str) else AuthorizationStatus.INVALID
    parent = info.get("parentIdTag")
    return Verdict(
        status,
        parent=IdToken(parent) if isinstance(parent, str) and parent else None,
        expires_wall_ms=_time(info.get("expiryDate")),
    )


def _time(value: Any) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        return parse_iso8601(value)
    except (ValueError, OverflowError):
        return None


def _integer(value: Any) -> int | None:
    """An integer, also as `300.0` or `"300"`; old schemas said number, and some peers send text."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        return int(value) if _INTEGER.fullmatch(value.strip()) else None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 10**MAXIMUM_INTEGER_DIGITS else None
    return value if isinstance(value, int) else None
