"""The last lines of the log, kept in memory for an upload of diagnostics; journald has the rest."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from agent.vocabulary.moments import iso8601

LARGEST_RING = 256 * 1024


class LogRing:
    """Lines with the wall time at which they were written, as far as it was known."""

    def __init__(self, wall_ms: Callable[[], int | None], largest: int = LARGEST_RING) -> None:
        self._wall_ms = wall_ms
        self._largest = largest
        self._lines: deque[tuple[int | None, str]] = deque()
        self._size = 0

    def keep(self, line: str) -> None:
        """One line; the oldest go when the ring is full."""
        self._lines.append((self._wall_ms(), line))
        self._size += len(line)
        while self._size > self._largest:
            self._size -= len(self._lines.popleft()[1])

    def lines(self, since_ms: int | None = None, until_ms: int | None = None) -> list[str]:
        """Those of a time, oldest first, each with its time in front; what has none belongs to every time."""
        found = []
        for wall_ms, line in self._lines:
            if wall_ms is None:
                found.append(f"- {line}")
            elif (since_ms is None or wall_ms >= since_ms) and (until_ms is None or wall_ms <= until_ms):
                found.append(f"{iso8601(wall_ms)} {line}")
        return found
