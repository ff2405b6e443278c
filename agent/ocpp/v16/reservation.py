"""Calls about reservations (OCPP 1.6 5.2, 5.13). Payloads are valid by their schema here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from agent.ocpp.exchange import Parsed, Ready, Refusal
from agent.ocpp.v16.keys import StationFacts
from agent.ocpp.wire import ErrorCode
from agent.vocabulary.commands import CancelReservation, Reserve
from agent.vocabulary.ids import STATION, ConnectorId, IdToken, IdTokenType
from agent.vocabulary.moments import parse_iso8601

_REJECTED: Final = {"status": "Rejected"}


def reserve_now(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    """ReserveNow. Without a date that can be read nobody would know when it ends."""
    connector = payload["connectorId"]
    if not STATION <= connector <= facts.connectors:
        return Ready(_REJECTED, f"there is no connector {connector}")
    if not payload["idTag"].strip():
        return Ready(_REJECTED, "the idTag is empty")
    try:
        expires_wall_ms = parse_iso8601(payload["expiryDate"])
    except (ValueError, OverflowError):
        return Refusal(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "expiryDate: this is no date and time")
    parent = payload.get("parentIdTag")
    token = IdToken(payload["idTag"], IdTokenType.CENTRAL)
    return Reserve(
        payload["reservationId"],
        ConnectorId(connector),
        token,
        expires_wall_ms,
        IdToken(parent, IdTokenType.CENTRAL) if parent else None,
    )


def cancel_reservation(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    """CancelReservation."""
    return CancelReservation(payload["reservationId"])
