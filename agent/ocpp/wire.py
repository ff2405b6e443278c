"""OCPP-J frames: text to typed frame and back, with the gate that hostile text does not pass.

Theory of operation
-------------------
A frame is a JSON array: `[2, id, action, payload]`, `[3, id, payload]` or `[4, id, code, description, details]`
(OCPP-J 1.6 4.2). `read` never raises: what is not such an array becomes `Unreadable`, which says whether and under
which message id it can be answered.

The gate refuses before it parses what would be dear to parse (size, number of parts) and refuses JSON that two parsers
may read differently (duplicate keys, NaN, huge integers, lone surrogates). Every check is linear in the frame.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

MAXIMUM_FRAME_BYTES: Final = 256 * 1024
MAXIMUM_DEPTH: Final = 32
MAXIMUM_INTEGER_DIGITS: Final = 18
MAXIMUM_NUMBER_CHARACTERS: Final = 64
MAXIMUM_PARTS: Final = 20_000
"""Brackets and commas of one frame: keeps the time of one `read` bounded."""
MAXIMUM_ID_CHARACTERS: Final = 36
MAXIMUM_DESCRIPTION_CHARACTERS: Final = 255

JsonObject = Mapping[str, Any]
"""A payload on the wire. Only this room (and the links that carry it) sees one; past the dialect there are types."""

_LONG_DIGITS = re.compile(rf"\d{{{MAXIMUM_INTEGER_DIGITS + 1}}}")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_CALL_BEGINS = re.compile(
    rf'\s{{0,8}}\[\s{{0,8}}2\s{{0,8}},\s{{0,8}}"(?P<id>[ !#-\[\]-~]{{1,{MAXIMUM_ID_CHARACTERS}}})"\s{{0,8}},'
)
_PRINTABLE = re.compile(r"[\x20-\x7e]+")


_dump: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


class ErrorCode(StrEnum):
    """The CALLERROR codes of OCPP-J 1.6 4.2.3 that we answer with, spelt as there."""

    NOT_IMPLEMENTED = "NotImplemented"
    NOT_SUPPORTED = "NotSupported"
    INTERNAL_ERROR = "InternalError"
    PROTOCOL_ERROR = "ProtocolError"
    FORMATION_VIOLATION = "FormationViolation"
    PROPERTY_CONSTRAINT_VIOLATION = "PropertyConstraintViolation"
    OCCURENCE_CONSTRAINT_VIOLATION = "OccurenceConstraintViolation"
    TYPE_CONSTRAINT_VIOLATION = "TypeConstraintViolation"
    GENERIC_ERROR = "GenericError"


@dataclass(frozen=True, slots=True)
class Call:
    """`[2, id, action, payload]`. The payload does not print: it may hold a card or a key."""

    message_id: str
    action: str
    payload: JsonObject = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class CallResult:
    """`[3, id, payload]`."""

    message_id: str
    payload: JsonObject = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class CallError:
    """`[4, id, code, description, details]`; `code` is text, since peers use codes of other versions too."""

    message_id: str
    code: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Not a frame. With `message_id` it can be answered by a CALLERROR, without it only be counted."""

    why: str
    message_id: str | None = None
    code: ErrorCode = ErrorCode.FORMATION_VIOLATION
    ignorable: bool = False
    """A message type of another version: no mistake of the peer."""


Frame = Call | CallResult | CallError | Unreadable


class _Refused(ValueError):
    """The gate's own refusal inside the JSON parser."""


def read(data: str | bytes) -> Frame:
    """The frame in one WebSocket message; total over all input. Bytes are what was not (UTF-8) text."""
    if isinstance(data, bytes):
        return Unreadable("not a text frame in UTF-8")
    try:
        value = _parse(data)
    except _Refused as refusal:
        return Unreadable(str(refusal), _salvaged_id(data))
    except (ValueError, RecursionError):
        return Unreadable("not JSON", _salvaged_id(data))
    if not isinstance(value, list) or not value:
        return Unreadable("not a JSON array")
    return _typed(value)


def write(frame: Call | CallResult | CallError) -> str:
    """The frame as text: ASCII, no blanks, members in the order given, so that equal frames are equal bytes."""
    if isinstance(frame, Call):
        return f"[2,{_dump(frame.message_id)},{_dump(frame.action)},{_payload_text(frame.payload)}]"
    if isinstance(frame, CallResult):
        return f"[3,{_dump(frame.message_id)},{_payload_text(frame.payload)}]"
    return _dump([4, frame.message_id, frame.code, frame.description[:MAXIMUM_DESCRIPTION_CHARACTERS], {}])


