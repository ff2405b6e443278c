"""Charging sessions as records, for tests and benches of the store: samples every minute, any number of upstreams."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence

from agent.vocabulary.effects import Record
from agent.vocabulary.events import (
    ReadingContext,
    Sample,
    StopReason,
    TransactionEvent,
    TransactionSampled,
    TransactionStarted,
    TransactionStopped,
    Trigger,
)
from agent.vocabulary.ids import ConnectorId, EvseAddress, EvseId, IdToken, TransactionId, UpstreamId
from agent.vocabulary.moments import Moment, iso8601
from agent.vocabulary.records import (
    Acknowledge,
    AuthorizationStatus,
    CacheVerdict,
    Enqueue,
    SaveReading,
    SaveTransaction,
    TransactionRecord,
    Verdict,
)
from agent.vocabulary.security import SecurityEvent
from hal.api import Measurand, Measured, Phase

WHERE = EvseAddress(EvseId(1), ConnectorId(1))
TOKEN = IdToken("04A1B2C3D4E5F6")
ACCEPTED = Verdict(AuthorizationStatus.ACCEPTED)
_OFFSET_MS = 1_790_000_000_000
_NAMES = {
    Measurand.ENERGY_ACTIVE_IMPORT: "Energy.Active.Import.Register",
    Measurand.POWER_ACTIVE_IMPORT: "Power.Active.Import",
    Measurand.CURRENT_IMPORT: "Current.Import",
    Measurand.VOLTAGE: "Voltage",
}


def render(
    upstream: UpstreamId,
    event: TransactionEvent | SecurityEvent,
    message_id: str,
    foreign_id: str | None,
    offset_ms: int | None,
) -> str | None:
    """Frames as long as those of OCPP 1.6 with the default measurands."""
    if isinstance(event, SecurityEvent):
        return _notice(event, message_id, offset_ms)
    if isinstance(event, TransactionStarted):
        body: dict[str, object] = {"connectorId": 1, "idTag": event.token.value, "meterStart": event.meter_start_wh}
        return json.dumps([2, message_id, "StartTransaction", body | {"timestamp": _time(event.at)}])
    if foreign_id is None:
        return None
    if isinstance(event, TransactionStopped):
        body = {"transactionId": int(foreign_id), "idTag": TOKEN.value, "meterStop": event.meter_stop_wh}
        return json.dumps([2, message_id, "StopTransaction", body | {"timestamp": _time(event.at), "reason": "Local"}])
    values = [_sampled(value) for value in event.sample.values]
    value = {"timestamp": _time(event.sample.at), "sampledValue": values}
    body = {"connectorId": 1, "transactionId": int(foreign_id), "meterValue": [value]}
    return json.dumps([2, message_id, "MeterValues", body])


def session(
    upstreams: Sequence[UpstreamId], number: int, boot: int = 1, samples: int = 10, online: bool = True
) -> Iterator[Record]:
    """The records of one session, in order; offline ones carry no acknowledgement."""
    transaction = TransactionId(str(uuid.uuid4()))
    begin, register = number * 3_600_000, 1_000_000 + number * 1_000
    record = TransactionRecord(
        transaction, WHERE, TOKEN, upstreams[0], moment(boot, begin), register, Trigger.AUTHORIZED, not online
    )
    started = TransactionStarted(
        transaction, WHERE, TOKEN, moment(boot, begin), register, Trigger.AUTHORIZED, not online
    )
    ids = {upstream: str(uuid.uuid4()) for upstream in upstreams}
    rows = tuple(Enqueue(upstream, started, ids[upstream]) for upstream in upstreams)
    yield Record((SaveTransaction(record), *rows), barrier=True)
    if online:
        for position, upstream in enumerate(upstreams):
            cached = () if position else (CacheVerdict(upstream, TOKEN, ACCEPTED, moment(boot, begin)),)
            answer = Acknowledge(upstream, ids[upstream], transaction, str(70_000 + number), ACCEPTED)
            yield Record((answer, *cached), barrier=True)
    for minute in range(1, samples + 1):
        yield from _sample(
            upstreams, transaction, moment(boot, begin + minute * 60_000), register + minute * 183, online
        )
    yield from _stop(upstreams, record, moment(boot, begin + 600_000), register + 1_830, online)


def moment(boot: int, monotonic_ms: int) -> Moment:
    """A moment with wall time."""
    return Moment(boot, monotonic_ms, _OFFSET_MS + monotonic_ms)


def values_at(energy_wh: int) -> tuple[Measured, ...]:
    """What the default options select of a three-phase meter."""
    wobble = energy_wh % 97 / 100
    per_phase = [
        Measured(measurand, round(level + wobble, 2), phase)
        for measurand, level in ((Measurand.CURRENT_IMPORT, 15.8), (Measurand.VOLTAGE, 229.4))
        for phase in (Phase.L1, Phase.L2, Phase.L3)
    ]
    energy = Measured(Measurand.ENERGY_ACTIVE_IMPORT, float(energy_wh))
    return (energy, Measured(Measurand.POWER_ACTIVE_IMPORT, round(10_980 + wobble * 10, 1)), *per_phase)


def _sample(
    upstreams: Sequence[UpstreamId], transaction: TransactionId, at: Moment, energy_wh: int, online: bool
) -> Iterator[Record]:
    values = values_at(energy_wh)
    event = TransactionSampled(transaction, WHERE, Sample(at, energy_wh, values, ReadingContext.SAMPLE_PERIODIC))
    ids = {upstream: str(uuid.uuid4()) for upstream in upstreams}
    rows = tuple(Enqueue(upstream, event, ids[upstream]) for upstream in upstreams)
    yield Record((SaveReading(transaction, WHERE.connector, at, energy_wh, values), *rows), barrier=False)
    for upstream in upstreams if online else ():
        yield Record((Acknowledge(upstream, ids[upstream], transaction),), barrier=False)


def _stop(
    upstreams: Sequence[UpstreamId], record: TransactionRecord, at: Moment, energy_wh: int, online: bool
) -> Iterator[Record]:
    fields = {name: getattr(record, name) for name in TransactionRecord.__slots__}
    fields |= {"stopped_at": at, "meter_stop_wh": energy_wh, "stop_reason": StopReason.LOCAL, "stop_token": TOKEN}
    event = TransactionStopped(
        record.id, WHERE, at, energy_wh, StopReason.LOCAL, Trigger.STOP_AUTHORIZED, TOKEN, not online
    )
    ids = {upstream: str(uuid.uuid4()) for upstream in upstreams}
    rows = tuple(Enqueue(upstream, event, ids[upstream]) for upstream in upstreams)
    yield Record((SaveTransaction(TransactionRecord(**fields)), *rows), barrier=True)
    for upstream in upstreams if online else ():
        yield Record((Acknowledge(upstream, ids[upstream], record.id, verdict=ACCEPTED),), barrier=False)


def _sampled(value: Measured) -> dict[str, str]:
    sampled = {"value": str(value.value), "context": "Sample.Periodic", "measurand": _NAMES[value.measurand]}
    return sampled | ({"phase": value.phase.value} if value.phase else {}) | {"unit": "W"}


def _time(at: Moment) -> str:
    return iso8601(at.wall_ms or 0)


def _notice(event: SecurityEvent, message_id: str, offset_ms: int | None) -> str | None:
    at = event.at.with_offset(offset_ms)
    if at.wall_ms is None:
        return None
    body = {"type": event.kind.value, "timestamp": iso8601(at.wall_ms), "techInfo": event.tech_info}
    return json.dumps([2, message_id, "SecurityEventNotification", body])
