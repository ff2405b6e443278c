"""The only file that knows SQLite: one connection, one owner thread, two kinds of commit.

Theory of operation
-------------------
The database is in WAL mode, so a commit appends pages to one file. A *barrier* commit runs with `synchronous=FULL`: it
returns after the WAL is on the disk, with every lazy commit before it, because a sync is of the whole file. A *lazy*
commit runs with `synchronous=NORMAL`: it survives the death of the process, not of the power, until the next barrier
or `sync()`. The mode is only switched outside transactions, where SQLite allows it.

Locking is exclusive: nobody else may open the file, and SQLite then keeps its index of the WAL in memory instead of a
third file whose pages the kernel would write to flash. The WAL is laid out with zeros when the database is opened and
never shrinks while it is open, so that a sync overwrites blocks that exist and the file system has nothing to note.

SQLite never checkpoints by itself below `_HARD_LIMIT`: the owner calls `checkpoint_if_due()` when nothing waits.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from agent.store.errors import DamagedStore, StoreError
from agent.store.schema import Row, check_readable, migrations

PAGE_SIZE = 512
"""Bytes of a page of a new file; chosen by tests/bench/flash.py."""
WAL_BYTES = 256 * 1024
"""Size of the WAL from which a checkpoint is due."""
_HARD_LIMIT = 8
"""Times `WAL_BYTES` after which SQLite checkpoints inside a commit, should nobody have called."""

_WAL_HEADER, _FRAME_HEADER = 32, 24


class Database:
    """One file and its WAL. Used by one thread. `on_sync` is called whenever everything committed is on the disk."""

    def __init__(
        self,
        path: Path,
        page_size: int = PAGE_SIZE,
        wal_bytes: int = WAL_BYTES,
        on_sync: Callable[[], None] | None = None,
    ) -> None:
        self.path = path
        self.wal_path = path.with_name(path.name + "-wal")
        self.on_sync = on_sync
        self.unsynced = False
        """True while lazy commits wait for a sync."""
        self._page_size = page_size
        self._wal_bytes = wal_bytes
        self._frames_seen = (b"", 0)
        self._connection: sqlite3.Connection | None = None
        self._wal = -1
        self._full = True

    def open(self) -> None:
        """Open or create, check, migrate. Raises DamagedStore, NewerStore (untouched) or StoreError."""
        try:
            self._connection = self._connect()
            self._check()
            self._migrate()
            self._wal = os.open(self.wal_path, os.O_RDWR)
            _lay_out(self._wal, self._wal_bytes)
        except sqlite3.Error as error:
            self.abandon()
            raise _translated(error, f"cannot open {self.path}") from error
        except OSError as error:
            self.abandon()
            raise StoreError(f"cannot open {self.path}: {error}") from error
        except StoreError:
            self.abandon()
            raise

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        try:
            return self._live().execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise _translated(error, "cannot read") from error

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row of a query, or None."""
        try:
            found: Row | None = self._live().execute(sql, parameters).fetchone()
        except sqlite3.Error as error:
            raise _translated(error, "cannot read") from error
        return found

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """One statement inside a transaction; the number of rows it changed."""
        try:
            return self._live().execute(sql, parameters).rowcount
        except (sqlite3.Error, OverflowError) as error:
            raise _translated(error, "cannot write") from error

    @contextlib.contextmanager
    def transaction(self, barrier: bool) -> Iterator[None]:
        """Everything inside is committed together or not at all. Raises StoreError if it is not."""
        connection = self._live()
        try:
            self._switch(full=barrier)
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise _translated(error, "cannot begin") from error
        changes = connection.total_changes
        try:
            yield
            connection.execute("COMMIT")
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise _translated(error, "cannot commit") from error
            raise
        self._committed(barrier, wrote=connection.total_changes != changes)

    def sync(self) -> None:
        """Bring lazy commits to the disk; nothing to do, nothing written. Raises StoreError."""
        if not self.unsynced:
            return
        try:
            os.fdatasync(self._wal)
        except OSError as error:
            raise StoreError(f"cannot sync {self.wal_path}: {error}") from error
        self._synced()

    def checkpoint_if_due(self) -> bool:
        """Copy the WAL into the database once it is long; two syncs. For a moment when nothing waits."""
        if self.wal_frames() * (self._page_size + _FRAME_HEADER) < self._wal_bytes:
            return False
        self.checkpoint()
        return True

    def checkpoint(self) -> None:
        """Copy the WAL into the database now. Raises StoreError."""
        try:
            self._switch(full=True)
            self._live().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:
            raise _translated(error, "cannot checkpoint") from error
        self._synced()

    def wal_frames(self) -> int:
        """How many pages the WAL holds since it last began anew, read from the file itself."""
        header = os.pread(self._wal, _WAL_HEADER, 0)
        salts, (known, count) = header[16:24], self._frames_seen
        count = count if salts == known else 0
        step = self._page_size + _FRAME_HEADER
        while salts and os.pread(self._wal, 8, _WAL_HEADER + count * step + 8) == salts:
            count += 1
        self._frames_seen = (salts, count)
        return count

    def close(self) -> None:
        """Sync and close in order; SQLite then folds the WAL into the database."""
        if self._connection is None:
            return
        try:
            self.sync()
            self._switch(full=True)
            self._connection.close()
        except sqlite3.Error as error:
            raise _translated(error, "cannot close") from error
        finally:
            self._connection = None
            self.abandon()

    def abandon(self) -> None:
        """Let go of the file without caring what becomes of it."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
        if self._wal >= 0:
            os.close(self._wal)
            self._wal = -1

    def _live(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(f"{self.path} is not open")
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=0, check_same_thread=False)
        self._connection = connection
        connection.execute(f"PRAGMA page_size={self._page_size}")
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("PRAGMA cell_size_check=ON")
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA cache_size=-1024")
        self._page_size = connection.execute("PRAGMA page_size").fetchone()[0]
        connection.execute(f"PRAGMA wal_autocheckpoint={_HARD_LIMIT * self._wal_bytes // self._page_size}")
        return connection

    def _check(self) -> None:
        answer = self._live().execute("PRAGMA quick_check(1)").fetchone()
        if answer is None or answer[0] != "ok":
            raise DamagedStore(f"{self.path} is damaged: {answer[0] if answer else 'no answer'}")

    def _migrate(self) -> None:
        connection = self._live()
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        try:
            if version > 0:
                needed = connection.execute("SELECT value FROM meta WHERE name = 'min_reader'").fetchone()
                check_readable(self.path, needed)
            for number, script in migrations():
                if number > version:
                    connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version={number};\nCOMMIT;")
        except sqlite3.OperationalError as error:
            if (
                error.sqlite_errorcode == sqlite3.SQLITE_ERROR
            ):  # a table that is there, or not there, against the version
                raise DamagedStore(f"{self.path} does not hold the tables of version {version}: {error}") from error
            raise

    def _switch(self, full: bool) -> None:
        if full != self._full:
            self._live().execute(f"PRAGMA synchronous={'FULL' if full else 'NORMAL'}")
            self._full = full

    def _committed(self, barrier: bool, wrote: bool) -> None:
        if barrier and wrote:
            self._synced()
        elif barrier:
            self.sync()  # SQLite does not sync a commit that changed nothing, and earlier lazy ones may wait
        elif wrote:
            self.unsynced = True

    def _synced(self) -> None:
        self.unsynced = False
        if self.on_sync is not None:
            self.on_sync()


def _lay_out(wal: int, size: int) -> None:
    """Make the WAL at least `size` bytes long. Zeros are no valid frame, so they end the log for SQLite."""
    present = os.fstat(wal).st_size
    if present < size:
        os.pwrite(wal, bytes(size - present), present)
        os.fdatasync(wal)


class Wreck:
    """A damaged file, opened to read what can still be read. Nothing here raises for damage."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._connection.execute("PRAGMA cell_size_check=ON")

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[list[Row], bool]:
        """The rows of a query up to the first damage, and whether there was none."""
        found: list[Row] = []
        try:
            for row in self._connection.execute(sql, parameters):
                found.append(row)
        except (sqlite3.Error, UnicodeDecodeError, OverflowError):
            return found, False
        return found, True

    def close(self) -> None:
        """Let go of the file."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()


def _translated(error: Exception, doing: str) -> StoreError:
    code = getattr(error, "sqlite_errorcode", None)
    kind = DamagedStore if code in _DAMAGE else StoreError
    return kind(f"{doing}: {error}")


_DAMAGE = frozenset(
    {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT_VTAB, sqlite3.SQLITE_CORRUPT_SEQUENCE}
)
