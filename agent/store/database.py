"""The only file that knows SQLite: one connection, one owner thread, two kinds of commit.

Theory of operation
-------------------
The database is in WAL mode with `synchronous=FULL`. A *barrier* commit appends its pages to the WAL and returns after
they are on the disk. A *lazy* one stays in the open transaction, and its statements go to the lazy log: it survives the
death of the process, not of the power, until the next barrier commits it too or `sync()` syncs the log. A step that
fails rolls the open transaction back; what was pending in it is put back before the next question or step.

Locking is exclusive: nobody else may open the file, and SQLite then keeps its index of the WAL in memory instead of a
third file whose pages the kernel would write to flash. The WAL is laid out with zeros when the database is opened and
never shrinks while it is open, so that a sync overwrites blocks that exist and the file system has nothing to note.

SQLite never checkpoints by itself below `_HARD_LIMIT`: the owner calls `checkpoint_if_due()` when nothing waits.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from agent.store.errors import DamagedStore, StoreError
from agent.store.lazy_log import LazyLog, Statement
from agent.store.schema import Row, check_readable, migrations
from agent.store.wal import FRAME_HEADER, WalFile

PAGE_SIZE = 512
"""Bytes of a page of a new file; chosen by tests/bench/flash.py."""
WAL_BYTES = 256 * 1024
"""Size of the WAL from which a checkpoint is due."""
_HARD_LIMIT = 8
"""Times `WAL_BYTES` after which SQLite checkpoints inside a commit, should nobody have called."""

SqlError = sqlite3.Error
Link = sqlite3.Connection
"""For whoever reads a wreck, or keeps a file of its own."""


class Database:
    """One file and its WAL. Used by one thread. `on_sync` is called whenever everything committed is on the disk.

    `last_migration`: the version of the schema at which to stop; None: the newest.
    """

    def __init__(
        self,
        path: Path,
        page_size: int = PAGE_SIZE,
        wal_bytes: int = WAL_BYTES,
        on_sync: Callable[[], None] | None = None,
        last_migration: int | None = None,
    ) -> None:
        self.path = path
        self.wal_path = path.with_name(path.name + "-wal")
        self.on_sync = on_sync
        self.unsynced = False  # true while lazy commits wait for a sync
        self._page_size = page_size
        self._wal_bytes = wal_bytes
        self._connection: sqlite3.Connection | None = None
        self._wal = WalFile(self.wal_path)
        self._log = LazyLog(path.with_name(path.name + "-lazy"))
        self._last_migration = last_migration
        self._generation = 0
        self._statements: list[Statement] = []
        self._pending: list[Statement] = []

    def open(self) -> None:
        """Open or create, check, migrate. Raises DamagedStore, NewerStore (untouched) or StoreError."""
        try:
            self._connection = self._connect()
            self._check()
            self._migrate()
            self._take_up()
            self._wal.open(self._wal_bytes)
        except sqlite3.Error as error:
            self.abandon()
            raise translated(error, f"cannot open {self.path}") from error
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
            raise translated(error, "cannot read") from error

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row of a query, or None."""
        try:
            found: Row | None = self._live().execute(sql, parameters).fetchone()
        except sqlite3.Error as error:
            raise translated(error, "cannot read") from error
        return found

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """One statement inside a transaction; the number of rows it changed."""
        try:
            changed = self._live().execute(sql, parameters).rowcount
        except (sqlite3.Error, OverflowError) as error:
            raise translated(error, "cannot write") from error
        if changed:
            self._statements.append((sql, tuple(parameters)))
        return changed

    @contextlib.contextmanager
    def transaction(self, barrier: bool) -> Iterator[None]:
        """Everything inside is committed together or not at all. Raises StoreError if it is not."""
        self._begin()
        self._statements = []
        try:
            yield
            if self._statements and not barrier:
                barrier = not self._log.append(self._generation, self._statements)
            if barrier and (self._statements or self._pending):
                self._commit()
        except BaseException as error:
            self._roll_back()
            if isinstance(error, sqlite3.Error | OSError):
                raise translated(error, "cannot commit") from error
            raise
        if barrier:
            self.sync()
        elif self._statements:
            self._pending += self._statements
            self.unsynced = True
        elif not self._pending:
            self._roll_back()

    def sync(self) -> None:
        """Bring lazy commits to the disk; nothing to do, nothing written. Raises StoreError."""
        if not self.unsynced:
            return
        try:
            self._log.sync()
        except OSError as error:
            raise StoreError(f"cannot sync {self._log.path}: {error}") from error
        self._synced()

    def checkpoint_if_due(self) -> bool:
        """Copy the WAL into the database once it is long; two syncs. For a moment when nothing waits."""
        if self.wal_frames() * (self._page_size + FRAME_HEADER) < self._wal_bytes:
            return False
        self.checkpoint()
        return True

    def checkpoint(self) -> None:
        """Copy the WAL into the database now. Raises StoreError."""
        if self._pending:
            with self.transaction(barrier=True):
                """No checkpoint inside a transaction: what is open goes first."""
        try:
            self._live().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:
            raise translated(error, "cannot checkpoint") from error
        self._synced()

    def wal_frames(self) -> int:
        """How many pages the WAL holds since it last began anew."""
        return self._wal.frames(self._page_size)

    def close(self) -> None:
        """Sync and close in order; SQLite then folds the WAL into the database."""
        if self._connection is None:
            return
        try:
            if self._pending:
                with self.transaction(barrier=True):
                    """What is open is committed."""
            self._connection.close()
        except sqlite3.Error as error:
            raise translated(error, "cannot close") from error
        finally:
            self._connection = None
            self.abandon()

    def abandon(self) -> None:
        """Let go of the file without caring what becomes of it."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
        self._log.close()
        self._pending, self.unsynced = [], False
        self._wal.close()

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(f"{self.path} is not open")
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        connection = self._connection = connect(self.path)
        connection.execute(f"PRAGMA page_size={self._page_size}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=OFF")
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
                if version < number <= (self._last_migration or number):
                    connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version={number};\nCOMMIT;")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # a table is there, or not, against the version
                raise DamagedStore(f"{self.path} does not hold the tables of version {version}: {error}") from error
            raise

    def _begin(self) -> None:
        """Open a transaction if none is open, with all that is pending in it."""
        connection = self._open_connection()
        if connection.in_transaction:
            return
        try:
            connection.execute("BEGIN IMMEDIATE")
            for sql, values in self._pending:
                connection.execute(sql, values)
        except sqlite3.Error as error:
            self._roll_back()
            raise translated(error, "cannot begin") from error

    def _commit(self) -> None:
        """Commit all that is open and make the lazy log begin anew."""
        connection = self._open_connection()
        connection.execute("UPDATE cursors SET row = ? WHERE upstream = 0", (self._generation + 1,))
        connection.execute("COMMIT")
        self._generation += 1
        self._pending = []
        self._log.restart()
        self._synced()

    def _roll_back(self) -> None:
        """Forget what is open; what is pending comes back with the next question."""
        with contextlib.suppress(sqlite3.Error):
            if self._open_connection().in_transaction:
                self._open_connection().execute("ROLLBACK")

    def _take_up(self) -> None:
        """Read the generation, and put back what the lazy log holds for it."""
        found = self._open_connection().execute("SELECT row FROM cursors WHERE upstream = 0").fetchone()
        if found is None or not isinstance(found[0], int):
            raise DamagedStore(f"{self.path} does not know the generation of its lazy log")
        self._generation = found[0]
        self._pending = self._log.open(self._generation)
        self.unsynced = bool(self._pending)
        try:
            self._live()
        except StoreError as error:
            raise DamagedStore(f"{self.path} and its lazy log do not fit together: {error}") from error

    def _live(self) -> sqlite3.Connection:
        """The connection, with all that is pending visible."""
        if self._pending:
            self._begin()
        return self._open_connection()

    def _synced(self) -> None:
        self.unsynced = False
        if self.on_sync is not None:
            self.on_sync()


def connect(path: Path) -> sqlite3.Connection:
    """A bare connection for one owner; nothing is read yet."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=0, check_same_thread=False)
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.execute("PRAGMA cell_size_check=ON")
    return connection


def translated(error: Exception, doing: str) -> StoreError:
    """What went wrong as an error of ours."""
    code = getattr(error, "sqlite_errorcode", None)
    kind = DamagedStore if code in _DAMAGE else StoreError
    return kind(f"{doing}: {error}")


_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT_VTAB, sqlite3.SQLITE_CORRUPT_SEQUENCE}
