"""The history of authorisation decisions: who was asked, what was answered, which rule decided."""

from __future__ import annotations

from agent.store.codec import from_json, to_json
from agent.store.database import Database
from agent.store.schema import Row
from agent.store.squeeze import expand, squeeze
from agent.vocabulary.ids import ConnectorId
from agent.vocabulary.records import LadderStep

KEPT = 10_000
"""How many steps are kept."""
PAGE, LOOKED_AT = 200, 2_000
"""How many are read at a time, and looked at for those of one connector: nobody shall wait for a question."""
_PAGE = "SELECT row, step FROM ladder WHERE row < ? ORDER BY row DESC LIMIT ?"


class Ladder:
    """Steps in the order in which they were decided."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, step: LadderStep) -> None:
        """Append a step. Inside a transaction."""
        self._database.execute("INSERT INTO ladder (step) VALUES (?)", (squeeze(to_json(step)),))

    def newest(self, limit: int, connector: ConnectorId | None = None) -> list[LadderStep]:
        """The newest steps first, of one connector or of all; unreadable ones are left out."""
        found: list[LadderStep] = []
        looked, below = 0, 2**62
        while len(found) < limit and looked < LOOKED_AT:
            page = self._database.rows(_PAGE, (below, PAGE))
            steps = [step for row in page if (step := _parse(row)) is not None]
            found += [step for step in steps if connector in (None, step.connector)]
            if len(page) < PAGE:
                break
            looked, below = looked + PAGE, page[-1][0]
        return found[:limit]

    def trim(self) -> None:
        """Delete what is too old. Inside a transaction."""
        self._database.execute("DELETE FROM ladder WHERE row <= (SELECT max(row) FROM ladder) - ?", (KEPT,))


def _parse(row: Row) -> LadderStep | None:
    try:
        return from_json(LadderStep, expand(row[1]))
    except ValueError:
        return None
