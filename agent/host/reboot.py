"""Asking for a reboot of the system, with no rights of our own.

The agent creates one file in its run directory. A path unit of systemd (under `make run`: the runner) watches for it
and reboots. The file is gone after the reboot because the run directory is empty then.
"""

from __future__ import annotations

import os
from pathlib import Path


def request_reboot(request: str) -> None:
    """Create the request file (`Locations.reboot_request`). Asking twice is asking once. Raises OSError."""
    path = Path(request)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    os.close(descriptor)
