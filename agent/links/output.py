"""What a conversation has for the world: collected here, carried away by the task. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from agent.vocabulary.effects import Note
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import Input


@dataclass(slots=True)
class Output:
    """Texts for the peer, inputs for the station, wall times for the clock, notes for people."""

    upstream: UpstreamId
    texts: deque[str] = field(default_factory=deque)
    inputs: deque[Input] = field(default_factory=deque)
    times: deque[int] = field(default_factory=deque)
    notes: deque[Note] = field(default_factory=deque)
    _counts: dict[str, int] = field(default_factory=dict)

    def note(self, event: str, text: str) -> None:
        """A line for the log. `event` is an id of the closed list of log events."""
        self.notes.append(Note(event, text, upstream=self.upstream))

    def note_rarely(self, event: str, text: str) -> None:
        """A line for what a peer can cause at will: the 1st, 10th, 100th... of a connection, with its count."""
        count = self._counts[event] = self._counts.get(event, 0) + 1
        if str(count).rstrip("0") == "1":
            self.note(event, f"{text} (number {count} on this link)")

    def new_link(self) -> None:
        """Texts for the old link are void, and counting begins anew."""
        self.texts.clear()
        self._counts.clear()
