"""Times for people: in the time zone that the system of the station is set to. UTC everywhere else."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo


def local_text(wall_ms: int, zone: tzinfo | None = None) -> str:
    """A time to the second with its distance from UTC. `zone` None: that of the system."""
    moment = datetime.fromtimestamp(wall_ms // 1000, tz=UTC).astimezone(zone)
    return moment.isoformat(sep=" ", timespec="seconds")


def local_ms(text: str, zone: tzinfo | None = None) -> int:
    """Milliseconds since 1970 of a date (its beginning) or a time. Raises ValueError, which names what fits."""
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone) if zone is not None else moment.astimezone()
        wall_ms = round(moment.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        wall_ms = -1
    if wall_ms < 0:
        raise ValueError(f"{text!r} is no date since 1970; write 2026-11-21, or 2026-11-21T08:00")
    return wall_ms
