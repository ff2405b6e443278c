"""What can be read of a damaged file goes into a fresh one; the damaged file is set aside, never deleted.

Theory of operation
-------------------
Every table is read from both ends up to the damage; between the two, tables with integer keys are asked key by key.
Rows are copied as they are: whether one makes sense is found out when it is loaded, like any other row. If the file
does not even open, because its header or schema is damaged, the pages of the schema are taken from a fresh file, whose
tables lie on the same pages because the same migrations made both.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from agent.store.damage import Report
from agent.store.database import Database, Wreck
from agent.store.errors import StoreError
from agent.store.schema import Row
from agent.store.transplant import transplant_schema

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
    "latches": "connector, fault",
    "cache": "upstream, token",
    "ladder": "row",
    "damaged": "row",
}
"""Every table with its key."""
_INTEGER_KEYS = frozenset({"transactions", "readings", "outbox", "parked", "receipts", "upstreams", "boots", "cursors"})
_LARGEST_GAP = 100_000


def salvage(database: Database, report: Report) -> None:
    """Set the damaged file aside and open `database` anew with what could be read. Raises StoreError."""
    try:
        aside = _set_aside(database)
    except OSError as error:
        raise StoreError(f"cannot set {database.path} aside: {error}") from error
    database.open()
    copied = _copy_all(database, aside, graft=False) or _copy_all(database, aside, graft=True)
    report(f"the damaged database is kept as {aside.name}; {copied} rows were saved into a new one")


def _set_aside(database: Database) -> Path:
    """Rename the file and its WAL to the first free `*.damaged-N`."""
    number = 1
    while (aside := database.path.with_name(f"{database.path.name}.damaged-{number}")).exists():
        number += 1
    os.rename(database.path, aside)
    if database.wal_path.exists():
        os.rename(database.wal_path, aside.with_name(aside.name + "-wal"))
    return aside


def _copy_all(database: Database, aside: Path, graft: bool) -> int:
    scratch = aside.with_name(aside.name + ".scratch")
    try:
        _copy_files(aside, scratch)
        if graft:
            transplant_schema(scratch)
        wreck = Wreck(scratch)
        try:
            with database.transaction(barrier=True):
                return sum(_copy_table(database, wreck, table, key) for table, key in TABLES.items())
        finally:
            wreck.close()
    except OSError as error:
        raise StoreError(f"cannot copy {aside}: {error}") from error
    finally:
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{scratch}{suffix}")


def _copy_files(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    wal = source.with_name(source.name + "-wal")
    if wal.exists():
        shutil.copyfile(wal, target.with_name(target.name + "-wal"))


def _copy_table(database: Database, wreck: Wreck, table: str, key: str) -> int:
    columns = ", ".join(row[1] for row in database.rows(f"PRAGMA table_info({table})"))
    marks = ", ".join("?" * (columns.count(",") + 1))
    copied = 0
    for row in _read_table(wreck, table, key, columns):
        with contextlib.suppress(StoreError):  # a row that no column takes is damaged; the file is kept aside
            copied += database.execute(f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})", row)
    return copied


def _read_table(wreck: Wreck, table: str, key: str, columns: str) -> list[Row]:
    select = f"SELECT {columns} FROM {table} NOT INDEXED"
    upward, whole = wreck.rows(f"{select} ORDER BY {key}")
    if whole:
        return upward
    downward, _ = wreck.rows(f"{select} ORDER BY {', '.join(part + ' DESC' for part in key.split(', '))}")
    between: list[Row] = []
    if table in _INTEGER_KEYS:
        low = upward[-1][0] if upward else 0
        high = downward[-1][0] if downward else low + _LARGEST_GAP
        for candidate in range(low + 1, min(high, low + _LARGEST_GAP)):
            between += wreck.rows(f"{select} WHERE {key} = ?", (candidate,))[0]
    return upward + between + downward
