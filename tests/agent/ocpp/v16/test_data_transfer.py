"""DataTransfer: known vendors, their messages, and everybody else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from agent.ocpp.exchange import Parsed, Ready
from agent.ocpp.v16 import data_transfer
from agent.ocpp.v16.dialect import V16
from agent.ocpp.wire import Call

Valid = Callable[[str, Mapping[str, Any]], None]


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ({"vendorId": "com.example"}, "UnknownVendorId"),
        ({"vendorId": "com.example", "messageId": "m", "data": "d"}, "UnknownVendorId"),
        ({"vendorId": "stationd"}, "UnknownVendorId"),
        ({"vendorId": "org.stationd"}, "UnknownMessageId"),
        ({"vendorId": "ORG.Stationd", "messageId": "m"}, "UnknownMessageId"),
    ],
)
def test_what_is_not_known_says_what_of_it_is_not(
    dialect: V16, valid: Valid, payload: dict[str, Any], status: str
) -> None:
    found = dialect.parse(Call("1", "DataTransfer", payload), True)
    assert isinstance(found, Ready)
    assert found.payload == {"status": status}
    valid("DataTransferResponse", found.payload)


def test_a_message_in_the_table_gets_its_data(dialect: V16, monkeypatch: pytest.MonkeyPatch) -> None:
    def echo(data: str) -> Parsed:
        return Ready({"status": "Accepted", "data": data})

    monkeypatch.setattr(data_transfer, "VENDORS", {"com.example": {"Echo": echo}})
    payload = {"vendorId": "com.Example", "messageId": "Echo", "data": "hello"}
    assert dialect.parse(Call("1", "DataTransfer", payload), True) == Ready({"status": "Accepted", "data": "hello"})
    other = dialect.parse(Call("1", "DataTransfer", payload | {"messageId": "echo"}), True)
    assert isinstance(other, Ready)
    assert other.payload == {"status": "UnknownMessageId"}


def test_the_own_vendor_is_written_as_a_domain_from_behind() -> None:
    assert data_transfer.OWN_VENDOR in data_transfer.VENDORS
    assert all(name == name.casefold() and len(name) <= 255 for name in data_transfer.VENDORS)
    assert data_transfer.OWN_VENDOR.split(".")[0] in ("org", "com", "net")
