"""Keeps the last inputs of the station, so that what led to a crash can be played again.

Theory of operation
-------------------
The station is deterministic: the same inputs at the same moments give the same effects. Each input becomes one JSON
line in a ring of 256 KiB in memory; a crash, or `stationctl dump`, writes the ring to the state folder. Cards are
replaced by pseudonyms (`card-1`, `card-2`, ...) that keep equal cards equal, so a replay decides as the station did.
Secrets are left out. `read_inputs` turns a dump into inputs again.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

from agent.vocabulary import commands, options
from agent.vocabulary.ids import IdToken, Secret
from agent.vocabulary.inputs import Input
from agent.vocabulary.moments import Moment
from hal.api import CardSeen, SigningAnswered

LARGEST_RING = 256 * 1024
MOST_PSEUDONYMS = 1_000
DUMPS_KEPT = 3
_SECRET_OPTIONS = frozenset(row.name for row in options.OPTIONS if row.kind is options.Kind.SECRET)
_TYPE = "_"
_PLAIN = frozenset({bool, int, float, str, type(None)})
_dump = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True).encode


class InputRecorder:
    """The ring. `record` is the engine's door `record_input`."""

    def __init__(self, largest_bytes: int = LARGEST_RING) -> None:
        self._largest = largest_bytes
        self._lines: deque[str] = deque()
        self._bytes = 0
        self._pseudonyms: dict[str, str] = {}

    def record(self, given: Input, now: Moment) -> None:
        """Keep one input; the oldest go when the ring is full."""
        at = [now.boot, now.monotonic_ms, now.wall_ms]
        line = _dump({"at": at, "input": self._encode(given)})
        self._lines.append(line)
        self._bytes += len(line) + 1
        while self._bytes > self._largest and self._lines:
            self._bytes -= len(self._lines.popleft()) + 1

    def lines(self) -> tuple[str, ...]:
        """What the ring holds, oldest first."""
        return tuple(self._lines)

    def _encode(self, value: object) -> object:
        if type(value) in _PLAIN:
            return value
        if isinstance(value, Secret):
            return None
        if isinstance(value, IdToken):
            value = replace(value, value=self._pseudonym(value.key))
        elif isinstance(value, CardSeen):
            value = replace(value, uid=self._pseudonym(value.uid.casefold()))
        elif isinstance(value, SigningAnswered):
            value = replace(value, data="")
        elif isinstance(value, commands.SetOption) and value.name in _SECRET_OPTIONS:
            value = replace(value, value="")
        if is_dataclass(value) and not isinstance(value, type):
            held: dict[str, object] = {_TYPE: type(value).__name__}
            for name in _field_names(type(value)):
                held[name] = self._encode(getattr(value, name))
            return held
        if isinstance(value, Enum):
            return {_TYPE: type(value).__name__, "value": value.value}
        if isinstance(value, tuple | list):
            return [self._encode(item) for item in value]
        return value

    def _pseudonym(self, key: str) -> str:
        """The stand-in of a card. Beyond a bound all further cards share one, so that memory stays bounded."""
        if key not in self._pseudonyms and len(self._pseudonyms) >= MOST_PSEUDONYMS:
            return "card-0"
        return self._pseudonyms.setdefault(key, f"card-{len(self._pseudonyms) + 1}")


def write_dump(state: str, lines: Sequence[str]) -> str:
    """Write lines to the state folder and return the file's name; only three dumps stay. Raises OSError.

    Not for the event loop, unless the process is about to end.
    """
    folder = Path(state) / "inputs"
    folder.mkdir(mode=0o700, exist_ok=True)
    dumps = sorted(folder.glob("*.jsonl"))
    number = int(dumps[-1].stem) + 1 if dumps and dumps[-1].stem.isdigit() else 1
    path = folder / f"{number:08d}.jsonl"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="ascii") as stream:
        stream.writelines(f"{line}\n" for line in lines)
    for old in [*dumps, path][:-DUMPS_KEPT]:
        old.unlink(missing_ok=True)
    return str(path)


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass of the vocabulary."""
    return tuple(item.name for item in fields(kind))


def read_inputs(text: str) -> Iterator[tuple[Moment, Input]]:
    """The inputs of a dump, oldest first, to be handed to a station. Raises ValueError for what is no dump."""
    kinds = _kinds()
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            held = json.loads(line)
            yield Moment(*held["at"]), _decode(held["input"], kinds)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"line {number} of the dump is not an input ({error}); was the file cut?") from None


def _decode(value: object, kinds: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return tuple(_decode(item, kinds) for item in value)
    if isinstance(value, dict):
        kind = kinds[value[_TYPE]]
        held = {name: _decode(item, kinds) for name, item in value.items() if name != _TYPE}
        return kind(**held)
    return value


@cache
def _kinds() -> Mapping[str, Any]:
    """Every dataclass and enum that an input can hold, by name."""
    found: dict[str, Any] = {}
    waiting: list[Any] = [Input]
    while waiting:
        kind = waiting.pop()
        waiting += get_args(kind)
        if not isinstance(kind, type) or kind.__name__ in found:
            continue
        if is_dataclass(kind) or issubclass(kind, Enum):
            found[kind.__name__] = kind
            waiting += get_type_hints(kind).values() if is_dataclass(kind) else ()
    return found
