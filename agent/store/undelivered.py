"""What one upstream has not got: what waits in its queue and what was given up, in the order of the events.

Asked for by people who need it for the books, mostly of an upstream that is no longer configured: its records are kept
for ninety days (`retention`) and are delivered to nobody else. Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from agent.store.database import Database
from agent.store.history import History
from agent.store.names import unpack_id
from agent.store.outbox import KINDS
from agent.store.schema import Row
from agent.store.squeeze import expand
from agent.store.tables import Tables
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.outbox import RowKind
from agent.vocabulary.records import TransactionRecord

_MESSAGES = """
SELECT outbox.row AS place, message, number, kind, attempts, frame, event, NULL
    FROM outbox JOIN cursors USING (upstream)
    WHERE outbox.upstream = ? AND outbox.row > cursors.row AND outbox.row > ?
UNION ALL
SELECT row, message, number, kind, attempts, frame, event, why FROM parked WHERE upstream = ? AND row > ?
ORDER BY place LIMIT ?"""


@dataclass(frozen=True, slots=True)
class UndeliveredMessage:
    """One message. The card in it is not masked."""

    place: int
    """Its place among all messages; grows with them."""
    message_id: str
    kind: RowKind
    attempts: int
    given_up: bool
    why: str
    """Why it was given up."""
    transaction: TransactionRecord | None
    """None for meter values outside a transaction."""
    foreign_id: str | None
    """The id of the transaction at the upstream."""
    frame: str | None
    """As it would be sent; None: it waits for wall time or a foreign id."""
    event: str | None
    """What happened, as the store has it in JSON, as long as there is no frame."""


class Undelivered:
    """`Store.archive.undelivered`. Every method raises StoreError."""

    def __init__(
        self,
        database: Database,
        tables: Tables,
        history: History,
        guard: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """`guard` goes around every question."""
        self._database = database
        self._tables = tables
        self._history = history
        self._guard = guard

    def upstreams(self) -> list[UpstreamId]:
        """Every upstream that ever had anything stored here."""
        with self._guard():
            return [name for _, name in self._tables.upstreams.all()]

    def messages(self, upstream: UpstreamId, behind: int, limit: int) -> list[UndeliveredMessage]:
        """The oldest messages behind a place (0: all), at most so many; one that cannot be read comes without frame."""
        with self._guard():
            number = self._tables.upstreams.known(upstream)
            if number is None:
                return []
            rows = self._database.rows(_MESSAGES, (number, behind, number, behind, limit))
            return [self._message(row, number) for row in rows]

    def _message(self, row: Row, upstream: int) -> UndeliveredMessage:
        place, message, number, kind, attempts, frame, event, why = row
        record = None if number is None else self._tables.journal.record(number)
        session = None if record is None else self._history.session(number, record)
        name = self._tables.upstreams.id_or_lost(upstream)
        receipts = () if session is None else session.receipts
        return UndeliveredMessage(
            place,
            _id(message),
            KINDS[kind] if kind in range(len(KINDS)) else RowKind.SAMPLE,
            attempts,
            why is not None,
            why or "",
            None if session is None else session.transaction,
            next((one.foreign_id for one in receipts if one.upstream == name), None),
            _text(frame),
            _text(event),
        )


def _id(stored: object) -> str:
    try:
        return unpack_id(stored)
    except ValueError:
        return ""


def _text(squeezed: bytes | None) -> str | None:
    try:
        return None if squeezed is None else expand(squeezed)
    except ValueError:
        return None
