"""A place for firmware without a network, for the seam `download`: what is fetched there, and how that fails."""

from __future__ import annotations

from agent.host.connections import Cut
from agent.host.download_order import MARK_NAME, DownloadCause, DownloadFailed, DownloadOrder


class FirmwareServer:
    """Gives what is in `files` until `fails` says otherwise."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        """Content by address, without login."""
        self.fails: list[bool] = []
        """How the next attempts end, one each: True, with a part that can be continued; False, with nothing."""
        self.attempts = 0

    def __call__(self, order: DownloadOrder, cut: Cut) -> None:
        """One attempt."""
        self.attempts += 1
        order.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark = order.folder / MARK_NAME
        mark.unlink(missing_ok=True)
        if self.fails:
            if self.fails.pop(0):
                mark.touch()
            raise DownloadFailed(DownloadCause.CONNECTION, "as the test wants it")
        place = order.destination
        content = self.files.get(f"{place.scheme}://{place.host}{place.path}")
        if content is None:
            raise DownloadFailed(DownloadCause.ANSWER, "the server has no such file", lasting=True)
        order.file.write_bytes(content)
