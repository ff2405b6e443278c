"""Reads TOML strictly: every key is asked for by name, what was not asked for is an error with its line.

`tomllib` gives no positions, so the line of a key is looked up in the text when an error is told, never before.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

_Choice = TypeVar("_Choice", bound=StrEnum)
_HEADER = re.compile(r"^\s*\[\[?\s*([^\]]+?)\s*\]\]?")
_MISSING: Any = object()


class ProfileError(ValueError):
    """A profile cannot be used. The text names file, line, key, what is wrong and the way out."""


class Table:
    """One table of a TOML file. Ask for its keys, then call `close`, which refuses what nobody asked for."""

    def __init__(self, data: dict[str, Any], file: str, text: str, path: tuple[str, ...] = ()) -> None:
        self._data = data
        self._file = file
        self._text = text
        self._path = path
        self._known: list[str] = []

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that are there, for tables whose keys are names."""
        return tuple(self._data)

    def error(self, key: str, problem: str) -> ProfileError:
        """An error about one key of this table."""
        return ProfileError(f"{self._file}, line {self._line(key)}: {'.'.join((*self._path, key))}: {problem}")

    def __contains__(self, key: str) -> bool:
        self._known.append(key)  # asking makes it a known key
        return key in self._data

    def text(self, key: str, default: str | None = _MISSING) -> str:
        """A string."""
        return self._typed(key, (str,), "a text", default)  # type: ignore[no-any-return]

    def number(self, key: str, default: float | None = _MISSING) -> float:
        """An integer or a float; TOML's `nan` and `inf` are no numbers here."""
        value = self._typed(key, (int, float), "a number", default)
        if value is not None and not math.isfinite(value):
            raise self.error(key, f"{value} is not a number")
        return value  # type: ignore[no-any-return]

    def integer(self, key: str, default: int | None = _MISSING, low: int | None = None, high: int | None = None) -> int:
        """An integer, between bounds where they are given."""
        value = self._typed(key, (int,), "an integer", default)
        if value is not None and ((low is not None and value < low) or (high is not None and value > high)):
            raise self.error(key, f"{value} is out of range; give {low} to {high}")
        return value  # type: ignore[no-any-return]

    def flag(self, key: str, default: bool = False) -> bool:
        """A boolean."""
        return self._typed(key, (bool,), "true or false", default)  # type: ignore[no-any-return]

    def choice(self, key: str, kind: type[_Choice], default: _Choice | None = _MISSING) -> _Choice:
        """A member of an enumeration, by its value."""
        value = self.text(key, default)
        return value if value is None else member(self, key, value, kind)

    def integers(self, key: str, default: tuple[int, ...] = _MISSING) -> tuple[int, ...]:
        """A list of integers; a single integer counts as a list of one."""
        value = self._typed(key, (list, int), "a list of integers", default)
        found = tuple(value) if isinstance(value, (list, tuple)) else (value,)
        if not all(isinstance(one, int) and not isinstance(one, bool) for one in found):
            raise self.error(key, "give a list of integers")
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty where the key is missing."""
        value = self._typed(key, (list,), "a list of texts", ())
        if not all(isinstance(one, str) for one in value):
            raise self.error(key, "give a list of texts")
        return tuple(value)

    def number_or_word(self, key: str, word: str) -> float | None:
        """A number, or None where the given word stands in its place."""
        if self._data.get(key) == word:
            self._known.append(key)
            return None
        return self.number(key)

    def table(self, key: str) -> Table:
        """A table; empty where the key is missing."""
        return self._child(key, self._typed(key, (dict,), "a table", {}))

    def tables(self, key: str) -> Sequence[Table]:
        """A list of tables; empty where the key is missing."""
        value = self._typed(key, (list,), "a list of tables", ())
        if not all(isinstance(one, dict) for one in value):
            raise self.error(key, "give a list of tables")
        return [self._child(key, one) for one in value]

    def close(self) -> None:
        """Refuse the first key that nobody asked for."""
        for key in self._data:
            if key not in self._known:
                raise self.error(key, f"unknown key; {_nearest(key, self._known)}")

    def _child(self, key: str, data: dict[str, Any]) -> Table:
        return Table(data, self._file, self._text, (*self._path, key))

    def _typed(self, key: str, kinds: tuple[type, ...], wanted: str, default: Any) -> Any:
        self._known.append(key)
        if key not in self._data:
            if default is _MISSING:
                raise self.error(key, f"missing; give {wanted}")
            return default
        value = self._data[key]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise self.error(key, f"{value!r} is not {wanted}")
        return value

    def _line(self, key: str) -> int:
        return find_line(self._text, (*self._path, key))


def load(path: Path) -> Table:
    """Read a file. Raises `ProfileError` when it is missing, unreadable or no TOML."""
    try:
        text = path.read_text(encoding="utf-8")
        return Table(tomllib.loads(text), str(path), text)
    except (OSError, ValueError) as error:
        raise ProfileError(f"{path}: {error}") from error


def member(table: Table, key: str, value: str, kind: type[_Choice]) -> _Choice:
    """A text that stands under (or is) `key`, as a member of an enumeration."""
    try:
        return kind(value)
    except ValueError:
        known = [one.value for one in kind]
        raise table.error(key, f"{value!r} is not known; {_nearest(value, known)}") from None


def find_line(text: str, path: tuple[str, ...]) -> int:
    """Line of a key in a TOML text, counted from 1; that of the nearest table above it when it is not there itself."""
    for depth in range(len(path), 0, -1):
        if (line := _line_of(text, path[:depth])) is not None:
            return line
    return 1


def _line_of(text: str, path: tuple[str, ...]) -> int | None:
    header: tuple[str, ...] = ()
    inline: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if match := _HEADER.match(line):
            header = inline = tuple(part.strip().strip("\"'") for part in match[1].split("."))
            if header == path:
                return number
            continue
        if starts := re.match(r"^\s*[\"']?([\w.-]+)[\"']?\s*=", line):
            inline = (*header, starts[1])
        if header == path[:-1] and inline == path:
            return number
        names = re.findall(r"[{,]\s*[\"']?([\w-]+)[\"']?\s*=", line.split("#")[0])
        if inline == path[:-1] and path[-1] in names:
            return number
    return None


def _nearest(key: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(key, known, n=3, cutoff=0.5)
    return f"nearest known: {', '.join(near)}" if near else f"known: {', '.join(dict.fromkeys(known))}"
