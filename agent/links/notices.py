"""Security events on their way to one upstream: one after another, each until it is answered. Pure.

Any answer settles a notice, a CALLERROR too: an old backend does not know SecurityEventNotification and never will. One
that gets no answer is sent again, on the next link at once, but never so that it holds up what comes behind it: after a
time-out, and after a second link that was lost at it, it waits, longer each time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import Input, NoticeAnswered
from agent.vocabulary.outbox import NoticeRow

RETRY_S: Final = 60
LONGEST_RETRY_S: Final = 3_600


class NoticeDelivery:
    """The head of one queue of notices. Outlives connections."""

    def __init__(self, upstream: UpstreamId, post: Callable[[Input], None]) -> None:
        self._upstream = upstream
        self._post = post
        self._row: NoticeRow | None = None
        self._failures = 0
        self._settled = False
        self._retry_at_ms: int | None = None

    def head(self, row: NoticeRow | None) -> None:
        """The head as the store shows it now."""
        if row is None or not self._is_head(row.message_id):
            self._failures, self._settled, self._retry_at_ms = 0, False, None
        self._row = row

    def due(self, now_ms: int) -> NoticeRow | None:
        """The notice to send now, if it is written and its wait is over."""
        row = self._row
        if row is None or row.frame is None or self._settled:
            return None
        return row if self._retry_at_ms is None or now_ms >= self._retry_at_ms else None

    def next_deadline(self) -> int | None:
        """When a notice that waits becomes due."""
        return None if self._row is None or self._settled else self._retry_at_ms

    def answered(self, message_id: str) -> None:
        """The peer answered, in time or late."""
        if self._is_head(message_id) and not self._settled:
            self._settled = True
            self._post(NoticeAnswered(self._upstream, message_id))

    def unanswered(self, message_id: str, now_ms: int) -> None:
        """It was not answered in time."""
        if self._is_head(message_id):
            self._failures += 1
            wait_s = min(LONGEST_RETRY_S, RETRY_S * 2 ** min(self._failures - 1, 10))
            self._retry_at_ms = now_ms + 1000 * wait_s

    def cut(self, message_id: str, now_ms: int) -> None:
        """The link was lost before the answer: the first time, that says nothing."""
        if self._failures:
            self.unanswered(message_id, now_ms)
        elif self._is_head(message_id):
            self._failures = 1

    def _is_head(self, message_id: str) -> bool:
        return self._row is not None and self._row.message_id == message_id
