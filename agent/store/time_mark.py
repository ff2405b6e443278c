"""The time mark: the latest wall time, written in place every few minutes, so that no earlier time is believed later.

Theory of operation
-------------------
A file of fixed size beside the database with two slots in two blocks of the file system. Each mark overwrites the
older slot, so a torn write leaves the newer one. One block is written, nothing grows, and the database is not touched.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

from agent.store.errors import StoreError

_SLOT = struct.Struct(">qqI")
_PITCH = 4096


def _sync_folder(folder: Path) -> None:
    """The names of new files are on the disk, those of the database, opened before, among them."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class TimeMark:
    """Two slots of (sequence, wall time in milliseconds, checksum)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1
        self._sequence = 0

    def open(self) -> int | None:
        """Open or create the file; the latest mark, or None. Raises StoreError."""
        self.close()
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if os.fstat(self._file).st_size < 2 * _PITCH:
                os.pwrite(self._file, bytes(2 * _PITCH), 0)
                os.fsync(self._file)
            _sync_folder(self._path.parent)
            slots = [self._read(index) for index in (0, 1)]
        except OSError as error:
            raise StoreError(f"cannot open {self._path}: {error}") from error
        sequence, wall_ms = max((slot for slot in slots if slot is not None), default=(0, None))
        self._sequence = sequence
        return wall_ms

    def write(self, wall_ms: int) -> None:
        """Write a mark and sync it. Raises StoreError."""
        self._sequence += 1
        slot = struct.pack(">qq", self._sequence, wall_ms)
        try:
            os.pwrite(self._file, slot + struct.pack(">I", zlib.crc32(slot)), (self._sequence % 2) * _PITCH)
            os.fdatasync(self._file)
        except OSError as error:
            raise StoreError(f"cannot write {self._path}: {error}") from error

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _read(self, index: int) -> tuple[int, int] | None:
        raw = os.pread(self._file, _SLOT.size, index * _PITCH)
        if len(raw) < _SLOT.size:
            return None
        sequence, wall_ms, check = _SLOT.unpack(raw)
        return (sequence, wall_ms) if check == zlib.crc32(raw[:16]) and sequence > 0 else None
