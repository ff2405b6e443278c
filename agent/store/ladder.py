"""The history of authorisation decisions: who was asked, what was answered, which rule decided."""

from __future__ import annotations

from agent.store.codec import from_json, to_json
from agent.store.database import Database
from agent.store.squeeze import expand, squeeze
from agent.vocabulary.records import LadderStep

KEPT = 10_000
"""How many steps are kept."""


class Ladder:
    """Steps in the order in which they were decided."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, step: LadderStep) -> None:
        """Append a step. Inside a transaction."""
        self._database.execute("INSERT INTO ladder (step) VALUES (?)", (squeeze(to_json(step)),))

    def newest(self, limit: int) -> list[LadderStep]:
        """The newest steps first; unreadable ones are left out."""
        found = []
        for (blob,) in self._database.rows("SELECT step FROM ladder ORDER BY row DESC LIMIT ?", (limit,)):
            try:
                found.append(from_json(LadderStep, expand(blob)))
            except ValueError:
                continue
        return found

    def trim(self) -> None:
        """Delete what is too old. Inside a transaction."""
        self._database.execute("DELETE FROM ladder WHERE row <= (SELECT max(row) FROM ladder) - ?", (KEPT,))
