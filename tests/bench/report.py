"""What `make bench` prints: one line per budget, its target, the figure, and how it was measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Say = Callable[[str], None]
"""Takes a line of progress."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure beside its budget. `kept` None: there is no target, or it could not be measured."""

    budget: str
    what: str
    target: str
    figure: str
    kept: bool | None = None

    def line(self) -> str:
        """One row of the table."""
        mark = {True: "kept", False: "MISSED", None: ""}[self.kept]
        return f"{self.budget:>5}  {self.what:<46}  {self.target:<28}  {mark:<6}  {self.figure}"


def header() -> str:
    """The head of the table."""
    return f"{'#':>5}  {'what':<46}  {'target':<28}  {'':<6}  measured"


def milliseconds(samples_s: Sequence[float]) -> str:
    """p50, p99 and maximum of durations in seconds, as text in milliseconds."""
    return f"p50 {p50(samples_s):.2f}, p99 {p99(samples_s):.2f}, max {max(samples_s) * 1000:.2f} ms"


def p50(samples_s: Sequence[float]) -> float:
    """Median in milliseconds."""
    return statistics.median(samples_s) * 1000


def p99(samples_s: Sequence[float]) -> float:
    """The 99th percentile in milliseconds."""
    ordered = sorted(samples_s)
    return ordered[min(len(ordered) - 1, round(len(ordered) * 0.99))] * 1000
