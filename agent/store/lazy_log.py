"""A small file of fixed size that keeps lazy commits until the next barrier writes them into the database.

Theory of operation
-------------------
Lazy commits are many and small, and most are undone soon: a meter sample is queued, sent and acknowledged within
seconds. As pages of a WAL each would cost a dozen times its size. So the database holds them in its open transaction,
and this file holds their statements, appended in place: a write survives the death of the process, a sync of one block
that of the power. The next barrier commits everything at once and raises the *generation* that the database stores;
entries of an older generation are in the database already and mean nothing any more. An entry counts only if its
checksum holds and all before it count.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

Value = int | float | str | bytes | None
Statement = tuple[str, tuple[Value, ...]]

CAPACITY = 64 * 1024
_ENTRY = struct.Struct(">III")
_LENGTH = struct.Struct(">I")
_NONE, _INTEGER, _REAL, _TEXT, _BLOB = b"n", b"i", b"r", b"t", b"b"


class LazyLog:
    """Entries of one generation. Methods raise OSError."""

    def __init__(self, path: Path, capacity: int = CAPACITY) -> None:
        self.path = path
        self._capacity = capacity
        self._file = -1
        self._position = 0

    def open(self, generation: int) -> list[Statement]:
        """Open or create; the statements of this generation. What is appended goes behind them."""
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        missing = self._capacity - os.fstat(self._file).st_size
        if missing > 0:
            os.pwrite(self._file, bytes(missing), self._capacity - missing)
            os.fsync(self._file)
        statements: list[Statement] = []
        self._position = 0
        content = os.pread(self._file, self._capacity, 0)
        for entry, end in _entries(content, generation):
            statements += entry
            self._position = end
        return statements

    def append(self, generation: int, statements: Sequence[Statement]) -> bool:
        """Write an entry; False if there is no room for it."""
        body = zlib.compress(b"".join(map(_pack, statements)), 6)
        entry = _ENTRY.pack(len(body), zlib.crc32(body, generation), generation) + body
        if self._position + len(entry) > self._capacity:
            return False
        if os.pwrite(self._file, entry, self._position) != len(entry):
            raise OSError(f"short write to {self.path}")
        self._position += len(entry)
        return True

    def sync(self) -> None:
        """Bring what was appended to the disk."""
        os.fdatasync(self._file)

    def restart(self) -> None:
        """The entries are in the database: the next one goes to the beginning."""
        self._position = 0

    def close(self) -> None:
        """Let go of the file; it stays."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def read_statements(path: Path, generation: int) -> list[Statement]:
    """The statements of a generation in a file that is not open; empty if there is none."""
    content = path.read_bytes() if path.exists() else b""
    return [statement for entry, _ in _entries(content, generation) for statement in entry]


def _entries(content: bytes, generation: int) -> Iterator[tuple[list[Statement], int]]:
    at = 0
    while at + _ENTRY.size <= len(content):
        length, check, found = _ENTRY.unpack_from(content, at)
        body = content[at + _ENTRY.size : at + _ENTRY.size + length]
        if found != generation or len(body) != length or zlib.crc32(body, generation) != check:
            return
        at += _ENTRY.size + length
        yield list(_unpack(zlib.decompress(body))), at


def _pack(statement: Statement) -> bytes:
    sql, values = statement
    return _sized(sql.encode()) + _LENGTH.pack(len(values)) + b"".join(map(_pack_value, values))


def _pack_value(value: Value) -> bytes:
    if value is None:
        return _NONE + _sized(b"")
    if isinstance(value, int):
        return _INTEGER + _sized(str(int(value)).encode())
    if isinstance(value, float):
        return _REAL + _sized(value.hex().encode())
    if isinstance(value, str):
        return _TEXT + _sized(value.encode("utf-8", "surrogatepass"))
    return _BLOB + _sized(value)


def _sized(raw: bytes) -> bytes:
    return _LENGTH.pack(len(raw)) + raw


def _unpack(body: bytes) -> Iterator[Statement]:
    at = 0
    while at < len(body):
        sql, at = _take(body, at)
        (count,) = _LENGTH.unpack_from(body, at)
        at += _LENGTH.size
        values: list[Value] = []
        for _ in range(count):
            kind = body[at : at + 1]
            raw, at = _take(body, at + 1)
            values.append(_value(kind, raw))
        yield sql.decode(), tuple(values)


def _take(body: bytes, at: int) -> tuple[bytes, int]:
    (length,) = _LENGTH.unpack_from(body, at)
    begin = at + _LENGTH.size
    return body[begin : begin + length], begin + length


def _value(kind: bytes, raw: bytes) -> Value:
    if kind == _NONE:
        return None
    if kind == _INTEGER:
        return int(raw)
    if kind == _REAL:
        return float.fromhex(raw.decode())
    return raw.decode("utf-8", "surrogatepass") if kind == _TEXT else raw
