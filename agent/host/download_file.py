"""The file that a download grows into: private, bounded, and with a mark of how far it is certain.

Theory of operation
-------------------
Bytes go to `download.part`. A server that names a version of its file (an ETag, a time of change) can be asked to go
on where it broke off: then `download.mark` says which version it is and how many bytes have been synced, and after a
break, a kill or a power cut the next attempt cuts the part to that length and goes on. Without such a name the part is
removed with the attempt. What is whole is renamed to `download`, and the mark removed.

A disk that runs full or fails, a file that grows too large and a server that contradicts itself remove the part at
once: room is more precious than a head start.
"""

from __future__ import annotations

import errno
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from agent.host.download_order import MARK_NAME, PARTIAL_NAME, WHOLE_NAME, DownloadCause, DownloadFailed, DownloadOrder
from agent.settings.files.storage import move_file, read_file, remove_file, write_file
from agent.settings.problems import SettingsError

SYNC_BYTES: Final = 4 * 1024 * 1024
"""So much is lost at most of what had come before a power cut; in small portions, so that the journal waits briefly."""
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_WORTHLESS: Final = (DownloadCause.TOO_LARGE, DownloadCause.NO_SPACE, DownloadCause.DISK, DownloadCause.PROTOCOL)
"""Failures after which the part is of no use, or its room of more."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Which version of the file it is, and how much of it is certainly here."""

    version: str
    """As the server names it; empty: it does not, so nobody can go on with it."""
    whole: int | None
    """Bytes of the whole file, None while unknown."""
    kept: int = 0


def clear(folder: Path) -> None:
    """Remove what downloads left here: at the end of a job, and at the start of the agent. Raises OSError."""
    for name in (MARK_NAME, f".{MARK_NAME}.new", PARTIAL_NAME, WHOLE_NAME):
        with suppress(FileNotFoundError):
            remove_file(folder / name)


class PartialFile:
    """One attempt's file. `with` it; without `finish` within, the end leaves a part to go on with, or nothing."""

    def __init__(self, order: DownloadOrder) -> None:
        """Raises DownloadFailed."""
        self._order = order
        self._folder = order.folder
        self._version: Mark | None = None
        self._unsynced = 0
        self.size = 0
        """Bytes that are here, once it has begun."""
        try:
            self._descriptor = _opened(order)
        except OSError as error:
            raise _trouble(error) from None
        self.mark = self._read_mark()
        """What an earlier attempt left to go on with."""

    def __enter__(self) -> PartialFile:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if error is not None:
                self._break_off(error)
        finally:
            os.close(self._descriptor)

    def begin(self, version: Mark, at: int) -> None:
        """The server sends this version from byte `at` on. Raises DownloadFailed."""
        self._version, self._unsynced, self.size = version, 0, at
        try:
            if not at:
                self._unmark()
            os.ftruncate(self._descriptor, at)
            os.lseek(self._descriptor, at, os.SEEK_SET)
            self._check_room(0 if version.whole is None else version.whole - at)
        except OSError as error:
            raise _trouble(error) from None
        self._order.progress(at, version.whole)

    def write(self, chunk: bytes) -> None:
        """Raises DownloadFailed."""
        assert self._version is not None
        rest = memoryview(chunk)
        try:
            self._check_room(len(chunk))
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            self.size += len(chunk)
            self._unsynced += len(chunk)
            if self._unsynced >= SYNC_BYTES:
                self._keep(self._version)
        except OSError as error:
            raise _trouble(error) from None
        self._order.progress(self.size, self._version.whole)

    def finish(self) -> None:
        """It is whole, and stays so over a power cut. Raises DownloadFailed."""
        try:
            os.fsync(self._descriptor)
            self._unmark()
            move_file(self._folder / PARTIAL_NAME, self._folder / WHOLE_NAME)
        except OSError as error:
            raise _trouble(error) from None

    def _check_room(self, coming: int) -> None:
        most, floor = self._order.largest_bytes, self._order.free_floor_bytes
        if self.size + coming > most:
            raise DownloadFailed(DownloadCause.TOO_LARGE, f"the file is larger than {most} bytes", lasting=True)
        if self._order.free_bytes(self._descriptor) - coming < floor:
            raise DownloadFailed(DownloadCause.NO_SPACE, f"less than {floor} bytes of the disk would stay free")

    def _keep(self, version: Mark) -> None:
        """What is here is certain. Raises OSError."""
        os.fsync(self._descriptor)
        self._unsynced = 0
        if version.version:
            mark = replace(version, kept=self.size)
            write_file(self._folder / MARK_NAME, json.dumps(asdict(mark)) + "\n")

    def _break_off(self, error: BaseException) -> None:
        if self._version is None and self.mark is not None and not getattr(error, "lasting", False):
            return  # nothing came: what was here still is
        lost = isinstance(error, DownloadFailed) and (error.cause in _WORTHLESS or error.lasting)
        with suppress(OSError):
            if not lost and self.size and self._version is not None and self._version.version:
                self._keep(self._version)
                return
        with suppress(OSError):
            clear(self._folder)

    def _read_mark(self) -> Mark | None:
        try:
            mark = Mark(**json.loads(read_file(self._folder / MARK_NAME, "it is removed")))
            sound = bool(mark.version) and 0 < mark.kept <= os.fstat(self._descriptor).st_size
        except (OSError, SettingsError, ValueError, TypeError):
            return None
        return mark if sound else None

    def _unmark(self) -> None:
        remove_file(self._folder / MARK_NAME)


def _opened(order: DownloadOrder) -> int:
    """The part, made or found; what an earlier job left whole is gone. Raises OSError."""
    order.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    order.folder.chmod(0o700)
    remove_file(order.file)
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(order.folder / PARTIAL_NAME, flags, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


def _trouble(error: OSError) -> DownloadFailed:
    if error.errno in _FULL:
        return DownloadFailed(DownloadCause.NO_SPACE, "the disk is full")
    return DownloadFailed(DownloadCause.DISK, f"the file cannot be written: {error.strerror or type(error).__name__}")
