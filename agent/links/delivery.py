"""Delivery of the outbox of one upstream, one row after another, with attempts and intervals. Pure.

Theory of operation
-------------------
Only the head of the outbox is ever sent. An answer settles it: that is told once, and nothing more is sent until the
store shows another head. A failure to process counts; after the n-th the row waits n times
TransactionMessageRetryInterval, and after TransactionMessageAttempts it is given up (OCPP 1.6 4.10.1, OCPP-J 4.2.3);
both as they are now, for a row that is waiting too. Being cut off, or silence on a link on which nothing else came
either, does not count: the row is sent again, with the same bytes, on the next link. But a row that has met silence
once is only sent again right after another call was answered; if it then meets silence once more, it is the row and not
the link, and that counts. Else a message that hangs the peer would be sent for ever, and everything behind it never.

The same goes for a peer that closes the link at a row: where the code says that it does not take the message, that
counts; where it only says that something is wrong, the row must meet it twice, the second time right after a proof.
Where the link is only cut, or closed with another code, most likely the network or a restart of the peer is to blame:
from the second time on the row is sent right after a proof, and every `CUTS_TOGETHER` cuts right after one count once.

An answer that comes late, even for a row that was given up, is told all the same: it may bring the peer's id of a
transaction. This object outlives connections.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agent.links.ports import CUT
from agent.ocpp.dialect import Dialect
from agent.ocpp.exchange import Unusable
from agent.ocpp.wire import CallError, CallResult, ErrorCode
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import Input, MessageAcknowledged, MessageFailed
from agent.vocabulary.options import UpstreamOptions
from agent.vocabulary.outbox import OutboxRow, RowKind

UNKNOWN_ACTION: Final = frozenset({ErrorCode.NOT_IMPLEMENTED.value, ErrorCode.NOT_SUPPORTED.value})
"""A peer without MeterValues: to try each reading for minutes would keep every stop for hours, and then for ever."""
NOT_TAKEN: Final = frozenset({1003, 1007, 1009})
"""Close codes for a message of a kind, with a content or of a size that the peer does not take (RFC 6455 7.4.1)."""
SOMETHING_WRONG: Final = frozenset({1002, 1008, 1011})
"""Protocol error, policy, internal error: perhaps the message, perhaps the peer."""

CUTS_TOGETHER: Final = 3
"""Cuts right after a proof that make one failed attempt."""


class Delivery:
    """The head of one outbox on its way. `options` are asked whenever they matter."""

    def __init__(
        self,
        upstream: UpstreamId,
        dialect: Dialect,
        options: Callable[[], UpstreamOptions],
        post: Callable[[Input], None],
    ) -> None:
        self._upstream = upstream
        self._dialect = dialect
        self._options = options
        self._post = post
        self._row: OutboxRow | None = None
        self._failures = 0
        self._settled = False
        """Answered or given up: not sent again."""
        self._acknowledged = False
        self._failed_ms: int | None = None
        self._suspect = False
        """The row has met silence or a closed link."""
        self._cuts = self._proved_cuts = 0
        """How often the link was cut at the row; and how often right after a proof, since that last counted."""
        self._proved = False
        """Another call was answered on this link since the row is due."""
        self.caught_up = False
        """The queue was empty on this link, and every row since then went through at once."""

    @property
    def needs_proof(self) -> bool:
        """Before the row is sent, another call must be answered."""
        return (self._suspect or self._cuts > 1) and not self._proved

    def head(self, row: OutboxRow | None) -> None:
        """The head as the store shows it now."""
        self.caught_up = self.caught_up or row is None
        if row is None or self._row is None or self._row.message_id != row.message_id:
            self._failures = row.attempts if row else 0
            self._settled = self._acknowledged = self._suspect = self._proved = False
            self._cuts = self._proved_cuts = 0
            self._failed_ms = None
        self._row = row

    def due(self, now_ms: int) -> OutboxRow | None:
        """The row to send now, if it is written and its wait is over."""
        row, retry_at_ms = self._row, self._retry_at_ms()
        if row is None or row.frame is None or self._settled:
            return None
        return row if retry_at_ms is None or now_ms >= retry_at_ms else None

    def next_deadline(self) -> int | None:
        """When a row that waits for its next attempt becomes due."""
        return None if self._settled or self._row is None else self._retry_at_ms()

    def answered(self, row: OutboxRow, answer: CallResult | CallError, now_ms: int) -> None:
        """The peer answered a row: the head, or late one that is the head no more."""
        if self._is_head(row) and self._acknowledged:
            return
        if isinstance(answer, CallError):
            hopeless = row.kind is RowKind.SAMPLE and answer.code in UNKNOWN_ACTION
            self.failed(row, f"CALLERROR {answer.code}", now_ms, hopeless)
            return
        try:
            read = self._dialect.read_row(row.kind, answer.payload)
        except Unusable as unusable:
            self.failed(row, str(unusable), now_ms)
            return
        if self._is_head(row):
            self._settled = self._acknowledged = True
        self._post(MessageAcknowledged(self._upstream, row.message_id, row.transaction, read.foreign_id, read.verdict))

    def late(self, row: OutboxRow, answer: CallResult | CallError, now_ms: int) -> bool:
        """An answer after its time. A refusal is nothing: the silence has counted. True if it was of use."""
        if isinstance(answer, CallError) or (not self._is_head(row) and row.kind is RowKind.SAMPLE):
            return False
        self.answered(row, answer, now_ms)
        return True

    def new_link(self) -> None:
        """Nothing is known of this link yet."""
        self._proved = self.caught_up = False

    def link_proved(self, now_ms: int) -> None:
        """A call was answered on this link."""
        self._proved = self.due(now_ms) is not None

    def unanswered(self, row: OutboxRow, silent: bool, now_ms: int) -> bool:
        """The row was not answered in time. True: that counts; False: nothing else came, the link is at fault."""
        counts = not silent or (self._suspect and self._proved)
        self._suspect, self._proved = self._suspect or silent, False
        self.caught_up = False
        if counts:
            self.failed(row, "not answered in time", now_ms)
        return counts

    def cut(self, row: OutboxRow, code: int | None, now_ms: int) -> None:
        """The link was closed or cut by the peer while the row had no answer, or by the station's will (None)."""
        if not self._is_head(row) or code is None:
            return
        if code in NOT_TAKEN:
            counts = True
        elif code in SOMETHING_WRONG:
            counts = self._suspect and self._proved
            self._suspect = True
        else:
            counts = self._cut_again()
        if counts:
            how = "was cut again and again" if code == CUT else f"was closed with code {code}"
            self.failed(row, f"the link {how}", now_ms)

    def _cut_again(self) -> bool:
        """True if it is the row by now, and neither the network nor the peer as a whole."""
        self._cuts += 1
        self._proved_cuts += self._proved
        if self._proved_cuts < CUTS_TOGETHER:
            return False
        self._proved_cuts = 0
        return True

    def options_changed(self) -> None:
        """A row that waits and has failed as often as is now allowed is given up; must not be called in flight."""
        if self._failed_ms is not None and not self._settled and self._failures >= self._options().transaction_attempts:
            self._tell_failure("fewer attempts are allowed now")

    def failed(self, row: OutboxRow, why: str, now_ms: int, hopeless: bool = False) -> None:
        """The peer failed to process the head: it counts. `hopeless`: and will always fail."""
        if not self._is_head(row) or self._settled:
            return
        self._failures += 1
        self._failed_ms = now_ms
        self.caught_up = False
        self._tell_failure(why, hopeless)

    def _tell_failure(self, why: str, hopeless: bool = False) -> None:
        row = self._row
        assert row is not None
        self._settled = given_up = hopeless or self._failures >= self._options().transaction_attempts
        self._post(MessageFailed(self._upstream, row.message_id, row.transaction, self._failures, given_up, why))

    def _retry_at_ms(self) -> int | None:
        if self._failed_ms is None:
            return None
        return self._failed_ms + 1000 * self._failures * self._options().transaction_retry_interval_s

    def _is_head(self, row: OutboxRow) -> bool:
        return self._row is not None and self._row.message_id == row.message_id
