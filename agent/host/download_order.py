"""One attempt to bring one file down: what is asked for, and how it fails."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from agent.host.destination import Destination
from agent.settings.transfers import Allowance

LARGEST_BYTES: Final = 1024 * 1024 * 1024
FREE_FLOOR_BYTES: Final = 64 * 1024 * 1024
"""What a download leaves free on the disk: the journal of the station goes before any file."""
TIME_LIMIT_S: Final = 2 * 3600.0
"""The longest that one attempt takes: 1 GiB at 150 kB/s."""
WHOLE_NAME: Final = "download"
PARTIAL_NAME: Final = "download.part"
MARK_NAME: Final = "download.mark"
"""Names in the folder: ours, whatever the place is called."""


class DownloadCause(StrEnum):
    """Why a download failed."""

    PLACE = "place"
    """The location is not used: see `Refused`."""
    CONNECTION = "connection"
    """Nobody there, or the connection broke off."""
    TLS = "tls"
    STALLED = "stalled"
    """The server said nothing for too long."""
    TIME = "time"
    """The whole attempt took longer than it may."""
    ANSWER = "answer"
    """The server refused."""
    PROTOCOL = "protocol"
    """The server speaks another protocol, or what it says of the file contradicts itself."""
    TOO_LARGE = "too_large"
    NO_SPACE = "no_space"
    DISK = "disk"
    CUT = "cut"
    """Given up from outside."""


def free_bytes(descriptor: int) -> int:
    """What may still be written to the disk of an open file. Raises OSError."""
    disk = os.fstatvfs(descriptor)
    return disk.f_bavail * disk.f_frsize


@dataclass(frozen=True, slots=True)
class DownloadOrder:
    """One attempt. Only one download uses a folder at a time."""

    destination: Destination
    folder: Path
    """For this purpose only; made if it is not there (0700)."""
    allowed: frozenset[Allowance]
    context: Callable[[], ssl.SSLContext]
    """Makes the TLS context, anew for each connection; may raise ValueError or OSError."""
    progress: Callable[[int, int | None], None] = lambda kept, whole: None
    """Called in the thread of the download, for every few KiB: bytes that are here, and of how many, if it is known."""
    largest_bytes: int = LARGEST_BYTES
    free_floor_bytes: int = FREE_FLOOR_BYTES
    time_limit_s: float = TIME_LIMIT_S
    free_bytes: Callable[[int], int] = free_bytes

    @property
    def file(self) -> Path:
        """Where the whole file is once `download` has returned."""
        return self.folder / WHOLE_NAME


class DownloadFailed(Exception):
    """The file is not here. The text is for the log, and has nothing secret in it."""

    def __init__(self, cause: DownloadCause, why: str, lasting: bool = False) -> None:
        """`lasting`: trying again is of no use."""
        super().__init__(why)
        self.cause = cause
        self.lasting = lasting
