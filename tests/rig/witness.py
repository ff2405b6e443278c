"""What the rig notes of disk and supply while a scenario runs, for the oracle. Times are those of the plant."""

from __future__ import annotations

from collections.abc import Iterable

from tests.rig.oracle import Commit


class Witness:
    """Notes of one rig."""

    def __init__(self) -> None:
        self.commits: list[Commit] = []
        """Starts of transactions as they came onto the disk."""
        self.outages: list[tuple[float, float]] = []
        """When supply or process were away."""
        self._away_s: float | None = None
        self._known: set[str] = set()

    def away(self, at_s: float) -> None:
        """Supply or process are gone from now on."""
        self._away_s = at_s if self._away_s is None else self._away_s

    def back(self, at_s: float) -> None:
        """They are there again."""
        if self._away_s is not None:
            self.outages.append((self._away_s, at_s))
            self._away_s = None

    def synced(self, at_s: float, transactions: Iterable[tuple[str, int]]) -> None:
        """The disk holds these transactions, by connector: those that are new have their start on it since now."""
        for transaction, connector in transactions:
            if transaction not in self._known:
                self._known.add(transaction)
                self.commits.append(Commit(at_s, connector))