class Written(dict[str, Any]):
    """A payload that never changes and carries its text, so that it is written once and not with every frame."""

    __slots__ = ("text",)

    def __init__(self, payload: JsonObject) -> None:
        super().__init__(payload)
        self.text = _dump(payload)


def _payload_text(payload: JsonObject) -> str:
    return payload.text if isinstance(payload, Written) else _dump(payload)


def _parse(text: str) -> Any:
    """JSON behind the gate. Raises _Refused, ValueError or RecursionError."""
    if len(text) > MAXIMUM_FRAME_BYTES:
        raise _Refused(f"more than {MAXIMUM_FRAME_BYTES} bytes")
    if text.count("[") + text.count("{") + text.count(",") > MAXIMUM_PARTS:
        raise _Refused(f"more than {MAXIMUM_PARTS} parts")
    value = (_CAREFUL if _LONG_DIGITS.search(text) else _PLAIN).decode(text)
    _check_depth(value)
    if _SURROGATE.search(text):
        _check_surrogates(value)
    return value


def _salvaged_id(text: str) -> str | None:
    """The message id of a CALL that breaks off or breaks a rule behind it, so that its sender need not wait in vain."""
    found = _CALL_BEGINS.match(text)
    return found["id"] if found else None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Refused("a key occurs twice in one object")
    return members


def _constant(name: str) -> Any:
    raise _Refused(f"{name} is not JSON")


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAXIMUM_INTEGER_DIGITS:
        raise _Refused(f"an integer of more than {MAXIMUM_INTEGER_DIGITS} digits")
    return int(digits)


def _real(text: str) -> float:
    number = float(text) if len(text) <= MAXIMUM_NUMBER_CHARACTERS else math.inf
    if not math.isfinite(number):
        raise _Refused("a number that is too large or too long")
    return number


def _decoder(parse_int: Callable[[str], int] | None) -> json.JSONDecoder:
    """Made once: making one costs more than most frames."""
    return json.JSONDecoder(
        object_pairs_hook=_members, parse_constant=_constant, parse_float=_real, parse_int=parse_int
    )


_PLAIN: Final = _decoder(None)
_CAREFUL: Final = _decoder(_integer)


def _check_depth(value: Any) -> None:
    """Level by level, so that the check itself cannot run out of stack."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAXIMUM_DEPTH):
        children = [child for parent in level for child in (parent.values() if isinstance(parent, dict) else parent)]
        level = [child for child in children if isinstance(child, (dict, list))]
        if not level:
            return
    raise _Refused(f"nested deeper than {MAXIMUM_DEPTH}")


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _Refused("half of a surrogate pair") from None


def _typed(value: list[Any]) -> Frame:
    kind = value[0]
    message_id = value[1] if len(value) > 1 and _is_id(value[1]) else None
    if isinstance(kind, bool) or not isinstance(kind, int) or kind not in (2, 3, 4):
        return Unreadable("unknown message type", ignorable=True)  # OCPP-J 4.1.3, even with a readable id
    if message_id is None:
        return Unreadable("no usable message id")
    if kind == 2:
        return _call(value, message_id)
    if kind == 3:
        return _result(value, message_id)
    return _error(value, message_id)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAXIMUM_ID_CHARACTERS and bool(_PRINTABLE.fullmatch(value))


def _call(value: list[Any], message_id: str) -> Frame:
    if len(value) != 4:
        return Unreadable("a CALL has four elements", message_id)
    if not isinstance(value[2], str) or not value[2]:
        return Unreadable("the action is not a name", message_id)
    payload = _object(value[3])
    if payload is None:
        return Unreadable("the payload is not an object", message_id)
    return Call(message_id, value[2], payload)


def _result(value: list[Any], message_id: str) -> Frame:
    """An answer without a usable payload fails its call at once instead of letting it time out."""
    payload = _object(value[2] if len(value) > 2 else None)
    if payload is None:
        return CallError(message_id, ErrorCode.FORMATION_VIOLATION.value, "the payload is not an object")
    return CallResult(message_id, payload)


def _error(value: list[Any], message_id: str) -> Frame:
    """Peers leave out the tail of a CALLERROR; its code is all that counts."""
    code = value[2] if len(value) > 2 and isinstance(value[2], str) else ErrorCode.GENERIC_ERROR.value
    description = value[3] if len(value) > 3 and isinstance(value[3], str) else ""
    return CallError(message_id, code[:50], description[:MAXIMUM_DESCRIPTION_CHARACTERS])


def _object(value: Any) -> dict[str, Any] | None:
    """A missing or null payload is an empty one (OCPP-J 1.6 4.2.1)."""
    if value is None:
        return {}
    return value if isinstance(value, dict) else None
