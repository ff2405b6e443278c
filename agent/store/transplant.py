"""A new schema for a file whose own is damaged, page by page.

Theory of operation
-------------------
The first page of a database holds its header and the root of the schema. Files made by the same migrations with the
same page size keep the schema, and the roots of all tables, on the same pages; so the schema pages of a fresh file fit
the damaged one. Only the tables of the first migration are certain to lie there: in a file that an earlier release
made, the later ones came when other pages were taken. Their rows are looked for leaf by leaf. Before all that, what the
WAL holds is folded in by hand, since SQLite would not do it for such a file.
"""

from __future__ import annotations

import contextlib
import os
import struct
from pathlib import Path

from agent.store.database import PAGE_SIZE, Database
from agent.store.wal import FRAME_HEADER, HEADER

FIRST_MIGRATION = 1


def transplant_schema(path: Path) -> None:
    """Repair header and schema of the file at `path` in place, as well as can be. Raises OSError."""
    pages, page_size = merged_pages(path)
    path.with_name(path.name + "-wal").unlink(missing_ok=True)
    for number, page in _fresh_schema(path, page_size).items():
        pages[(number - 1) * page_size : number * page_size] = page
    pages[28:40] = struct.pack(">III", len(pages) // page_size, 0, 0)
    pages[92:96] = pages[24:28]
    path.write_bytes(pages)


def merged_pages(path: Path) -> tuple[bytearray, int]:
    """The pages of a file with what its WAL holds, and their size. Raises OSError."""
    pages = bytearray(path.read_bytes())
    wal = path.with_name(path.name + "-wal")
    log = wal.read_bytes() if wal.exists() else b""
    page_size = _page_size(bytes(pages[:100]), log)
    _fold(pages, log, page_size)
    pages += bytes(-len(pages) % page_size)
    return pages, page_size


def _page_size(header: bytes, log: bytes) -> int:
    """From the WAL, else the header, else what this release uses."""
    candidates = (int.from_bytes(log[8:12], "big"), int.from_bytes(header[16:18], "big"))
    return next((size for size in candidates if size in (512, 1024, 2048, 4096, 8192)), PAGE_SIZE)


def _fold(pages: bytearray, wal: bytes, page_size: int) -> None:
    """Write the committed frames of the WAL over the pages they replace."""
    salts, pending = wal[16:24], {}
    step = FRAME_HEADER + page_size
    for at in range(HEADER, len(wal) - step + 1, step):
        number, size_after_commit = struct.unpack(">II", wal[at : at + 8])
        if wal[at + 8 : at + 16] != salts or number == 0:
            return
        pending[number] = wal[at + FRAME_HEADER : at + step]
        if size_after_commit:
            for target, page in pending.items():
                pages += bytes(max(0, target * page_size - len(pages)))
                pages[(target - 1) * page_size : target * page_size] = page
            pending = {}


def _fresh_schema(path: Path, page_size: int) -> dict[int, bytes]:
    """The pages of a fresh file that hold its header and schema."""
    fresh = path.with_name(path.name + ".fresh")
    database = Database(fresh, page_size, last_migration=FIRST_MIGRATION)
    try:
        database.open()
        roots = {row[0] for row in database.rows("SELECT rootpage FROM sqlite_schema WHERE rootpage > 0")}
        database.close()
        content = fresh.read_bytes()
    finally:
        database.abandon()
        for suffix in ("", "-wal", "-lazy"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{fresh}{suffix}")
    count = len(content) // page_size
    return {n: content[(n - 1) * page_size : n * page_size] for n in range(1, count + 1) if n not in roots}
