"""Delivery receipts: what became of each transaction at each upstream, kept as long as the history."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from enum import IntEnum

from agent.store.codec import from_json, to_json
from agent.store.database import Database
from agent.store.names import UpstreamNumbers
from agent.store.schema import Row
from agent.store.squeeze import expand, squeeze
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.outbox import RowKind
from agent.vocabulary.records import Verdict

_SHIFT = 16
UNKNOWN_ID = "-1"
"""The foreign id of a transaction whose start an upstream never confirmed (OCPP 1.6 errata 3.18)."""


class Delivery(IntEnum):
    """How far a start or stop has come at one upstream."""

    NONE = 0
    QUEUED = 1
    ACKNOWLEDGED = 2
    PARKED = 3
    SESSION_PARKED = 4
    """Of a start: all of its session is parked with it."""
    DROPPED = 5
    """It was never delivered, and there was no room to keep it; or nobody wanted it for too long."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One transaction at one upstream. `attempts` counts failed ones of all its messages."""

    upstream: UpstreamId
    start: Delivery
    stop: Delivery
    attempts: int = 0
    parked: int = 0
    foreign_id: str | None = None
    verdict: Verdict | None = None
    why: str | None = None
    waiting: int = 0
    """Messages of this transaction that are still in the outbox."""


class Receipts:
    """The table of receipts, by transaction number and upstream number."""

    def __init__(self, database: Database, upstreams: UpstreamNumbers) -> None:
        self._database = database
        self._upstreams = upstreams

    def note(self, number: int, upstream: int, kind: RowKind, state: Delivery) -> None:
        """A start or stop has come so far; samples leave no trace. Inside a transaction."""
        if kind is not RowKind.SAMPLE:
            column = kind.value
            self._database.execute(
                f"INSERT INTO receipts (row, {column}) VALUES (?, ?) "
                f"ON CONFLICT (row) DO UPDATE SET {column} = excluded.{column}",
                (number << _SHIFT | upstream, int(state)),
            )

    def start_of(self, number: int, upstream: int) -> Delivery:
        """How far the start of a transaction has come."""
        found = self._database.row("SELECT start FROM receipts WHERE row = ?", (number << _SHIFT | upstream,))
        return Delivery(found[0]) if found and found[0] in tuple(Delivery) else Delivery.NONE

    def answered(self, number: int, upstream: int, foreign_id: str | None, verdict: Verdict | None) -> None:
        """Keep what the answer brought; the first foreign id stays. Inside a transaction."""
        self._database.execute(
            "UPDATE receipts SET foreign_id = coalesce(foreign_id, ?), verdict = coalesce(?, verdict) WHERE row = ?",
            (foreign_id, None if verdict is None else squeeze(to_json(verdict)), number << _SHIFT | upstream),
        )

    def count_attempt(self, number: int, upstream: int) -> None:
        """One more failed attempt. Inside a transaction."""
        row = number << _SHIFT | upstream
        self._database.execute("UPDATE receipts SET attempts = attempts + 1 WHERE row = ?", (row,))

    def count_parked(self, number: int, upstream: int, why: str) -> None:
        """One message was given up. Inside a transaction."""
        self._database.execute(
            "UPDATE receipts SET parked = parked + 1, why = ? WHERE row = ?", (why, number << _SHIFT | upstream)
        )

    def id_for_frames(self, number: int, upstream: int) -> str | None:
        """What messages after the start carry: the foreign id, `-1` if there will be none, None while it may come."""
        found = self._database.row(
            "SELECT start, foreign_id FROM receipts WHERE row = ?", (number << _SHIFT | upstream,)
        )
        if found is None or found[0] not in (Delivery.QUEUED, Delivery.SESSION_PARKED):
            return (found[1] if found else None) or UNKNOWN_ID
        return None

    def of(self, number: int) -> list[Receipt]:
        """The receipts of a transaction; one that cannot be read is left out."""
        rows = self._database.rows(
            "SELECT row, start, stop, attempts, parked, foreign_id, verdict, why FROM receipts "
            "WHERE row >= ? AND row < ? ORDER BY row",
            _range(number),
        )
        found = []
        for row in rows:
            with contextlib.suppress(ValueError):
                found.append(self._parse(row))
        return found

    def _parse(self, columns: Row) -> Receipt:
        row, start, stop, attempts, parked, foreign_id, verdict, why = columns
        upstream = self._upstreams.id_or_lost(row & (1 << _SHIFT) - 1)
        states = Delivery(start), Delivery(stop)
        return Receipt(upstream, *states, attempts, parked, foreign_id, _verdict(verdict), why)

    def settled(self, number: int) -> bool:
        """True if every upstream has acknowledged (or given up) the stop."""
        open_ones = self._database.row(
            "SELECT 1 FROM receipts WHERE row >= ? AND row < ? AND stop < ?",
            (*_range(number), int(Delivery.ACKNOWLEDGED)),
        )
        return open_ones is None

    def drop_undelivered(self, upstream: int) -> None:
        """Nothing more will be delivered to this upstream. Inside a transaction."""
        open_ones = (int(Delivery.QUEUED), int(Delivery.PARKED), int(Delivery.SESSION_PARKED))
        for column in ("start", "stop"):
            self._database.execute(
                f"UPDATE receipts SET {column} = ? WHERE row & ? = ? AND {column} IN (?, ?, ?)",
                (int(Delivery.DROPPED), (1 << _SHIFT) - 1, upstream, *open_ones),
            )

    def drop(self, number: int) -> None:
        """Delete the receipts of a transaction. Inside a transaction."""
        self._database.execute("DELETE FROM receipts WHERE row >= ? AND row < ?", _range(number))


def _range(number: int) -> tuple[int, int]:
    return number << _SHIFT, (number + 1) << _SHIFT


def _verdict(blob: bytes | None) -> Verdict | None:
    try:
        return None if blob is None else from_json(Verdict, expand(blob))
    except ValueError:
        return None
