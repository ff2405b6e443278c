"""The write-ahead log as a file: laid out before use, and measured without asking SQLite."""

from __future__ import annotations

import os
from pathlib import Path

HEADER, FRAME_HEADER = 32, 24


class WalFile:
    """The `-wal` file of an open database. Methods raise OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1
        self._salts, self._frames = b"", 0

    def open(self, size: int) -> None:
        """Make it at least `size` bytes long. Zeros are no valid frame, so they end the log for SQLite."""
        self._file = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        present = os.fstat(self._file).st_size
        if present < size:
            os.pwrite(self._file, bytes(size - present), present)
            os.fdatasync(self._file)

    def frames(self, page_size: int) -> int:
        """How many pages it holds since it last began anew: those that carry the salts of its header."""
        salts = os.pread(self._file, HEADER, 0)[16:24]
        count = self._frames if salts == self._salts else 0
        step = page_size + FRAME_HEADER
        while salts and os.pread(self._file, 8, HEADER + count * step + 8) == salts:
            count += 1
        self._salts, self._frames = salts, count
        return count

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
