"""Records on their way to the disk: numbered, in order, kept until they are written. Shared by both writers."""

from __future__ import annotations

from collections import deque

from agent.vocabulary.effects import Record
from agent.vocabulary.inputs import RecordFailed

FIRST_RETRY_S, LAST_RETRY_S = 0.5, 8.0


class Backlog:
    """A queue with one head. Not thread-safe: its owner locks."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Record]] = deque()
        self._sequence = 0
        self._reported = 0
        self._failures = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, record: Record) -> int:
        """Append a record; its sequence, from 1 upwards."""
        self._sequence += 1
        self._waiting.append((self._sequence, record))
        return self._sequence

    def batch(self) -> list[Record]:
        """What to commit now: all that waits; after a failure the head alone, so that one record blocks no other."""
        records = [record for _, record in self._waiting]
        return records[:1] if self._failures else records

    def written(self, count: int) -> int:
        """The first `count` records are committed; the sequence of the last."""
        last = 0
        for _ in range(count):
            last, _ = self._waiting.popleft()
        self._failures = 0
        return last

    def failed(self, why: str) -> RecordFailed | None:
        """The head could not be written; what to post about it, once per head."""
        self._failures += 1
        return self.stuck(why)

    def stuck(self, why: str) -> RecordFailed | None:
        """The head has not been written for too long; what to post about it, once per head."""
        if not self._waiting or self._waiting[0][0] == self._reported:
            return None
        self._reported = self._waiting[0][0]
        return RecordFailed(self._reported, why)

    @property
    def retry_s(self) -> float:
        """How long to wait before the next attempt; 0 while all is well."""
        return min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** (self._failures - 1)) if self._failures else 0.0
