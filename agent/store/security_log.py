"""The security log: lines that only ever grow at the end, each tied to the one before it.

Theory of operation
-------------------
A line has a number, an event, and the SHA-256 of the hash before it, its number and its event. Whoever changes, removes
or inserts a line breaks the chain there. The log is bounded: the oldest lines are dropped, many at a time, and the
number and hash of the last of them are kept as the *anchor* on which the first remaining line rests. What a damaged
file has lost shows as a break, and the chain goes on behind it: every line after the break is still proven.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from agent.store.boots import Boots
from agent.store.codec import from_json, to_json
from agent.store.database import Database
from agent.store.schema import Row
from agent.store.squeeze import expand, squeeze
from agent.vocabulary.security import SecurityEvent

KEPT = 4_000
"""Lines that are kept at least."""
DROPPED_TOGETHER = 64
ANCHOR = "security_anchor"
_BEGINNING = bytes(32)


@dataclass(frozen=True, slots=True)
class SecurityLine:
    """One line of the log. Its event has its wall time if the time of its boot is known by now."""

    sequence: int
    event: SecurityEvent


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """What became of the chain. `breaks` are the numbers of lines that do not rest on the one before them."""

    lines: int
    first: int
    last: int
    breaks: tuple[int, ...] = ()

    @property
    def holds(self) -> bool:
        """Nothing was changed, removed or inserted between the anchor and the last line."""
        return not self.breaks


@dataclass(slots=True)
class _Ends:
    """What is remembered of the log: the anchor's number, and number and hash of the last line."""

    anchor: int
    last: int
    hash: bytes


class SecurityLog:
    """The table of lines. `append` and `clear` run inside a transaction."""

    def __init__(self, database: Database, boots: Boots, kept: int = KEPT) -> None:
        self._database = database
        self._boots = boots
        self._kept = kept
        self._ends: _Ends | None = None

    def forget(self) -> None:
        """Drop what is remembered, after a rolled-back transaction."""
        self._ends = None

    def append(self, event: SecurityEvent) -> None:
        """Write a line behind the last one."""
        ends = self._found()
        sequence, text = ends.last + 1, to_json(event)
        link = _link(ends.hash, sequence, text)
        self._database.execute(
            "INSERT INTO security_log (row, hash, event) VALUES (?, ?, ?)", (sequence, link, squeeze(text))
        )
        ends.last, ends.hash = sequence, link
        if ends.last - ends.anchor >= self._kept + DROPPED_TOGETHER:
            self._drop(ends, ends.last - self._kept)

    def clear(self) -> None:
        """Drop all lines; the next one rests on the last of them."""
        ends = self._found()
        self._drop(ends, ends.last)

    def newest(self, limit: int) -> list[SecurityLine]:
        """The newest lines, oldest first; one that cannot be read is left out (`check` tells of it)."""
        rows = self._database.rows("SELECT row, event FROM security_log ORDER BY row DESC LIMIT ?", (limit,))
        return list(self._lines(reversed(rows)))

    def check(self) -> ChainCheck:
        """Follow the chain from the anchor to the last line."""
        number, before = self._anchor()
        first, lines, breaks = number + 1, 0, []
        for sequence, link, blob in self._database.rows("SELECT row, hash, event FROM security_log ORDER BY row"):
            if sequence != number + 1 or link != _expected(before, sequence, blob):
                breaks.append(sequence)
            number, before, lines = sequence, _hash(link), lines + 1
        return ChainCheck(lines, first, number, tuple(breaks))

    def _lines(self, rows: Iterator[Row]) -> Iterator[SecurityLine]:
        for sequence, blob in rows:
            try:
                event = from_json(SecurityEvent, expand(blob))
            except ValueError:
                continue
            yield SecurityLine(sequence, replace(event, at=event.at.with_offset(self._boots.offset(event.at.boot))))

    def _drop(self, ends: _Ends, last: int) -> None:
        """Forget the lines up to this one and keep its hash; a line that is not there cannot be an anchor."""
        found = self._database.row("SELECT row, hash FROM security_log WHERE row <= ? ORDER BY row DESC", (last,))
        if found is None:
            return
        self._database.execute(
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (ANCHOR, f"{found[0]} {_hash(found[1]).hex()}"),
        )
        self._database.execute("DELETE FROM security_log WHERE row <= ?", (last,))
        ends.anchor = found[0]

    def _found(self) -> _Ends:
        if self._ends is None:
            number, link = self._anchor()
            self._ends = _Ends(number, number, link)
            newest = self._database.row("SELECT row, hash FROM security_log ORDER BY row DESC LIMIT 1")
            if newest is not None and newest[0] > number:
                self._ends.last, self._ends.hash = newest[0], _hash(newest[1])
        return self._ends

    def _anchor(self) -> tuple[int, bytes]:
        found = self._database.row("SELECT value FROM meta WHERE name = ?", (ANCHOR,))
        try:
            number, link = str(found[0]).split() if found else ("0", _BEGINNING.hex())
            return int(number), bytes.fromhex(link)
        except ValueError:
            return 0, _BEGINNING


def _hash(stored: object) -> bytes:
    return stored if isinstance(stored, bytes) else _BEGINNING


def _link(before: bytes, sequence: int, text: str) -> bytes:
    return hashlib.sha256(before + f"{sequence}\n{text}".encode("utf-8", "surrogatepass")).digest()


def _expected(before: bytes, sequence: int, blob: object) -> bytes | None:
    try:
        return _link(before, sequence, expand(blob))
    except ValueError:
        return None
