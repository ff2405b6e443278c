"""Facts about the machine's clock: what it can be trusted with before anybody has told the time."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

RELEASED_MS = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp() * 1000)
"""No wall time before this is believed (a dead RTC battery says 1970 or 2000)."""

LATEST_MS = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp() * 1000)
"""No wall time after this is believed either."""

NTP_FLAG = "/run/systemd/timesync/synchronized"
"""File that systemd-timesyncd creates once the clock was set by NTP (systemd-timesyncd.service(8))."""


_TIME_ERROR = 5
_LARGEST_TIMEX = 512


def is_ntp_synchronised(flag: str = NTP_FLAG, kernel: Callable[[], int] | None = None) -> bool:
    """True if NTP has set the clock of the system since its boot: timesyncd says so, or the kernel of any daemon.

    `kernel` gives the state that adjtimex(2) returns.
    """
    return Path(flag).exists() or (kernel or kernel_state)() in range(_TIME_ERROR)


def kernel_state() -> int:
    """What the kernel knows of its clock (adjtimex(2)); 5: nobody keeps it right, -1: it does not say."""
    try:
        return int(_library().adjtimex(ctypes.create_string_buffer(_LARGEST_TIMEX)))
    except (OSError, AttributeError):
        return -1


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None)
