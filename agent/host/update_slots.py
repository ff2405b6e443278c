"""The two slots of the file-backed installer: one folder each, with a payload and, once that is whole, its manifest."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Final

from agent.credentials.firmware import ImageFound
from agent.credentials.image_format import version_numbers
from agent.host.download_order import FREE_FLOOR_BYTES, free_bytes
from agent.host.update import InstallFailed
from agent.settings.files.storage import move_file, read_file, remove_file, sync_folder, write_file
from agent.settings.problems import SettingsError

NAMES: Final = ("a", "b")
_PIECE: Final = 256 * 1024
_SYNC_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Content:
    """What is in a slot."""

    version: str
    least_version: str
    size: int
    sha256: str


class Slots:
    """The folder of the slots. What writes raises OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def payload(self, name: str) -> Path:
        """Where the payload of a slot is."""
        return self._folder / name / "payload"

    def read(self, name: str) -> Content | None:
        """What is whole in a slot, else None. The hash is that of the installation and is not computed again."""
        try:
            content = Content(**json.loads(read_file(self._manifest(name), "install an image")))
            for version in (content.version, content.least_version):
                version_numbers(version)
            return content if self.payload(name).stat().st_size == content.size else None
        except (OSError, SettingsError, ValueError, TypeError):
            return None

    def clear(self, name: str) -> None:
        """Nothing is in it from now on: the manifest goes first."""
        self._payload_folder(name).mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in (self._manifest(name), self.payload(name), self._beside(name)):
            remove_file(file)

    def write(self, name: str, image: Path, found: ImageFound, progress: Callable[[int, int], None]) -> None:
        """The payload of an image that was found to be good. Also raises InstallFailed: it is not what was checked,
        or would take the room that the journal of the station needs."""
        self.clear(name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with (
            os.fdopen(os.open(image, os.O_RDONLY | os.O_NOFOLLOW), "rb") as source,
            os.fdopen(os.open(self._beside(name), flags, 0o600), "wb", buffering=0) as target,
        ):
            if free_bytes(target.fileno()) - found.size < FREE_FLOOR_BYTES:
                raise InstallFailed(f"less than {FREE_FLOOR_BYTES} bytes of the disk would stay free; make room on it")
            source.seek(found.offset)
            digest = _copy(source, target.fileno(), found.size, progress)
        if digest != found.sha256:
            raise InstallFailed("the image changed while it was installed", verification=True)
        move_file(self._beside(name), self.payload(name))
        content = Content(found.version, found.least_version, found.size, found.sha256)
        write_file(self._manifest(name), json.dumps(asdict(content)) + "\n")
        sync_folder(self._folder)

    def _payload_folder(self, name: str) -> Path:
        return self._folder / name

    def _manifest(self, name: str) -> Path:
        return self._folder / name / "manifest.json"

    def _beside(self, name: str) -> Path:
        return self._folder / name / ".payload.new"


def _copy(source: BinaryIO, target: int, size: int, progress: Callable[[int, int], None]) -> str:
    """Synced in portions, so that nobody else waits long for the disk. Returns the SHA-256 of what was copied."""
    digest, written, unsynced = hashlib.sha256(), 0, 0
    while written < size and (piece := source.read(min(_PIECE, size - written))):
        digest.update(piece)
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(target, rest) :]
        written += len(piece)
        unsynced += len(piece)
        if unsynced >= _SYNC_BYTES:
            os.fsync(target)
            unsynced = 0
        progress(written, size)
    os.fsync(target)
    return digest.hexdigest()
