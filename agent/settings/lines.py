"""Where in a TOML file a value stands: the standard library's parser does not say, and an installer needs to know.

Theory of operation
-------------------
The text has already been parsed by `tomllib`, so it is well-formed and this scanner may be simple. It walks the lines,
follows `[table]` and `[[array]]` headers, and notes the line of every `key =`. A value inside an inline table or a
longer array has the line of its key. Lines within multi-line strings are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Path = tuple[str | int, ...]
"""A place in a parsed file: names of tables and keys, and positions in arrays of tables from 0."""

_KEY = re.compile(
    r"\s*((?:[A-Za-z0-9_-]+|\"(?:[^\"\\]|\\.)*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*="
)
_PART = re.compile(r"[A-Za-z0-9_-]+|\"(?:[^\"\\]|\\.)*\"|'[^']*'")
_HEADER = re.compile(r"\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?$")


def find_lines(text: str) -> Mapping[Path, int]:
    """The line (from 1) of every table and key of a well-formed TOML text."""
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    closing = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if closing:
            closing = "" if closing in line else closing
            continue
        header = _HEADER.match(line)
        key = _KEY.match(line)
        if key is not None:
            lines[table + _split(key.group(1))] = number
            closing = _opened_string(line[key.end() :])
        elif header is not None:
            table = _enter(_split(header.group(2)), header.group(1) == "[[", counts)
            lines[table] = number
            lines.setdefault(_split(header.group(2)), number)
    return lines


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """The line of a value, or of the nearest table around it; 0 for the file as a whole."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return 0


def dotted(path: Path) -> str:
    """A path as a person reads it: `connector[2].meter.unit`, with positions from 1."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _split(name: str) -> Path:
    return tuple(part.strip("\"'") for part in _PART.findall(name))


def _enter(names: Path, is_array: bool, counts: dict[Path, int]) -> Path:
    """The path of a header, with the position of the present element for every array of tables on the way."""
    path: Path = ()
    for depth, name in enumerate(names):
        path = (*path, name)
        if is_array and depth == len(names) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _opened_string(rest: str) -> str:
    """The quotes that end a multi-line string which this line opens and does not close; else nothing."""
    for quotes in ('"""', "'''"):
        if rest.lstrip().startswith(quotes) and rest.count(quotes) == 1:
            return quotes
    return ""
