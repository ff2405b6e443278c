"""What can be read of a damaged file goes into a fresh one; the damaged file is set aside, never deleted.

Theory of operation
-------------------
Every table is read from both ends up to the damage; what lies between is looked for page by page. Rows are copied as
they are: whether one makes sense is found out when it is loaded, like any other row. If header or schema are damaged,
the pages of the schema are first taken from a fresh file, whose tables lie on the same pages because the same
migrations made both. Numbers that rows carry and nobody explains any more get a name that nobody else has, so that no
message ever goes to another upstream and no transaction is taken for another.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from agent.store.damage import Report
from agent.store.database import Database
from agent.store.errors import StoreError
from agent.store.lazy_log import read_statements
from agent.store.leaf_scan import leaf_rows
from agent.store.schema import Row
from agent.store.transplant import merged_pages, transplant_schema
from agent.store.wreck import Wreck

TABLES = {
    "meta": "name",
    "upstreams": "number",
    "boots": "boot",
    "transactions": "number",
    "readings": "row",
    "outbox": "row",
    "cursors": "upstream",
    "parked": "row",
    "receipts": "row",
    "options": "upstream, name",
    "holds": "upstream, connector",
    "profiles": "upstream, id",
    "reservations": "upstream, id",
    "lists": "upstream",
    "list_entries": "upstream, token",
    "latches": "connector, fault",
    "cache": "upstream, token",
    "ladder": "row",
    "damaged": "row",
    "security_log": "row",
    "notices": "row",
    "accepted": "upstream",
    "kept_cables": "connector",
}
"""Every table with its key."""
_ADDED = frozenset(
    {"security_log", "notices", "accepted", "kept_cables", "profiles", "lists", "list_entries", "reservations"}
)
"""Tables that a file of the first schema does not have."""
_NONE, _INT, _TEXT, _BLOB = (type(None),), (int,), (str,), (bytes,)
_ID = (bytes, str)
SHAPES: dict[str, tuple[tuple[type, ...], ...]] = {
    "transactions": (_NONE, _ID, _INT, _BLOB),
    "readings": (_NONE, _BLOB),
    "outbox": (
        _NONE,
        _INT,
        _ID,
        (int, type(None)),
        _INT,
        _INT,
        (int, type(None)),
        (bytes, type(None)),
        (bytes, type(None)),
    ),
    "security_log": (_NONE, _BLOB, _BLOB),
    "notices": (_NONE, _INT, _ID, _INT, _INT, (bytes, type(None)), (bytes, type(None))),
    "receipts": (_NONE, _INT, _INT, _INT, _INT, (str, type(None)), (bytes, type(None)), (str, type(None))),
}
"""How rows of the tables look that are worth a search page by page. Their key is kept elsewhere: its column is None."""
_WITH_UPSTREAM = (
    "outbox",
    "parked",
    "options",
    "holds",
    "cache",
    "notices",
    "accepted",
    "profiles",
    "lists",
    "list_entries",
    "reservations",
)


def salvage(database: Database, report: Report) -> None:
    """Set the damaged file of `database` aside and open it anew with what could be read. Raises StoreError.

    The new file takes its place only when it is complete: a crash on the way loses nothing.
    """
    database.abandon()
    path = database.path
    staging, ready = _beside(path, ".salvaging"), _beside(path, ".salvaged")
    try:
        _remove(staging)
        copied = _build(staging, path)
        os.rename(staging, ready)
        aside = finish_salvage(path)
    except OSError as error:
        raise StoreError(f"cannot salvage {path}: {error}") from error
    finally:
        _remove(staging)
    report(f"the damaged database is kept as {aside}; {copied} rows were saved into a new one")
    database.open()


def finish_salvage(path: Path) -> str:
    """Put a completed new file in the place of the damaged one, also after a crash in between. Raises OSError.

    Returns the name under which the damaged one is kept; empty if there was nothing to do.
    """
    ready = _beside(path, ".salvaged")
    if not ready.exists():
        return ""
    aside = _set_aside(path)
    os.rename(ready, path)
    return aside.name


def _build(staging: Path, damaged: Path) -> int:
    """A new file at `staging` with what can be read of the damaged one; how many rows."""
    fresh = Database(staging)
    try:
        fresh.open()
        copied = _copy_all(fresh, damaged)
        fresh.close()
    finally:
        fresh.abandon()
    return copied


def _set_aside(path: Path) -> Path:
    """Rename the file and what belongs to it to the first free `*.damaged-N`."""
    number = 1
    while (aside := _beside(path, f".damaged-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-lazy", ""):
        with contextlib.suppress(FileNotFoundError):
            os.rename(f"{path}{suffix}", f"{aside}{suffix}")
    return aside


def _copy_all(fresh: Database, damaged: Path) -> int:
    scratch = _beside(damaged, ".scratch")
    try:
        _copy_files(damaged, scratch)
        pages, page_size = merged_pages(scratch)
        if not _schema_is_whole(scratch):
            transplant_schema(scratch)
        wreck = Wreck(scratch)
        try:
            with fresh.transaction(barrier=True):
                copied = _copy_tables(fresh, wreck, bytes(pages), page_size)
                _apply_lazy(fresh, _beside(damaged, "-lazy"))
        finally:
            wreck.close()
    finally:
        _remove(scratch)
    return copied


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-lazy", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{path}{suffix}")


def _schema_is_whole(scratch: Path) -> bool:
    wreck = Wreck(scratch)
    names, whole = wreck.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")
    wreck.close()
    return whole and {row[0] for row in names} >= set(TABLES) - _ADDED


def _copy_files(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    wal = source.with_name(source.name + "-wal")
    if wal.exists():
        shutil.copyfile(wal, target.with_name(target.name + "-wal"))


def _copy_tables(database: Database, wreck: Wreck, pages: bytes, page_size: int) -> int:
    copied, torn = 0, []
    for table, key in TABLES.items():
        columns = [row[1] for row in database.rows(f"PRAGMA table_info({table})")]
        rows, whole = _read_table(wreck, table, key, columns)
        copied += sum(_insert(database, "REPLACE", table, columns, row) for row in rows)
        if not whole:
            torn.append((table, columns))
    if torn:
        copied += _copy_leaves(database, torn, pages, page_size)
    _name_upstreams(database)
    _name_transactions(database)
    return copied


def _read_table(wreck: Wreck, table: str, key: str, columns: list[str]) -> tuple[list[Row], bool]:
    select = f"SELECT {', '.join(columns)} FROM {table} NOT INDEXED ORDER BY "
    upward, whole = wreck.rows(select + key)
    if whole:
        return upward, True
    downward, _ = wreck.rows(select + ", ".join(part + " DESC" for part in key.split(", ")))
    return upward + downward, False


def _copy_leaves(database: Database, torn: list[tuple[str, list[str]]], pages: bytes, page_size: int) -> int:
    """Rows of torn tables from pages that the tree no longer reaches. Rows that are done are left where they are."""
    copied = 0
    done: dict[int, int] = dict(database.rows("SELECT upstream, row FROM cursors"))
    shapes = {table: (columns, SHAPES[table]) for table, columns in torn if table in SHAPES}
    for key, values in leaf_rows(pages, page_size):
        for table, (columns, shape) in shapes.items():
            if not _fits(values, shape) or (table == "outbox" and key <= done.get(values[1], 0)):
                continue
            copied += _insert(database, "IGNORE", table, columns, (key, *values[1:]))
    return copied


def _fits(values: Row, shape: tuple[tuple[type, ...], ...]) -> bool:
    return len(values) == len(shape) and all(
        isinstance(value, kinds) for value, kinds in zip(values, shape, strict=True)
    )


def _insert(database: Database, conflict: str, table: str, columns: list[str], row: Row) -> int:
    marks = ", ".join("?" * len(columns))
    with contextlib.suppress(StoreError):  # a row that no column takes is damaged; the file is kept aside
        return database.execute(f"INSERT OR {conflict} INTO {table} ({', '.join(columns)}) VALUES ({marks})", row)
    return 0


def _apply_lazy(database: Database, log: Path) -> None:
    """What was not in the damaged file yet, as far as it makes sense."""
    generation = database.row("SELECT row FROM cursors WHERE upstream = 0")
    for sql, values in read_statements(log, generation[0]) if generation is not None else ():
        with contextlib.suppress(StoreError):
            database.execute(sql, values)


def _name_upstreams(database: Database) -> None:
    """Every number that a row carries gets a name and a cursor again, so that no other upstream is ever given it."""
    known = {row[0] for row in database.rows("SELECT number FROM upstreams")}
    named: dict[int, str] = dict(database.rows("SELECT upstream, id FROM cursors WHERE upstream > 0"))
    used = {row[0] for table in _WITH_UPSTREAM for row in database.rows(f"SELECT DISTINCT upstream FROM {table}")}
    for number in sorted((used | set(named)) - known - {0}):
        name = named.get(number, f"lost-{number}")
        database.execute("INSERT INTO upstreams (number, id) VALUES (?, ?)", (number, name))
    database.execute("INSERT OR IGNORE INTO cursors (upstream, row, id) SELECT number, 0, id FROM upstreams")


def _name_transactions(database: Database) -> None:
    """A transaction of which only messages or receipts are left keeps its number."""
    database.execute(
        "INSERT OR IGNORE INTO transactions (number, id, stopped, record) "
        "SELECT number, 'lost-' || number, 2, x'' FROM "
        "(SELECT number FROM outbox UNION SELECT row >> 16 FROM receipts UNION SELECT number FROM parked) "
        "WHERE number IS NOT NULL"
    )
