"""The seam between the agent and what installs firmware: as RAUC and its like offer it, in a handful of calls.

Theory of operation
-------------------
A station has two slots. The running version is in one, or came with the hardware; an image is installed into the other.
`activate` lets the next boot try it. Once the station has proved itself with it (it runs, and its management link is
up), `confirm` makes it the good one. A version that is not confirmed within `BOOTS` boots, and one that is rolled back,
is left: the boot after that runs the good one again. So an update is told as installed by the new version alone, when
`running_version` names it, and as failed by the old one, when nothing is pending any more.

`install` checks the image by itself, whoever brought it and whatever was checked before: it must be signed by the
manufacturer, for this model, whole, and not older than what the manufacturer allows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

BOOTS: Final = 3
"""So often a version may boot without being confirmed."""


class InstallFailed(Exception):
    """The image is not installed, and what was good still is. The text is for the log."""

    def __init__(self, why: str, *, verification: bool = False) -> None:
        """`verification`: the image itself is not taken, so trying it again is of no use."""
        super().__init__(why)
        self.verification = verification


@dataclass(frozen=True, slots=True)
class Slot:
    """An installed image."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Pending:
    """A version that was activated and is not confirmed yet."""

    slot: Slot
    running: bool
    """This boot tries it; False: the next one will."""
    boots_left: int
    """So often it may still boot before the good version comes back."""


class Installer(Protocol):
    """All calls block, and may take as long as the disk does: for a thread beside the event loop."""

    @property
    def problem(self) -> str:
        """What was wrong at the start, for the log; empty: all is well."""

    def install(self, image: Path, progress: Callable[[int, int], None]) -> Slot:
        """Check the image and write it into the slot that is free; nothing else changes. Raises InstallFailed.

        `progress` is called with the bytes that are written, and of how many. A version that was activated and has not
        booted yet is given up; one that runs unconfirmed must be confirmed or rolled back before.
        """

    def activate(self, slot: Slot) -> None:
        """The next boot tries this slot. Raises InstallFailed."""

    def running_version(self) -> str:
        """What this boot runs."""

    def pending(self) -> Pending | None:
        """What was activated and is not confirmed yet."""

    def confirm(self) -> None:
        """What runs is good. Does nothing if it is already. Raises InstallFailed."""

    def rollback(self) -> None:
        """What is pending is given up: the next boot runs the good version. Raises InstallFailed."""
