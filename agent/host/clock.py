"""Facts about the machine's clock: what it can be trusted with before anybody has told the time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

RELEASED_MS = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp() * 1000)
"""No wall time before this is believed (a dead RTC battery says 1970 or 2000)."""

LATEST_MS = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp() * 1000)
"""No wall time after this is believed either."""

NTP_FLAG = "/run/systemd/timesync/synchronized"
"""File that systemd-timesyncd creates once the clock was set by NTP (systemd-timesyncd.service(8))."""


def is_ntp_synchronised(flag: str = NTP_FLAG) -> bool:
    """True if NTP has set the clock of the system since its boot."""
    return Path(flag).exists()
