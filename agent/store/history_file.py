"""A file of its own for sessions that nobody waits for any more: twelve months of them.

Theory of operation
-------------------
The database of the store is small and written all day; this file is large and written a few times a month, by the
batch, so that a session costs it a fraction of a block. It is opened for each question and closed again. A batch is one
transaction: WAL, synced, then folded into the file. Rows are keyed by the start of the session and its id, which lays
sessions of one time side by side; a session that is put again takes the place of the row with its id. A file that
turns out damaged is set aside, what can be read of it goes into a new one, and the question is asked again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from agent.store.damage import Report
from agent.store.database import Link, SqlError, connect, translated
from agent.store.errors import DamagedStore, NewerStore, StoreError
from agent.store.salvage import finish_salvage
from agent.store.schema import Row
from agent.store.wreck import Wreck

T = TypeVar("T")

VERSION = 1
PAGE_SIZE = 4096
"""Bytes of a page: the batch fills whole ones, and a block of the usual file system holds one."""
_COLUMNS = "started_ms, id, connector, content"
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE sessions (
    started_ms INTEGER NOT NULL, id BLOB NOT NULL, connector INTEGER NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (started_ms, id)
) WITHOUT ROWID;
PRAGMA user_version={VERSION};
COMMIT;
"""
_PARAMETERS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """One row. `id` is packed, `content` squeezed: neither is looked into here."""

    started_ms: int
    id: bytes | str
    connector: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Span:
    """Which rows are asked for: `since_ms` counts in, `until_ms` does not; `before` is the last row seen."""

    since_ms: int | None = None
    until_ms: int | None = None
    connector: int | None = None
    before: tuple[int, bytes | str] | None = None


