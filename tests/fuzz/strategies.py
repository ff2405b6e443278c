"""Frames for a station: valid by the schemas, and slightly wrong.

Theory of operation
-------------------
`payloads` turns a schema into a strategy. `mutated` draws a payload and spoils it in one to three places: a member is
missing, unknown, null, of another type, too long, too large or repeated. A `Frame` is the text that crosses the wire;
its message id is put in last, so that an answer can be told from that to another frame.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.fuzz import schemas

KEYS = (
    *("MeterValueSampleInterval", "HeartbeatInterval", "ConnectionTimeOut", "MinimumStatusDuration", "ResetRetries"),
    *("WebSocketPingInterval", "TransactionMessageAttempts", "MeterValuesSampledData", "ClockAlignedDataInterval"),
    *("NumberOfConnectors", "SupportedFeatureProfiles", "UnlockConnectorOnEVSideDisconnect", "connectiontimeout"),
)
"""Keys whose value lets nobody charge and changes no password."""
VALUES = (
    "0",
    "-1",
    "30",
    "3600",
    "86401",
    "true",
    "FALSE",
    "",
    "10.0",
    " 7 ",
    "Energy.Active.Import.Register",
    "9" * 30,
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
TAGS = st.sampled_from(["04A1B2C3D4E5F6", "04a1b2c3d4e5f6", "", " ", "\u00e9", "x" * 20])
MEMBERS: dict[str, st.SearchStrategy[Any]] = {
    "key": st.sampled_from(KEYS),
    "value": st.sampled_from(VALUES),
    "connectorId": st.integers(-1, 3),
    "transactionId": st.integers(-3, 3),
    "idTag": TAGS,
    "parentIdTag": TAGS,
    "interval": st.integers(-1, 60),
}
"""Members by name whose values would hardly ever mean something if they were drawn from the schema alone."""
STAMPS = ("2026-11-21T12:00:00Z", "2026-11-21T12:00:00.123+02:00", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
INTEGERS = st.one_of(st.integers(-2, 5), st.integers(-(2**31), 2**31 - 1))
LONGEST, MOST_ITEMS = 6000, 200
"""What is spoilt grows no larger than this; really large frames are made by hand."""


def payloads(schema: dict[str, Any], name: str = "") -> st.SearchStrategy[Any]:
    """Values that the schema allows."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema.get("type", "object")
    if name in MEMBERS and kind in ("string", "integer"):
        return MEMBERS[name]
    if kind == "array" and name == "key":
        return st.lists(st.sampled_from(KEYS), max_size=4)
    return _KINDS[kind](schema)


def _object(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    members = {name: payloads(member, name) for name, member in schema.get("properties", {}).items()}
    needed = set(schema.get("required", ()))
    return st.fixed_dictionaries(
        {name: value for name, value in members.items() if name in needed},
        optional={name: value for name, value in members.items() if name not in needed},
    )


def _array(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    return st.lists(payloads(schema.get("items", {"type": "string"})), min_size=schema.get("minItems", 0), max_size=3)


def _string(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if schema.get("format") == "date-time":
        return st.sampled_from(STAMPS)
    if schema.get("format") == "uri":
        return st.sampled_from(["ftp://files.example/a", "https://files.example/"])
    most = schema.get("maxLength", 40)
    return st.one_of(TEXTS.map(lambda text: text[:most]), st.sampled_from("aZ0").map(lambda letter: letter * most))


_KINDS: dict[str, Callable[[dict[str, Any]], st.SearchStrategy[Any]]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": lambda schema: INTEGERS,
    "number": lambda schema: st.integers(-10, 640).map(lambda tenths: tenths / 10),
    "boolean": lambda schema: st.booleans(),
}

ODD: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([None, True, False, 0, -1, 1.5, 10**17, 2**63, "", "x" * 600, [], {}, [[]], {"a": {}}, [None]]),
    TEXTS,
    st.integers(),
).map(deepcopy)
"""What may stand where something else belongs."""


@st.composite
def mutated(draw: st.DrawFn, schema: dict[str, Any]) -> Any:
    """A payload that is wrong in one to three places (or by chance in none)."""
    payload = json.loads(json.dumps(draw(payloads(schema))))
    for _ in range(draw(st.integers(1, 3))):
        payload = _spoilt(draw, payload)
    return payload


def _spoilt(draw: st.DrawFn, payload: Any) -> Any:
    holders = list(_holders(payload))
    if not holders:
        return draw(ODD)
    holder = draw(st.sampled_from(holders))
    if isinstance(holder, list):
        _spoil_list(draw, holder)
    else:
        _spoil_members(draw, holder)
    return payload


def _spoil_members(draw: st.DrawFn, holder: dict[str, Any]) -> None:
    deed = draw(st.sampled_from(["missing", "unknown", "odd", "null", "case", "long"]))
    name = draw(st.sampled_from(sorted(holder))) if holder else "unknown"
    value = holder.get(name)
    if deed == "unknown" or not holder:
        holder[draw(st.sampled_from(["extra", "", "idTag", "customData", "__class__"]))] = draw(ODD)
    elif deed == "missing":
        del holder[name]
    elif deed == "case":
        holder[name.upper()] = holder.pop(name)
    elif deed == "long" and isinstance(value, str):
        holder[name] = ((value or "x") * LONGEST)[:LONGEST]
    else:
        holder[name] = None if deed == "null" else draw(ODD)


def _spoil_list(draw: st.DrawFn, holder: list[Any]) -> None:
    deed = draw(st.sampled_from(["empty", "odd", "repeat"]))
    if deed == "empty":
        holder.clear()
    elif deed == "odd":
        holder.append(draw(ODD))
    else:
        holder.extend((holder * draw(st.integers(1, 120)))[:MOST_ITEMS])


def _holders(value: Any) -> list[Any]:
    """Every object and array in a payload, itself first."""
    if not isinstance(value, dict | list):
        return []
    children = value.values() if isinstance(value, dict) else value
    return [value, *(holder for child in children for holder in _holders(child))]


ACTIONS = st.sampled_from(schemas.ASKED_OF_US)
SHOWN = 400


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame whose message id is not yet put in."""

    text: str

    def numbered(self, number: int) -> str:
        """What crosses the wire, with a message id of its own."""
        return self.text.replace('"@"', f'"fuzz-{number}"')

    def answering(self, message_id: str) -> str:
        """What crosses the wire as the answer to a call of the station."""
        return self.text.replace('"@"', json.dumps(message_id))

    def __repr__(self) -> str:
        shown = self.text if len(self.text) <= SHOWN else f"{self.text[:SHOWN]}... ({len(self.text)} characters)"
        return f"Frame({shown!r})"


def frame_text(*parts: Any) -> str:
    """An array as it crosses the wire."""
    return json.dumps(parts)


def requests() -> st.SearchStrategy[str]:
    """Valid and slightly wrong requests."""
    valid = ACTIONS.flatmap(lambda action: _calls(action, payloads(schemas.request(action))))
    wrong = ACTIONS.flatmap(lambda action: _calls(action, mutated(schemas.request(action))))
    return st.one_of(valid, wrong, wrong).filter(_stays_here)


def _calls(action: str, payload: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    return payload.map(lambda drawn: frame_text(2, "@", action, drawn))


def _stays_here(text: str) -> bool:
    """No order to restart: that is a test of its own."""
    _, _, action, payload = json.loads(text)
    return not (action == "Reset" and isinstance(payload, dict) and payload.get("type") in ("Hard", "Soft"))
