"""Turns what happens inside into lines of the closed list of log events, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agent.runtime.clock import ClockChange, ClockDifference
from agent.vocabulary.effects import Note

Tell = Callable[..., None]

LINK_EVENTS: Mapping[str, tuple[str, str]] = {
    "link_up": ("upstream.connected", ""),
    "link_down": ("upstream.lost", "reason"),
    "link_refused": ("upstream.refused", "reason"),
    "registration": ("upstream.registered", "status"),
    "frame_dropped": ("upstream.bad_frame", "reason"),
    "frame_answered": ("upstream.bad_frame", "reason"),
    "call_refused": ("upstream.refused_command", "text"),
    "outbox_unreadable": ("upstream.bug", "error"),
    "upstream_bug": ("upstream.bug", "error"),
}
"""Note of an upstream task: the log event and the field that takes its text."""


class Narrator:
    """Writes notes of the station and of upstream tasks. Repeats of a refused connection are told once per reason."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._refused: dict[str, str] = {}

    def note(self, note: Note) -> None:
        """One note."""
        if note.event.startswith("station."):
            self._tell(note.event, text=note.text, connector=note.connector, upstream=note.upstream)
            return
        upstream = str(note.upstream)
        if note.event == "link_refused" and self._refused.get(upstream) == note.text:
            return
        self._refused[upstream] = note.text if note.event == "link_refused" else ""
        event, field = LINK_EVENTS.get(note.event, ("upstream.note", "text"))
        self._tell(event, upstream=upstream, **({field: note.text} if field else {}))

    def clock(self, change: ClockChange | ClockDifference) -> None:
        """The clock was set or stepped, or somebody contradicts it."""
        source = change.source.name.lower()
        if isinstance(change, ClockDifference):
            if change.apart_ms is None:
                self._tell("clock.refused", source=source)
            else:
                self._tell("clock.differs", source=source, apart_ms=change.apart_ms)
        elif change.first:
            self._tell("clock.fixed", source=source)
        else:
            self._tell("clock.stepped", source=source, stepped_ms=change.stepped_ms)