class HistoryFile:
    """See the module. Used by one thread. `on_sync` is called whenever all that was written is on the disk."""

    def __init__(self, path: Path, report: Report, on_sync: Callable[[], None] | None = None) -> None:
        self.path = path
        self._report = report
        self._on_sync = on_sync
        self._link: Link | None = None

    def put(self, rows: Sequence[Kept], forget_before_ms: int) -> None:
        """Write rows, each in the place of the one with its id, and drop what is too old. Synced. Raises StoreError."""

        def write(link: Link) -> None:
            check = link.execute("PRAGMA quick_check(1)").fetchone()
            if check is None or check[0] != "ok":
                raise DamagedStore(f"{self.path} is damaged: {check[0] if check else 'no answer'}")
            link.execute("BEGIN IMMEDIATE")
            for at in range(0, len(rows), _PARAMETERS_AT_ONCE):
                some = rows[at : at + _PARAMETERS_AT_ONCE]
                marks = ", ".join("?" * len(some))
                link.execute(f"DELETE FROM sessions WHERE id IN ({marks})", [row.id for row in some])
                link.executemany(
                    f"INSERT OR REPLACE INTO sessions ({_COLUMNS}) VALUES (?, ?, ?, ?)",
                    [(row.started_ms, row.id, row.connector, row.content) for row in some],
                )
            link.execute("DELETE FROM sessions WHERE started_ms < ?", (forget_before_ms,))
            link.execute("COMMIT")

        self._changed(write)

    def find(self, span: Span, limit: int) -> list[Kept]:
        """The newest rows of a span first. Raises StoreError."""
        wanted, values = _conditions(span)
        order = f"SELECT {_COLUMNS} FROM sessions {wanted} ORDER BY started_ms DESC, id DESC LIMIT ?"
        return self._asked(lambda link: [Kept(*row) for row in link.execute(order, [*values, limit])], [])

    def one(self, packed: bytes | str) -> Kept | None:
        """The row with this id. Raises StoreError."""
        select = f"SELECT {_COLUMNS} FROM sessions WHERE id = ? LIMIT 1"
        found = self._asked(lambda link: link.execute(select, (packed,)).fetchone(), None)
        return None if found is None else Kept(*found)

    def delete(self, before_ms: int) -> int:
        """Drop what started before, and leave nothing of it in the file; how many rows. Synced. Raises StoreError."""
        removed = 0

        def write(link: Link) -> None:
            nonlocal removed
            link.execute("PRAGMA secure_delete=ON")
            removed = link.execute("DELETE FROM sessions WHERE started_ms < ?", (before_ms,)).rowcount

        if self._exists():
            self._changed(write)
        return removed

    def _changed(self, write: Callable[[Link], None]) -> None:
        """Write, sync, and fold the WAL into the file, so that nothing stays open."""

        def change(link: Link) -> None:
            write(link)
            self._synced()
            link.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._synced()

        self._asked(change, None, create=True)

    def _asked(self, question: Callable[[Link], T], nothing: T, create: bool = False) -> T:
        """The answer to a question, after a repair if need be; `nothing` if there is no file. Raises StoreError."""
        try:
            finish_salvage(self.path)
            if not create and not self._exists():
                return nothing
            try:
                return self._once(self.path, question)
            except DamagedStore as error:
                self._repair(error)
            return self._once(self.path, question)
        except DamagedStore as error:  # the database of the store is not what is damaged here
            raise StoreError(f"{error}; it could not be repaired") from error
        except OSError as error:
            raise StoreError(f"cannot use {self.path}: {error}") from error

    def _once(self, path: Path, question: Callable[[Link], T]) -> T:
        """Ask a file; by the open connection if this comes from `on_sync`, since nobody else may open it meanwhile."""
        outer = self._link
        try:
            if self._link is not None and path == self.path:
                return question(self._link)
            with _opened(path) as link:
                self._link = link if path == self.path else None
                return question(link)
        except SqlError as error:
            raise translated(error, f"cannot use {path}") from error
        finally:
            self._link = outer

    def _repair(self, found: DamagedStore) -> None:
        """A new file with what can be read takes the place of the damaged one. Raises StoreError or OSError."""
        self._report(f"{found}: the history is saved into a new file as far as it can be read")
        staging, ready = (self.path.with_name(self.path.name + suffix) for suffix in (".salvaging", ".salvaged"))
        for file in (staging, staging.with_name(staging.name + "-wal")):
            file.unlink(missing_ok=True)
        rows = _readable(self.path)

        def fill(link: Link) -> None:
            link.execute("BEGIN IMMEDIATE")
            link.executemany(f"INSERT OR REPLACE INTO sessions ({_COLUMNS}) VALUES (?, ?, ?, ?)", rows)
            link.execute("COMMIT")

        self._once(staging, fill)
        os.rename(staging, ready)
        self._synced()
        aside = finish_salvage(self.path)
        self._synced()
        self._report(f"the damaged history is kept as {aside}; {len(rows)} sessions were saved into a new one")

    def _exists(self) -> bool:
        return self.path.exists()

    def _synced(self) -> None:
        if self._on_sync is not None:
            self._on_sync()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Link]:
    """A connection for one question; the file is made if it is missing."""
    link = connect(path)
    try:
        link.execute(f"PRAGMA page_size={PAGE_SIZE}")
        link.execute("PRAGMA journal_mode=WAL")
        link.execute("PRAGMA synchronous=FULL")
        link.execute("PRAGMA trusted_schema=OFF")
        link.execute("PRAGMA cache_size=-256")
        version = link.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise NewerStore(f"{path} is of a newer release (version {version}): install that, or move the file away")
        if version == 0:
            link.executescript(_SCHEMA)
        yield link
    finally:
        with contextlib.suppress(SqlError):
            link.close()


def _conditions(span: Span) -> tuple[str, list[object]]:
    parts: list[tuple[str, list[object]]] = []
    if span.since_ms is not None:
        parts.append(("started_ms >= ?", [span.since_ms]))
    if span.until_ms is not None:
        parts.append(("started_ms < ?", [span.until_ms]))
    if span.connector is not None:
        parts.append(("connector = ?", [span.connector]))
    if span.before is not None:
        parts.append(("(started_ms, id) < (?, ?)", [*span.before]))
    wanted = " AND ".join(condition for condition, _ in parts)
    return (f"WHERE {wanted}" if wanted else "", [value for _, values in parts for value in values])


def _readable(path: Path) -> list[Row]:
    """The rows of a damaged file, from both ends up to the damage."""
    wreck = Wreck(path)
    try:
        select = f"SELECT {_COLUMNS} FROM sessions ORDER BY started_ms"
        upward, whole = wreck.rows(select)
        downward = [] if whole else wreck.rows(f"{select} DESC, id DESC")[0]
    finally:
        wreck.close()
    return [row for row in {row[1]: row for row in upward + downward}.values() if _makes_sense(row)]


def _makes_sense(row: Row) -> bool:
    started_ms, name, connector, content = row
    kinds = (isinstance(started_ms, int), isinstance(name, bytes | str), isinstance(connector, int))
    return all(kinds) and isinstance(content, bytes)
