"""TriggerMessage and ExtendedTriggerMessage: which of our messages a peer may ask for, by its name in each of the two.

A connector matters to a status and to meter values only; elsewhere it is ignored, whatever it is (OCPP 1.6 5.17). The
extended message means other messages by two of the names (security extension of OCPP 1.6, N01 and L01).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from agent.ocpp.exchange import Parsed, Ready
from agent.ocpp.v16.keys import StationFacts
from agent.vocabulary.commands import RenewCertificate, TriggerKind, TriggerMessage
from agent.vocabulary.ids import STATION, ConnectorId

_BOTH: Final[Mapping[str, TriggerKind]] = {
    "BootNotification": TriggerKind.BOOT,
    "Heartbeat": TriggerKind.HEARTBEAT,
    "MeterValues": TriggerKind.METER_VALUES,
    "StatusNotification": TriggerKind.STATUS,
}
PLAIN: Final[Mapping[str, TriggerKind]] = {
    **_BOTH,
    "DiagnosticsStatusNotification": TriggerKind.DIAGNOSTICS_STATUS,
    "FirmwareStatusNotification": TriggerKind.FIRMWARE_STATUS,
}
EXTENDED: Final[Mapping[str, TriggerKind]] = {
    **_BOTH,
    "FirmwareStatusNotification": TriggerKind.SIGNED_FIRMWARE_STATUS,
    "LogStatusNotification": TriggerKind.LOG_STATUS,
}
IDLE_ACTIONS: Final[Mapping[TriggerKind, str]] = {
    TriggerKind.DIAGNOSTICS_STATUS: "DiagnosticsStatusNotification",
    TriggerKind.FIRMWARE_STATUS: "FirmwareStatusNotification",
    TriggerKind.LOG_STATUS: "LogStatusNotification",
    TriggerKind.SIGNED_FIRMWARE_STATUS: "SignedFirmwareStatusNotification",
}
"""Messages about jobs; without a job they have a status and no request id."""
_FIRST_CONNECTOR: Final[Mapping[TriggerKind, int]] = {TriggerKind.STATUS: STATION, TriggerKind.METER_VALUES: 1}
"""What a connector matters to, and the lowest that there is: the station has a status and no meter of its own."""


def trigger_message(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    """TriggerMessage (OCPP 1.6 5.17)."""
    return _trigger(PLAIN[payload["requestedMessage"]], payload.get("connectorId"), facts)


def extended_trigger_message(payload: Mapping[str, Any], facts: StationFacts) -> Parsed:
    """ExtendedTriggerMessage (security extension of OCPP 1.6)."""
    if payload["requestedMessage"] == "SignChargePointCertificate":
        return RenewCertificate()
    return _trigger(EXTENDED[payload["requestedMessage"]], payload.get("connectorId"), facts)


def _trigger(what: TriggerKind, connector: int | None, facts: StationFacts) -> Parsed:
    if connector is None or what not in _FIRST_CONNECTOR:
        return TriggerMessage(what)
    if not _FIRST_CONNECTOR[what] <= connector <= facts.connectors:
        return Ready({"status": "Rejected"}, f"there is no connector {connector} for this message")
    return TriggerMessage(what, ConnectorId(connector))
