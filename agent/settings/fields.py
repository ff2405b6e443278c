"""Typed reading of a parsed TOML table that knows file, line and field of whatever is wrong.

Theory of operation
-------------------
A `Source` is one file; it collects problems. A `Table` reads the fields of one table of it: each reader returns a value
of its type, and on a bad value notes a problem and returns a stand-in, so that one pass finds every problem of a file.
`Table.finish` complains of keys that nobody asked for; `Source.check` raises once at the end. A stand-in never leaves
the file: `check` raises before anybody can use it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, TypeVar

from agent.settings.lines import Path, dotted, find_lines, line_of
from agent.settings.problems import Complaint, Problem, SettingsError, quoted

Choice = TypeVar("Choice", bound=StrEnum)
Check = Callable[[str], Complaint | None]


class Source:
    """One file: its name, where its values stand, and what was found wrong so far."""

    def __init__(self, file: str, text: str) -> None:
        """Parse the text. Raises SettingsError if it is no TOML at all."""
        self.file = file
        self.problems: list[Problem] = []
        try:
            self._values: dict[str, Any] = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise SettingsError([_syntax_problem(file, error)]) from None
        self._lines = find_lines(text)

    def root(self) -> Table:
        """The file as a table."""
        return Table(self, self._values, ())

    def complain(self, path: Path, complaint: Complaint) -> None:
        """Note that the value at this place is not usable."""
        line = line_of(self._lines, path)
        self.problems.append(Problem(dotted(path), complaint.message, complaint.remedy, self.file, line))

    def check(self) -> None:
        """Raise SettingsError with all problems found so far, if there are any."""
        if self.problems:
            raise SettingsError(self.problems)


class Table:
    """Reads the fields of one table. Every reader notes a problem instead of raising."""

    def __init__(self, source: Source, values: Mapping[str, Any], path: Path) -> None:
        self._source = source
        self._values = values
        self._path = path
        self._known: set[str] = set()

    def complain(self, name: str, message: str, remedy: str) -> None:
        """Note a problem of a field of this table (of the table itself if `name` is empty)."""
        self._source.complain((*self._path, name) if name else self._path, Complaint(message, remedy))

    def has(self, name: str) -> bool:
        """True if the file gives this field, which is then one of the known ones."""
        self._known.add(name)
        return name in self._values

    def text(self, name: str, default: str | None = None, check: Check | None = None, longest: int = 512) -> str:
        """A text; required without a default. `check` is a grammar of its own."""
        value = self._take(name, default, f'write {name} = "..."')
        if value is None or (value is default and not self.has(name)):
            return value or ""
        if not isinstance(value, str):
            self.complain(name, f"{quoted(value)} is not a text", f'write it in quotes: {name} = "..."')
            return ""
        complaint = check(value) if check is not None else None
        if complaint is not None:
            self.complain(name, complaint.message, complaint.remedy)
        elif not value or len(value) > longest:
            self.complain(name, f"has {len(value)} characters", f"use 1 to {longest} characters")
        elif not value.isprintable():
            self.complain(name, f"{quoted(value)} has characters that cannot be printed", "leave them out")
        return value

    def integer(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number between two bounds (both allowed); required without a default."""
        value = self._take(name, default, f"write {name} = {low}")
        if value is None:
            return low
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.complain(name, f"{quoted(value)} is not possible", f"use a whole number from {low} to {high}")
            return low
        return value

    def number(self, name: str, low: float, high: float, default: float | None = None) -> float:
        """A number between two bounds (both allowed); required without a default."""
        value = self._take(name, default, f"write {name} = {low:g}")
        if value is None:
            return low
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.complain(name, f"{quoted(value)} is not possible", f"use a number from {low:g} to {high:g}")
            return low
        return float(value)

    def boolean(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self._take(name, default, "")
        if not isinstance(value, bool):
            self.complain(name, f"{quoted(value)} is neither true nor false", f"write {name} = true or {name} = false")
            return default
        return value

    def choice(self, name: str, kind: type[Choice], default: Choice) -> Choice:
        """One word of a closed list."""
        value = self._take(name, default.value, "")
        words = [member.value for member in kind]
        if value not in words:
            self.complain(name, f"{quoted(value)} is not known", f"use one of: {', '.join(words)}")
            return default
        return kind(value)

    def integers(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """A list of whole numbers, each once."""
        value = self._take(name, list(default), "")
        good = isinstance(value, list) and all(isinstance(item, int) and not isinstance(item, bool) for item in value)
        if not good or len(set(value)) != len(value):
            self.complain(name, f"{quoted(value)} is not a list of different whole numbers", f"write {name} = [1, 2]")
            return default
        return tuple(value)

    def table(self, name: str) -> Table:
        """A table within this one; complains if it is missing."""
        value = self._take(name, None, f"add a section for {name}")
        if value is not None and not isinstance(value, dict):
            self.complain(name, f"{quoted(value)} is not a table", f"make it a section of its own: [{name}]")
        return Table(self._source, value if isinstance(value, dict) else {}, (*self._path, name))

    def tables(self, name: str) -> tuple[Table, ...]:
        """The elements of an array of tables; none if the file has none."""
        value = self._take(name, [], "")
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.complain(name, f"{quoted(value)} is not a list of tables", f"write each as a section: [[{name}]]")
            return ()
        return tuple(Table(self._source, item, (*self._path, name, place)) for place, item in enumerate(value))

    def items(self) -> tuple[tuple[str, object], ...]:
        """All fields as they are, for tables whose keys are somebody else's closed list."""
        self._known |= set(self._values)
        return tuple(self._values.items())

    def finish(self) -> None:
        """Complain of every key that no reader asked for, with the nearest known one."""
        for name in self._values:
            if name not in self._known:
                near = get_close_matches(name, sorted(self._known), n=1)
                remedy = f"did you mean {near[0]}?" if near else f"known here: {', '.join(sorted(self._known))}"
                self.complain(name, "is not a known field", remedy)

    def _take(self, name: str, default: object, remedy: str) -> Any:
        self._known.add(name)
        if name in self._values:
            return self._values[name]
        if default is None:
            self.complain(name, "is missing", remedy)
        return default


def _syntax_problem(file: str, error: Exception) -> Problem:
    text = str(error)
    head, _, place = text.partition(" (at line ")
    line = int(place.split(",")[0]) if place[:1].isdigit() else 0
    return Problem("", f"is not TOML: {head or type(error).__name__}", "mend or restore the file", file, line)
