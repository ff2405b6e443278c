"""Sessions as one backend was told of them, for the oracle."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from tests.rig.ledger import Ledger, MeterValue, Stop


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken promise."""

    law: str
    text: str

    def __str__(self) -> str:
        return f"{self.law}: {self.text}"


@dataclass(frozen=True, slots=True)
class Session:
    """One start with the stops that name its transaction id (right: exactly one)."""

    connector: int
    id_tag: str
    foreign_ids: tuple[int, ...]
    began_ms: int
    meter_start_wh: int
    stops: tuple[Stop, ...]
    meter_values: tuple[MeterValue, ...]

    @property
    def label(self) -> str:
        """For findings."""
        return f"transaction {self.foreign_ids[-1] if self.foreign_ids else '?'} on connector {self.connector}"

    @property
    def ended_ms(self) -> int | None:
        """Wall time of the stop, or None."""
        return wall_ms_of(self.stops[0].timestamp) if self.stops else None

    @property
    def meter_stop_wh(self) -> int | None:
        """Register of the stop, or None."""
        return self.stops[0].meter_stop_wh if self.stops else None

    @property
    def reason(self) -> str:
        """Reason of the stop, or an empty text."""
        return self.stops[0].reason if self.stops else ""


def wall_ms_of(timestamp: str) -> int:
    """Milliseconds since 1970 of a timestamp in a frame. Raises ValueError without a time zone."""
    moment = datetime.fromisoformat(timestamp)
    if moment.tzinfo is None:
        raise ValueError(f"{timestamp} has no time zone")
    return round(moment.astimezone(UTC).timestamp() * 1000)


def sessions_of(ledger: Ledger) -> list[Session]:
    """The sessions of a ledger in order of their starts."""
    stops, values = ledger.stops(), ledger.meter_values()
    found = []
    for start in ledger.starts():
        ids = tuple(ledger.foreign_ids(start.message_id))
        found.append(
            Session(
                start.connector,
                start.id_tag,
                ids,
                wall_ms_of(start.timestamp),
                start.meter_start_wh,
                tuple(stop for stop in stops if stop.foreign_id in ids),
                tuple(value for value in values if value.foreign_id in ids),
            )
        )
    return found
