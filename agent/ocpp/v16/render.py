"""Events to OCPP 1.6 payloads: exactly the fields of the schemas, strings clipped to their length, nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from agent.ocpp.exchange import Status
from agent.ocpp.v16.measurands import MEASURANDS, phase_text, value_text
from agent.vocabulary.events import (
    ReadingContext,
    Sample,
    TransactionEvent,
    TransactionSampled,
    TransactionStarted,
    TransactionStopped,
)
from agent.vocabulary.ids import STATION, ConnectorId, IdToken
from agent.vocabulary.moments import Moment, iso8601
from agent.vocabulary.options import StationOptions
from agent.vocabulary.security import SecurityEvent
from agent.vocabulary.signing import SignedValue
from hal.api import Measurand, Measured

Payload = dict[str, Any]

MAXIMUM_INFO: Final = 50
_LOCATIONS: Final[Mapping[Measurand, str]] = {Measurand.STATE_OF_CHARGE: "EV", Measurand.TEMPERATURE: "Body"}


def boot(station: StationOptions) -> Payload:
    """BootNotification.req; the same on every upstream (OCPP 1.6 6.3)."""
    payload: Payload = {
        "chargePointVendor": station.vendor[:20],
        "chargePointModel": station.model[:20],
    }
    if station.serial_number:
        payload["chargePointSerialNumber"] = station.serial_number[:25]
    if station.firmware_version:
        payload["firmwareVersion"] = station.firmware_version[:50]
    return payload


def authorize(token: IdToken) -> Payload:
    """Authorize.req (OCPP 1.6 6.1). A card is never cut: it would be another one."""
    return {"idTag": token.value}


def status(report: Status, offset_ms: int | None) -> Payload:
    """StatusNotification.req (OCPP 1.6 6.47); without wall time the optional timestamp is left out."""
    payload: Payload = {
        "connectorId": int(report.connector),
        "errorCode": report.error_code,
        "status": report.status,
    }
    if report.info:
        payload["info"] = report.info[:MAXIMUM_INFO]
    timestamp = _timestamp(report.at, offset_ms)
    if timestamp is not None:
        payload["timestamp"] = timestamp
    if report.vendor_error_code:
        payload["vendorErrorCode"] = report.vendor_error_code[:MAXIMUM_INFO]
    return payload


def transaction(event: TransactionEvent, foreign_id: str | None, offset_ms: int | None) -> tuple[str, Payload] | None:
    """Action and payload of a transaction event; None while its wall time or its foreign id is not known."""
    match event:
        case TransactionStarted():
            return _named("StartTransaction", _start(event, offset_ms))
        case TransactionSampled():
            return _named("MeterValues", _sampled(event, foreign_id, offset_ms))
        case TransactionStopped():
            return _named("StopTransaction", _stop(event, foreign_id, offset_ms))


def security_event(event: SecurityEvent, offset_ms: int | None) -> Payload | None:
    """SecurityEventNotification.req (security extension of OCPP 1.6); None while its wall time is unknown."""
    at = _timestamp(event.at, offset_ms)
    if at is None:
        return None
    payload = {"type": event.kind.value, "timestamp": at}
    return payload | {"techInfo": event.tech_info[:255]} if event.tech_info else payload


def _named(action: str, payload: Payload | None) -> tuple[str, Payload] | None:
    return None if payload is None else (action, payload)


def _start(event: TransactionStarted, offset_ms: int | None) -> Payload | None:
    timestamp = _timestamp(event.at, offset_ms)
    if timestamp is None:
        return None
    payload: Payload = {
        "connectorId": int(event.where.connector),
        "idTag": event.token.value,
        "meterStart": event.meter_start_wh,
        "timestamp": timestamp,
    }
    if event.reservation is not None:
        payload["reservationId"] = event.reservation
    return payload


def _sampled(event: TransactionSampled, foreign_id: str | None, offset_ms: int | None) -> Payload | None:
    value = _meter_value(event.sample, event.where.connector, offset_ms)
    if value is None or (event.transaction is not None and foreign_id is None):
        return None
    payload: Payload = {"connectorId": int(event.where.connector), "meterValue": [value]}
    if event.transaction is not None and foreign_id is not None:
        payload["transactionId"] = int(foreign_id)
    return payload


def _stop(event: TransactionStopped, foreign_id: str | None, offset_ms: int | None) -> Payload | None:
    timestamp = _timestamp(event.at, offset_ms)
    if timestamp is None or foreign_id is None:
        return None
    payload: Payload = {
        "meterStop": event.meter_stop_wh,
        "timestamp": timestamp,
        "transactionId": int(foreign_id),
        "reason": event.reason.value,
    }
    if event.token is not None:
        payload["idTag"] = event.token.value
    samples = [_meter_value(sample, event.where.connector, offset_ms) for sample in event.samples]
    values = [value for value in samples if value is not None]
    if event.signed is not None:
        values.append({"timestamp": timestamp, "sampledValue": [_signed_value(event.signed)]})
    if values:
        payload["transactionData"] = values
    return payload


def _signed_value(signed: SignedValue) -> Payload:
    """What the meter signed, as it gave it: no character is changed and none is left out (OCPP 1.6 7.43 "value")."""
    return {
        "value": signed.data,
        "context": ReadingContext.TRANSACTION_END.value,
        "format": "SignedData",
        "measurand": MEASURANDS[Measurand.ENERGY_ACTIVE_IMPORT][0],
        "location": "Outlet",
    }


def _meter_value(sample: Sample, connector: ConnectorId, offset_ms: int | None) -> Payload | None:
    timestamp = _timestamp(sample.at, offset_ms)
    if timestamp is None:
        return None
    usable = [value for value in sample.values if math.isfinite(value.value)]
    if not usable:
        usable = [Measured(Measurand.ENERGY_ACTIVE_IMPORT, sample.energy_wh)]
    values = [_sampled_value(value, sample.context.value, connector) for value in usable]
    return {"timestamp": timestamp, "sampledValue": values}


def _sampled_value(value: Measured, context: str, connector: ConnectorId) -> Payload:
    """Every field explicit, so that no peer has to know the defaults (OCPP 1.6 7.43)."""
    measurand, unit = MEASURANDS[value.measurand]
    place = "Inlet" if connector == STATION else _LOCATIONS.get(value.measurand, "Outlet")
    payload: Payload = {
        "value": value_text(value.measurand, value.value),
        "context": context,
        "format": "Raw",
        "measurand": measurand,
        "location": place,
    }
    if value.phase is not None:
        payload["phase"] = phase_text(value.measurand, value.phase)
    if unit:
        payload["unit"] = unit
    return payload


def _timestamp(moment: Moment, offset_ms: int | None) -> str | None:
    wall_ms = moment.with_offset(offset_ms).wall_ms
    return None if wall_ms is None else iso8601(wall_ms)
