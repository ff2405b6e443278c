"""Events to payloads: strictly valid by the schemas, and what each field says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from agent.ocpp.exchange import Status
from agent.ocpp.v16 import render
from agent.ocpp.v16.dialect import V16
from agent.store.codec import event_from_json, to_json
from agent.store.squeeze import expand, squeeze
from agent.vocabulary.events import (
    ReadingContext,
    Sample,
    SignedValue,
    StopReason,
    TransactionEvent,
    TransactionSampled,
    TransactionStarted,
    TransactionStopped,
    Trigger,
)
from agent.vocabulary.ids import ConnectorId, EvseAddress, EvseId, IdToken, TransactionId
from agent.vocabulary.moments import Moment
from agent.vocabulary.options import StationOptions
from agent.vocabulary.security import SecurityEvent, SecurityEventKind
from hal.api import Measurand, Measured, Phase

Valid = Callable[[str, Mapping[str, Any]], None]
WALL_MS = 1_780_000_000_123
AT = Moment(1, 5_000, WALL_MS)
UNKNOWN = Moment(1, 5_000)
WHERE = EvseAddress(EvseId(1), ConnectorId(1))
ID = TransactionId("local")
STARTED = TransactionStarted(ID, WHERE, IdToken("04A1B2C3"), AT, 1_000, Trigger.AUTHORIZED)
VALUES = (
    Measured(Measurand.ENERGY_ACTIVE_IMPORT, 1234.5),
    Measured(Measurand.POWER_ACTIVE_IMPORT, 11_000.0),
    Measured(Measurand.CURRENT_IMPORT, 15.98765, Phase.L1),
    Measured(Measurand.VOLTAGE, 230.1, Phase.L1),
)
SAMPLED = TransactionSampled(ID, WHERE, Sample(AT, 1234, VALUES, ReadingContext.SAMPLE_PERIODIC))
STOPPED = TransactionStopped(ID, WHERE, AT, 2_000, StopReason.LOCAL, Trigger.STOP_AUTHORIZED, IdToken("04A1B2C3"))


def payload_of(event: TransactionEvent, foreign_id: str | None = "7", offset_ms: int | None = None) -> dict[str, Any]:
    rendered = render.transaction(event, foreign_id, offset_ms)
    assert rendered is not None
    return rendered[1]


@pytest.mark.rule("ocpp16.X01")
@pytest.mark.rule("ocpp16.X03")
@pytest.mark.rule("ocpp16.T04")
def test_a_start_tells_the_time_and_register_of_the_real_start(valid: Valid) -> None:
    payload = payload_of(STARTED)
    valid("StartTransaction", payload)
    assert payload == {
        "connectorId": 1,
        "idTag": "04A1B2C3",
        "meterStart": 1000,
        "timestamp": "2026-05-28T20:26:40.123Z",
    }


@pytest.mark.rule("ocpp16.X04")
def test_a_reservation_is_named_only_when_used(valid: Valid) -> None:
    payload = payload_of(replace(STARTED, reservation=3))
    valid("StartTransaction", payload)
    assert payload["reservationId"] == 3


@pytest.mark.rule("ocpp16.T05")
@pytest.mark.parametrize("reason", list(StopReason))
def test_a_stop_is_valid_for_every_reason(valid: Valid, reason: StopReason) -> None:
    payload = payload_of(replace(STOPPED, reason=reason, token=None))
    valid("StopTransaction", payload)
    assert payload["reason"] == reason.value
    assert "idTag" not in payload
    assert "transactionData" not in payload


def test_a_stop_carries_its_samples(valid: Valid) -> None:
    samples = (
        Sample(AT, 1_000, (), ReadingContext.TRANSACTION_BEGIN),
        Sample(AT, 2_000, VALUES, ReadingContext.TRANSACTION_END),
    )
    payload = payload_of(replace(STOPPED, samples=samples))
    valid("StopTransaction", payload)
    contexts = [value["sampledValue"][0]["context"] for value in payload["transactionData"]]
    assert contexts == ["Transaction.Begin", "Transaction.End"]


RECORDS = some.text(some.characters(exclude_categories=["Cs"]), min_size=1, max_size=4096)


@pytest.mark.rule("ocpp16.X41")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=RECORDS)
@example(data='OCMF|{"ID":"|\\"\\\\/ä€\\u0000"}|{"SD":"30"}')
def test_what_a_meter_signed_goes_out_to_the_byte(data: str, valid: Valid, dialect: V16) -> None:
    event = replace(STOPPED, signed=SignedValue(data, "OCMF", "3059"))
    stored = event_from_json(expand(squeeze(to_json(event))))  # as in an outbox
    frame = dialect.frame(stored, "m", "7", None)  # type: ignore[arg-type]
    assert frame is not None
    payload = json.loads(frame.encode("utf-8"))[3]
    valid("StopTransaction", payload)
    ((value,),) = [one["sampledValue"] for one in payload["transactionData"]]
    assert value["format"] == "SignedData"
    assert value["value"].encode() == data.encode()


@pytest.mark.rule("ocpp16.T05")
@pytest.mark.rule("ocpp16.X31")
def test_values_are_strings_with_everything_explicit(valid: Valid) -> None:
    payload = payload_of(SAMPLED)
    valid("MeterValues", payload)
    values = payload["meterValue"][0]["sampledValue"]
    assert [(v["measurand"], v["value"], v.get("phase"), v["unit"]) for v in values] == [
        ("Energy.Active.Import.Register", "1234", None, "Wh"),
        ("Power.Active.Import", "11000", None, "W"),
        ("Current.Import", "15.988", "L1", "A"),
        ("Voltage", "230.1", "L1-N", "V"),
    ]
    assert {(v["context"], v["format"], v["location"]) for v in values} == {("Sample.Periodic", "Raw", "Outlet")}


@pytest.mark.rule("ocpp16.X30")
@pytest.mark.parametrize("context", list(ReadingContext))
def test_every_context_is_valid_and_said(valid: Valid, context: ReadingContext) -> None:
    payload = payload_of(replace(SAMPLED, sample=Sample(AT, 1, VALUES, context)))
    valid("MeterValues", payload)
    assert {v["context"] for v in payload["meterValue"][0]["sampledValue"]} == {context.value}


@pytest.mark.rule("ocpp16.X33")
@pytest.mark.rule("ocpp16.X34")
def test_values_say_where_they_were_taken(valid: Valid) -> None:
    values = (Measured(Measurand.STATE_OF_CHARGE, 51.0), Measured(Measurand.TEMPERATURE, 30.0), VALUES[0])
    sample = Sample(AT, 1, values, ReadingContext.SAMPLE_CLOCK)
    places = []
    for connector in (1, 0):
        where = EvseAddress(EvseId(connector), ConnectorId(connector))
        payload = payload_of(replace(SAMPLED, transaction=None, where=where, sample=sample))
        valid("MeterValues", payload)
        places.append([v["location"] for v in payload["meterValue"][0]["sampledValue"]])
    assert places == [["EV", "Body", "Outlet"], ["Inlet", "Inlet", "Inlet"]]


@pytest.mark.rule("ocpp16.S32")
def test_what_a_status_says_of_a_fault_keeps_to_its_lengths(valid: Valid) -> None:
    status = Status(ConnectorId(1), "Faulted", "OtherError", AT, "i" * 200, "v" * 200)
    payload = render.status(status, None)
    valid("StatusNotification", payload)
    assert (len(payload["info"]), len(payload["vendorErrorCode"])) == (50, 50)
    assert len(payload.get("vendorId", "")) <= 255


@pytest.mark.rule("ocpp16.T08")
@pytest.mark.parametrize("measurand", list(Measurand))
@pytest.mark.parametrize("phase", [None, Phase.L1, Phase.N])
def test_every_measurand_is_valid(valid: Valid, measurand: Measurand, phase: Phase | None) -> None:
    sample = Sample(AT, 1, (Measured(measurand, -0.0001, phase),), ReadingContext.TRIGGER)
    payload = payload_of(replace(SAMPLED, sample=sample))
    valid("MeterValues", payload)
    assert payload["meterValue"][0]["sampledValue"][0]["value"] == "0"
    if measurand is Measurand.TEMPERATURE:
        assert payload["meterValue"][0]["sampledValue"][0]["unit"] == "Celcius"


def test_an_empty_selection_tells_the_register_and_nonsense_is_left_out(valid: Valid) -> None:
    for values in ((), (Measured(Measurand.VOLTAGE, float("nan")),)):
        payload = payload_of(replace(SAMPLED, sample=Sample(AT, 77, values, ReadingContext.SAMPLE_PERIODIC)))
        valid("MeterValues", payload)
        assert [v["value"] for v in payload["meterValue"][0]["sampledValue"]] == ["77"]


@pytest.mark.rule("ocpp16.X23")
def test_what_is_not_known_yet_is_not_written() -> None:
    assert render.transaction(STARTED, None, None) is not None
    assert render.transaction(replace(STARTED, at=UNKNOWN), None, None) is None
    assert render.transaction(STOPPED, None, None) is None
    assert render.transaction(SAMPLED, None, None) is None
    assert payload_of(replace(STARTED, at=UNKNOWN), None, WALL_MS - 5_000) == payload_of(STARTED)


@pytest.mark.rule("ocpp16.X23")
@pytest.mark.rule("ocpp16.T07")
@pytest.mark.parametrize("foreign_id", ["-1", "0", "-7", "2147483647"])
def test_any_integer_is_a_transaction_id(valid: Valid, foreign_id: str) -> None:
    for event, name in ((STOPPED, "StopTransaction"), (SAMPLED, "MeterValues")):
        payload = payload_of(event, foreign_id)
        valid(name, payload)
        assert payload["transactionId"] == int(foreign_id)


def test_values_outside_a_transaction_name_none(valid: Valid) -> None:
    payload = payload_of(replace(SAMPLED, transaction=None), None)
    valid("MeterValues", payload)
    assert "transactionId" not in payload


@pytest.mark.rule("ocpp16.X24")
def test_a_frame_is_the_same_bytes_every_time(make_station: Callable[..., StationOptions]) -> None:
    for event in (STARTED, SAMPLED, STOPPED):
        first = V16(make_station()).frame(event, "id-1", "7", None)
        assert first == V16(make_station()).frame(event, "id-1", "7", None)
        assert first is not None
        assert json.loads(first)[:2] == [2, "id-1"]


@pytest.mark.rule("ocpp16.T01")
def test_texts_are_clipped_to_what_the_schema_allows(valid: Valid, make_station: Callable[..., StationOptions]) -> None:
    long = "x" * 600
    station = replace(make_station(), vendor=long, model=long, serial_number=long, firmware_version=long)
    valid("BootNotification", render.boot(station))
    status = Status(ConnectorId(1), "Faulted", "OtherError", AT, long, long)
    valid("StatusNotification", render.status(status, None))


@pytest.mark.rule("ocpp16.T02")
@pytest.mark.parametrize("card", ["x", "04A1B2C3D4E5F60718293", "ab*ü -7", "0123456789abcdefghij"])
def test_a_card_goes_out_as_it_is(card: str) -> None:
    assert render.authorize(IdToken(card)) == {"idTag": card}
    assert payload_of(replace(STARTED, token=IdToken(card)))["idTag"] == card


@pytest.mark.rule("ocpp16.T05")
def test_a_boot_without_optional_data_is_valid(valid: Valid, make_station: Callable[..., StationOptions]) -> None:
    payload = render.boot(replace(make_station(), serial_number="", firmware_version=""))
    valid("BootNotification", payload)
    assert payload == {"chargePointVendor": "Vendor", "chargePointModel": "Model"}


@pytest.mark.rule("ocpp16.S21")
def test_a_status_has_the_time_of_its_event_or_none(valid: Valid) -> None:
    status = Status(ConnectorId(0), "Available", "NoError", UNKNOWN)
    assert "timestamp" not in render.status(status, None)
    payload = render.status(status, WALL_MS - 5_000)
    valid("StatusNotification", payload)
    assert payload["timestamp"] == "2026-05-28T20:26:40.123Z"


def test_a_heartbeat_is_empty(dialect: V16, valid: Valid) -> None:
    assert dialect.heartbeat("1") == '[2,"1","Heartbeat",{}]'
    valid("Heartbeat", {})


@pytest.mark.rule("ocpp16.T05")
@pytest.mark.rule("ocpp16.T01")
@pytest.mark.parametrize("kind", list(SecurityEventKind))
@pytest.mark.parametrize("tech_info", ["", "why", "x" * 300, "\u00fc" * 300])
def test_a_security_event_is_valid(dialect: V16, valid: Valid, kind: SecurityEventKind, tech_info: str) -> None:
    text = dialect.security_event(SecurityEvent(kind, AT, tech_info), "the-id", None)
    assert text is not None
    payload = json.loads(text)[3]
    valid("SecurityEventNotification", payload)
    assert (payload["type"], payload["timestamp"]) == (kind.value, "2026-05-28T20:26:40.123Z")
    assert payload.get("techInfo", "") == tech_info[:255]


@pytest.mark.rule("ocpp16.B11")
def test_a_security_event_waits_for_its_wall_time_and_is_the_same_bytes_then(dialect: V16) -> None:
    event = SecurityEvent(SecurityEventKind.SETTING_SYSTEM_TIME, UNKNOWN, "by 3 s")
    assert dialect.security_event(event, "the-id", None) is None
    later = dialect.security_event(event, "the-id", WALL_MS - 5_000)
    assert later == dialect.security_event(event, "the-id", WALL_MS - 5_000)
    assert later is not None
    assert "2026-05-28T20:26:40.123Z" in later


def test_a_certificate_request_goes_out_as_it_is(dialect: V16, valid: Valid) -> None:
    csr = "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n"
    frame = json.loads(dialect.sign_certificate(csr, "the-id"))
    assert frame == [2, "the-id", "SignCertificate", {"csr": csr}]
    valid("SignCertificate", frame[3])
