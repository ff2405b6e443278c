"""DataTransfer: known vendors and everybody else; our own messages become requests, whatever is in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from jsonschema import Draft4Validator, ValidationError

from agent.ocpp.exchange import Parsed, Ready
from agent.ocpp.v16 import data_transfer, generate
from agent.ocpp.v16.dialect import V16
from agent.ocpp.v16.invalid import Invalid
from agent.ocpp.v16.vendor.messages import LONGEST_DATA, MESSAGES
from agent.ocpp.v16.vendor.validators import VALIDATORS
from agent.ocpp.wire import Call
from agent.vocabulary.commands import AskOperators, Result, ResultStatus
from agent.vocabulary.ids import Secret
from agent.vocabulary.operators import (
    AddOperator,
    DiscardPending,
    ListCatalogue,
    ListUpstreams,
    Place,
    PutCatalogueEntry,
    RemoveCatalogueEntry,
    RemoveOperator,
    RemovePrimary,
    SetBilling,
    SetPrimary,
    Unreadable,
)

Valid = Callable[[str, Mapping[str, Any]], None]
PLACE = {"url": "wss://cpms.example/ocpp", "identity": "CP1", "password": "canary-of-primary", "security": 2}
READ = Place("wss://cpms.example/ocpp", "CP1", security=2, password=Secret("canary-of-primary"))
EXAMPLES: dict[str, tuple[dict[str, Any], object]] = {
    "AddOperator": (
        {"url": "ws://e.example", "identity": "CP1", "name": "E"},
        AddOperator(Place("ws://e.example", "CP1", "E")),
    ),
    "DiscardPending": ({}, DiscardPending()),
    "ListCatalogue": ({}, ListCatalogue()),
    "ListUpstreams": ({}, ListUpstreams()),
    "PutCatalogueEntry": ({"name": "A", "url": "ws://a.example"}, PutCatalogueEntry("A", "ws://a.example")),
    "RemoveCatalogueEntry": ({"name": "A"}, RemoveCatalogueEntry("A")),
    "RemoveOperator": ({"operator": "E", "word": "delete"}, RemoveOperator("E", "delete")),
    "RemovePrimary": ({"word": "delete"}, RemovePrimary("delete")),
    "SetBilling": ({"upstream": "management"}, SetBilling("management")),
    "SetPrimary": (PLACE, SetPrimary(READ)),
}


def asked(dialect: V16, message: str, data: str | None) -> object:
    payload = {"vendorId": "Stationd", "messageId": message} | ({} if data is None else {"data": data})
    found = dialect.parse(Call("1", "DataTransfer", payload), True)
    assert isinstance(found, AskOperators)
    return found.request


@pytest.mark.parametrize("vendor", ["com.example", "org.stationd", "stationd2"])
def test_a_vendor_that_is_not_known_is_told_so(dialect: V16, valid: Valid, vendor: str) -> None:
    found = dialect.parse(Call("1", "DataTransfer", {"vendorId": vendor, "messageId": "m", "data": "d"}), True)
    assert isinstance(found, Ready)
    assert found.payload == {"status": "UnknownVendorId"}
    valid("DataTransferResponse", found.payload)


def test_another_vendor_in_the_table_gets_its_message_and_data(dialect: V16, monkeypatch: pytest.MonkeyPatch) -> None:
    def echo(message: str, data: str) -> Parsed:
        return Ready({"status": "Accepted", "data": message + data})

    monkeypatch.setattr(data_transfer, "VENDORS", {"com.example": echo})
    payload = {"vendorId": "com.Example", "messageId": "Echo", "data": "hello"}
    assert dialect.parse(Call("1", "DataTransfer", payload), True) == Ready({"status": "Accepted", "data": "Echohello"})


@pytest.mark.rule("product.A13")
@pytest.mark.parametrize("message", sorted(MESSAGES))
def test_each_message_is_read(dialect: V16, message: str) -> None:
    data, request = EXAMPLES[message]
    assert asked(dialect, message, json.dumps(data)) == request
    if not data:
        assert asked(dialect, message, None) == request


@pytest.mark.rule("product.A13")
@pytest.mark.parametrize(
    ("message", "data", "field"),
    [
        ("SetPrimary", "[]", "data"),
        ("SetPrimary", "nonsense", "data"),
        ("SetPrimary", "[" * 5000, "data"),
        ("SetPrimary", json.dumps(PLACE | {"trustPem": "x" * LONGEST_DATA}), "data"),
        ("SetPrimary", json.dumps(PLACE | {"trustPem": "x" * 60_001}), "trustPem"),
        ("SetPrimary", json.dumps(PLACE | {"security": 3}), "security"),
        ("SetPrimary", json.dumps(PLACE | {"password": 5}), "password"),
        ("SetPrimary", json.dumps({"url": "ws://x"}), "data"),
        ("RemovePrimary", json.dumps({"word": "yes"}), "word"),
        ("RemovePrimary", None, "data"),
    ],
)
def test_what_cannot_be_read_names_the_field_and_never_a_secret(
    dialect: V16, message: str, data: str | None, field: str
) -> None:
    request = asked(dialect, message, data)
    assert isinstance(request, Unreadable)
    assert (request.known, request.field) == (True, field)
    assert message in request.remedy
    assert "canary" not in repr(request)


def test_an_unknown_message_is_a_request_too_since_only_the_station_knows_who_asks(dialect: V16) -> None:
    request = asked(dialect, "setprimary", "{}")
    assert isinstance(request, Unreadable)
    assert not request.known
    assert "SetPrimary" in request.remedy


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (ResultStatus.ACCEPTED, "Accepted"),
        (ResultStatus.REJECTED, "Rejected"),
        (ResultStatus.UNKNOWN_VENDOR, "UnknownVendorId"),
        (ResultStatus.UNKNOWN_MESSAGE, "UnknownMessageId"),
    ],
)
def test_each_result_has_its_status_and_its_data(dialect: V16, valid: Valid, status: ResultStatus, word: str) -> None:
    call = Call("1", "DataTransfer", {"vendorId": "stationd"})
    assert dialect.answer(call, Result(status), 60) == {"status": word}
    answer = dialect.answer(call, Result(status, data="{}"), 60)
    assert answer == {"status": word, "data": "{}"}
    valid("DataTransferResponse", answer)


def test_every_message_has_a_published_schema_and_the_committed_validators_are_made_from_it() -> None:
    schemas = {file.stem for file in generate.VENDOR.glob("*.json")}
    assert schemas == {*MESSAGES, generate.VENDOR_ANSWER}
    fastjsonschema = pytest.importorskip("fastjsonschema")
    if fastjsonschema.VERSION.startswith("2.22."):
        assert generate.VENDOR_TARGET.read_text(encoding="utf-8") == generate.generate_vendor()


@pytest.mark.parametrize("message", sorted(MESSAGES))
@pytest.mark.parametrize(
    "payload", [{}, {"word": "delete"}, {"name": ""}, {"url": 1}, *(one for one, _ in EXAMPLES.values())]
)
def test_the_validators_judge_as_the_schemas_do(message: str, payload: dict[str, Any]) -> None:
    schema = json.loads((generate.VENDOR / f"{message}.json").read_text())
    Draft4Validator.check_schema(schema)
    try:
        Draft4Validator(schema).validate(payload)
        wanted = True
    except ValidationError:
        wanted = False
    try:
        VALIDATORS[message](payload)
        found = True
    except Invalid:
        found = False
    assert found is wanted
