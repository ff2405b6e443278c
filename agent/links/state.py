"""The link of one upstream, as people see it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinkState:
    """The link as people see it."""

    stage: str = "waiting"
    """`dialling`, `connected` or `waiting`."""
    cause: str = ""
    """Why the last link ended or was refused; the first word is from the closed list of `LinkRefused`."""
    since_ms: int = 0
    heard_ms: int | None = None
    """When the last message came, in monotonic milliseconds."""
    doubt: str = ""
    """Why another station may be using this identity, in plain words (see `Rivalry`)."""

    def told(self, now_ms: int) -> str:
        """In plain words. An open link says when something was last heard on it: it may be dead without knowing."""
        return f"{self._stage_told(now_ms)}; {self.doubt}" if self.doubt else self._stage_told(now_ms)

    def _stage_told(self, now_ms: int) -> str:
        if self.stage == "connected":
            heard_ms = self.heard_ms if self.heard_ms is not None and self.heard_ms >= self.since_ms else None
            heard = f"last heard {_ago(now_ms - heard_ms)} ago" if heard_ms is not None else "nothing heard yet"
            return f"connected for {_ago(now_ms - self.since_ms)}, {heard}"
        cause = f"{'last attempt: ' if self.stage == 'dialling' else ''}{self.cause}" if self.cause else ""
        return f"{self.stage}: {cause}" if cause else self.stage


def _ago(elapsed_ms: int) -> str:
    """A span of time in its largest unit."""
    seconds = max(0, elapsed_ms) // 1_000
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
