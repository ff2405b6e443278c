"""Delivery of the outbox of one upstream, one row after another, with attempts and intervals. Pure.

Theory of operation
-------------------
Only the head of the outbox is ever sent. An answer settles it: that is told once, and nothing more is sent until the
store shows another head. A failure to process counts; after the n-th the row waits n times
TransactionMessageRetryInterval, and after TransactionMessageAttempts it is given up (OCPP 1.6 4.10.1, OCPP-J 4.2.3).
Being cut off, or silence on a link on which nothing else came either, does not count: the row is sent again, with the
same bytes, on the next link. But a row that has met silence once is only sent again right after another call was
answered; if it then meets silence once more, it is the row and not the link, and that counts. Else a message that hangs
the peer would be sent for ever, and everything behind it never. This object outlives connections.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agent.ocpp.dialect import Dialect
from agent.ocpp.exchange import Unusable
from agent.ocpp.wire import CallError, CallResult, ErrorCode
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import Input, MessageAcknowledged, MessageFailed
from agent.vocabulary.options import UpstreamOptions
from agent.vocabulary.outbox import OutboxRow, RowKind

UNKNOWN_ACTION: Final = frozenset({ErrorCode.NOT_IMPLEMENTED.value, ErrorCode.NOT_SUPPORTED.value})
"""A peer without MeterValues: to try each reading for minutes would keep every stop for hours, and then for ever."""


class Delivery:
    """The head of one outbox on its way."""

    def __init__(self, upstream: UpstreamId, dialect: Dialect, post: Callable[[Input], None]) -> None:
        self._upstream = upstream
        self._dialect = dialect
        self._post = post
        self._row: OutboxRow | None = None
        self._failures = 0
        self._settled = False
        self._retry_at_ms: int | None = None
        self._hung = False
        """The row has met silence."""
        self._proved = False
        """Another call was answered on this link since the row is due."""

    @property
    def needs_proof(self) -> bool:
        """Before the row is sent, another call must be answered."""
        return self._hung and not self._proved

    @property
    def message_id(self) -> str | None:
        """The row that is being delivered, or has been settled and is still the head."""
        return self._row.message_id if self._row else None

    def head(self, row: OutboxRow | None) -> None:
        """The head as the store shows it now."""
        if row is None or self.message_id != row.message_id:
            self._failures = row.attempts if row else 0
            self._settled = self._hung = self._proved = False
            self._retry_at_ms = None
        self._row = row

    def due(self, now_ms: int) -> OutboxRow | None:
        """The row to send now, if it is written and its wait is over."""
        row = self._row
        if row is None or row.frame is None or self._settled:
            return None
        return row if self._retry_at_ms is None or now_ms >= self._retry_at_ms else None

    def next_deadline(self) -> int | None:
        """When a row that waits for its next attempt becomes due."""
        return None if self._settled or self._row is None else self._retry_at_ms

    def answered(self, answer: CallResult | CallError, options: UpstreamOptions, now_ms: int) -> None:
        """The peer answered the head."""
        row = self._row
        if row is None or self._settled:
            return
        if isinstance(answer, CallError):
            hopeless = row.kind is RowKind.SAMPLE and answer.code in UNKNOWN_ACTION
            self.failed(f"CALLERROR {answer.code}", options, now_ms, hopeless)
            return
        try:
            read = self._dialect.read_row(row.kind, answer.payload)
        except Unusable as unusable:
            self.failed(str(unusable), options, now_ms)
            return
        self._settled = True
        self._post(MessageAcknowledged(self._upstream, row.message_id, row.transaction, read.foreign_id, read.verdict))

    def new_link(self) -> None:
        """Nothing is known of this link yet."""
        self._proved = False

    def link_proved(self, now_ms: int) -> None:
        """A call was answered on this link."""
        self._proved = self.due(now_ms) is not None

    def unanswered(self, silent: bool, options: UpstreamOptions, now_ms: int) -> bool:
        """The head was not answered in time. True: that counts; False: nothing else came, the link is at fault."""
        counts = not silent or (self._hung and self._proved)
        self._hung, self._proved = self._hung or silent, False
        if counts:
            self.failed("not answered in time", options, now_ms)
        return counts

    def failed(self, why: str, options: UpstreamOptions, now_ms: int, hopeless: bool = False) -> None:
        """The peer failed to process the head: it counts. `hopeless`: and will always fail."""
        row = self._row
        if row is None or self._settled:
            return
        self._failures += 1
        self._settled = given_up = hopeless or self._failures >= options.transaction_attempts
        self._retry_at_ms = now_ms + 1000 * self._failures * options.transaction_retry_interval_s
        self._post(MessageFailed(self._upstream, row.message_id, row.transaction, self._failures, given_up, why))
