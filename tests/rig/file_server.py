"""A place for files without a network, for the seam `upload`: what was brought there, and what it refuses."""

from __future__ import annotations

import io
import zipfile

from agent.host.connections import Cut
from agent.host.upload_order import Order, UploadFailed
from agent.vocabulary.uploads import UploadStatus


class FileServer:
    """Takes everything until `fails` says otherwise."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        """Content by address, without login."""
        self.fails: list[UploadStatus] = []
        """How the next attempts end, one each; when it is empty they succeed."""
        self.attempts = 0

    def __call__(self, order: Order, cut: Cut) -> None:
        """One attempt."""
        self.attempts += 1
        if self.fails:
            raise UploadFailed(self.fails.pop(0), "as the test wants it")
        place = order.destination
        self.files[f"{place.scheme}://{place.host}{place.path}{place.query}"] = order.content

    def archive(self) -> dict[str, str]:
        """The texts of the one archive that was brought."""
        (content,) = self.files.values()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: archive.read(name).decode() for name in archive.namelist()}
