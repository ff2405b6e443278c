"""What former upstreams are still owed, and for how long their queues have been drained by a link of their own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from agent.store.database import Database
from agent.store.journal import Journal
from agent.store.names import UpstreamNumbers
from agent.store.outbox import Outbox
from agent.store.parked import Parked
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.standing import Owed

Guard = Callable[[], AbstractContextManager[None]]


class Draining:
    """Asked and told by whoever lets upstreams go. Every method raises StoreError."""

    def __init__(
        self,
        database: Database,
        upstreams: UpstreamNumbers,
        queues: tuple[Outbox, Parked],
        journal: Journal,
        guard: Guard,
        writing: Guard,
    ) -> None:
        """`guard` goes around every question, `writing` around what changes something."""
        self._database = database
        self._upstreams = upstreams
        self._outbox, self._parked = queues
        self._journal = journal
        self._guard = guard
        self._writing = writing

    def owed(self) -> tuple[Owed, ...]:
        """Every upstream that was ever known here and is owed something."""
        with self._guard():
            found = [
                Owed(name, self._outbox.depth(number), self._parked.count(number))
                for number, name in self._upstreams.all()
            ]
        return tuple(one for one in found if one.waiting or one.given_up)

    def is_settled(self, upstream: UpstreamId) -> bool:
        """Nothing waits for it, and nothing will: every transaction that it knows of has stopped."""
        with self._guard():
            number = self._upstreams.known(upstream)
            waiting = 0 if number is None else self._outbox.depth(number)
            return not waiting and not self._journal.awaits_stop(upstream)

    def minutes(self, upstream: UpstreamId) -> int:
        """For how long its queue has been drained already, in all lives of the agent."""
        with self._guard():
            number = self._upstreams.known(upstream)
            found = self._database.row("SELECT value FROM meta WHERE name = ?", (draining_key(number),))
        return found[0] if found is not None and isinstance(found[0], int) else 0

    def note_minutes(self, upstream: UpstreamId, minutes: int) -> None:
        """It is so long now; the count ends when the upstream is configured again."""
        with self._writing():
            row = (draining_key(self._upstreams.number(upstream)), minutes)
            self._database.execute(
                "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                row,
            )


def draining_key(number: int | None) -> str:
    """The name of the count in the table `meta`."""
    return f"draining:{number}"
