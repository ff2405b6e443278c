"""One attempt to bring one file to one place: what is asked for, and how it fails."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.host.destination import Destination
from agent.settings.transfers import Allowance
from agent.vocabulary.uploads import UploadStatus


@dataclass(frozen=True, slots=True)
class Order:
    """One attempt."""

    destination: Destination
    content: bytes = field(repr=False)
    allowed: frozenset[Allowance]
    context: Callable[[], ssl.SSLContext]
    """Makes the TLS context; may raise ValueError or OSError."""


class UploadFailed(Exception):
    """The file is not there. `status` is what the backend is told; the text is for the log."""

    def __init__(self, status: UploadStatus, why: str, lasting: bool = False) -> None:
        """`lasting`: trying again is of no use."""
        super().__init__(why)
        self.status = status
        self.lasting = lasting
