"""Frozen dataclasses of the vocabulary to JSON and back, by their type hints.

Theory of operation
-------------------
One rule for every class: a dataclass becomes an object of its fields, an enum its value, a tuple a list. A class that
is a member of a union carries its name under `"?"`. Fields that hold their default are left out, which keeps rows small
and lets an older file be read by a newer release. Reading ignores fields that it does not know; the stored text keeps
them. Reading checks types, so that a damaged row raises `ValueError` here and not somewhere in the station.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, NewType, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from agent.vocabulary.events import TransactionEvent
from agent.vocabulary.records import Entry

T = TypeVar("T")
Reader = Callable[[Any], Any]

TAG = "?"
_TAGGED: frozenset[type] = frozenset(get_args(TransactionEvent)) | frozenset(get_args(Entry))


def encode(value: object) -> Any:
    """Plain JSON values for a dataclass, an enum, a tuple or a scalar. Raises TypeError for anything else."""
    if is_dataclass(value) and not isinstance(value, type):
        plain = {f.name: encode(getattr(value, f.name)) for f in fields(value) if not _is_default(value, f)}
        return {TAG: type(value).__name__, **plain} if type(value) in _TAGGED else plain
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"cannot store a {type(value).__name__}")


def decode(kind: type[T], plain: Any) -> T:
    """The value of type `kind` (a class, an alias or a union). Raises ValueError naming what does not fit."""
    reader: Reader = _reader(kind)  # type: ignore[arg-type]
    value: T = reader(plain)
    return value


def to_json(value: object) -> str:
    """Compact JSON text of a value; the same value gives the same text."""
    return json.dumps(encode(value), separators=(",", ":"), ensure_ascii=False)


def from_json(kind: type[T], text: str) -> T:
    """The value that `to_json` wrote. Raises ValueError for text that is not JSON or does not fit."""
    return decode(kind, json.loads(text))


def event_from_json(text: str) -> TransactionEvent:
    """A transaction event of an outbox row."""
    event: TransactionEvent = _reader(TransactionEvent)(json.loads(text))
    return event


def entry_from_plain(plain: Any) -> Entry:
    """One entry of a record, as `encode` wrote it."""
    entry: Entry = _reader(Entry)(plain)
    return entry


def _is_default(owner: object, field: Field[Any]) -> bool:
    return field.default is not MISSING and bool(getattr(owner, field.name) == field.default)


@cache
def _reader(kind: Any) -> Reader:
    if isinstance(kind, NewType):
        return _reader(kind.__supertype__)
    origin = get_origin(kind)
    if origin is Union or origin is UnionType:
        return _union_reader(get_args(kind))
    if origin is tuple:
        return _tuple_reader(_reader(get_args(kind)[0]))
    if is_dataclass(kind):
        return _dataclass_reader(kind)  # type: ignore[arg-type]
    if issubclass(kind, Enum):
        return cast(Reader, kind)
    return _scalar_reader(kind)


def _scalar_reader(kind: type) -> Reader:
    def read(plain: Any) -> Any:
        if kind is float and type(plain) is int:
            return float(plain)
        if type(plain) is not kind:
            raise ValueError(f"expected {kind.__name__}, found {type(plain).__name__}")
        return plain

    return read


def _tuple_reader(item: Reader) -> Reader:
    def read(plain: Any) -> Any:
        if not isinstance(plain, list):
            raise ValueError(f"expected a list, found {type(plain).__name__}")
        return tuple(item(element) for element in plain)

    return read


def _union_reader(members: tuple[Any, ...]) -> Reader:
    tagged = {member.__name__: member for member in members if member in _TAGGED}
    if tagged:
        return _tagged_reader(tagged)
    others = [_reader(member) for member in members if member is not NoneType]

    def read(plain: Any) -> Any:
        if plain is None and NoneType in members:
            return None
        for reader in others:
            try:
                return reader(plain)
            except ValueError as error:
                last = error
        raise last

    return read


def _tagged_reader(members: dict[str, Any]) -> Reader:
    def read(plain: Any) -> Any:
        name = plain.get(TAG) if isinstance(plain, dict) else None
        if name not in members:
            raise ValueError(f"expected one of {', '.join(sorted(members))}, found {name!r}")
        return _reader(members[name])(plain)

    return read


def _dataclass_reader(kind: type) -> Reader:
    hints = get_type_hints(kind)
    known = {f.name: f for f in fields(kind)}

    def read(plain: Any) -> Any:
        if not isinstance(plain, dict):
            raise ValueError(f"{kind.__name__}: expected an object, found {type(plain).__name__}")
        values = {}
        for name, field in known.items():
            if name in plain:
                values[name] = _field(kind, name, _reader(hints[name]), plain[name])
            elif field.default is MISSING and field.default_factory is MISSING:
                raise ValueError(f"{kind.__name__}.{name} is missing")
        return kind(**values)

    return read


def _field(kind: type, name: str, reader: Reader, plain: Any) -> Any:
    try:
        return reader(plain)
    except ValueError as error:
        raise ValueError(f"{kind.__name__}.{name}: {error}") from None
