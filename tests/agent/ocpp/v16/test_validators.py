"""The generated validators: fresh, light, and of one opinion with the schemas."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from jsonschema import ValidationError

from agent.ocpp.v16 import generate
from agent.ocpp.v16.invalid import Invalid
from agent.ocpp.v16.validators import VALIDATORS
from agent.ocpp.wire import ErrorCode

PAYLOADS: list[dict[str, Any]] = [
    {},
    {"type": "Soft"},
    {"type": "Inoperative", "connectorId": 1},
    {"type": "Inoperative", "connectorId": "1"},
    {"key": "a", "value": "b"},
    {"key": "a" * 51, "value": "b"},
    {"key": ["a", "b"]},
    {"key": [1]},
    {"key": []},
    {"vendorId": "x"},
    {"vendorId": "x" * 256},
    {"idTag": "A"},
    {"idTag": 5, "connectorId": 1},
    {"transactionId": 1},
    {"transactionId": True},
    {"connectorId": 1},
    {"idTag": "A", "chargingProfile": {}},
    {
        "idTag": "A",
        "chargingProfile": {
            "chargingProfileId": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]},
        },
    },
]


def test_the_committed_file_is_what_the_generator_writes() -> None:
    fastjsonschema = pytest.importorskip("fastjsonschema")
    if not fastjsonschema.VERSION.startswith("2.22."):
        pytest.skip(f"committed with fastjsonschema 2.22, here is {fastjsonschema.VERSION}")
    assert generate.TARGET.read_text(encoding="utf-8") == generate.generate()


@pytest.mark.parametrize("action", generate.SERVED)
@pytest.mark.parametrize("payload", PAYLOADS)
def test_they_judge_as_the_schemas_do(
    action: str, payload: dict[str, Any], valid: Callable[[str, Mapping[str, Any]], None]
) -> None:
    try:
        valid(action, payload)
        wanted = True
    except ValidationError:
        wanted = False
    try:
        VALIDATORS[action](payload)
        found = True
    except Invalid:
        found = False
    assert found is wanted


@pytest.mark.rule("ocpp16.J07")
@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"key": "a"}, ErrorCode.PROTOCOL_ERROR),
        ({"key": 5, "value": "b"}, ErrorCode.TYPE_CONSTRAINT_VIOLATION),
        ({"key": "a" * 51, "value": "b"}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION),
        ({"key": "a", "value": "b", "c": 1}, ErrorCode.FORMATION_VIOLATION),
    ],
)
def test_each_broken_rule_has_its_code(payload: dict[str, Any], code: ErrorCode) -> None:
    with pytest.raises(Invalid) as found:
        VALIDATORS["ChangeConfiguration"](payload)
    assert found.value.code is code


@pytest.mark.parametrize(
    ("action", "payload", "text"),
    [
        ("ChangeConfiguration", {"value": "b"}, "key: is missing"),
        ("ChangeConfiguration", {}, "key, value: is missing"),
        ("ChangeConfiguration", {"key": "a", "value": 1}, "value: has another type than it must have"),
        ("ChangeConfiguration", {"key": "a" * 51, "value": "b"}, "key: is longer than it may be"),
        ("Reset", {"type": "soft"}, "type: is none of the values that it may have"),
        ("Reset", {"type": "Soft", "evseId": 1}, "evseId: is no field of this message"),
        ("Reset", {"type": "Soft", "a\n\u00fc" + "b" * 60: 1}, None),
        ("Reset", {"type": "Soft"} | dict.fromkeys("abcdef", 1), "a, b, c: is no field of this message"),
        ("DeleteCertificate", {"certificateHashData": {"hashAlgorithm": "SHA256"}}, None),
        ("Reset", [], "the payload: has another type than it must have"),
    ],
)
def test_an_error_names_the_field_and_what_is_wrong_with_it(action: str, payload: Any, text: str | None) -> None:
    with pytest.raises(Invalid) as found:
        VALIDATORS[action](payload)
    if text is not None:
        assert found.value.text == text
    assert found.value.text.isascii()
    assert found.value.text.isprintable()
    assert len(found.value.text) <= 255


def test_a_field_inside_is_named_with_its_place() -> None:
    with pytest.raises(Invalid) as found:
        VALIDATORS["DeleteCertificate"]({"certificateHashData": {"hashAlgorithm": "SHA256", "serialNumber": "1"}})
    assert found.value.text == "certificateHashData.issuerKeyHash, certificateHashData.issuerNameHash: is missing"


def test_a_value_is_never_quoted() -> None:
    with pytest.raises(Invalid) as found:
        VALIDATORS["ChangeConfiguration"]({"key": "AuthorizationKey", "value": "topsecret" * 60})
    assert "topsecret" not in str(found.value)
    assert "topsecret" not in repr(found.value)


@pytest.mark.rule("ocpp16.Y09")
@pytest.mark.rung3
def test_the_dialect_imports_no_schema_package() -> None:
    program = (
        "import sys, agent.ocpp.dialect\n"
        "print([name for name in ('ocpp', 'jsonschema', 'fastjsonschema', 'asyncio') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert found.stdout.strip() == "[]"
