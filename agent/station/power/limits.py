"""Limits of one connector: named contributions, and the smallest wins.

Theory of operation
-------------------
Every reason to offer less is one `Contribution`. The effective limit is their minimum, so that none can lift another's.
Below the minimum current of the board nothing is offered at all (IEC 61851-1 A.2.2: never between 0 and 6 A); the
session is then suspended, not stopped. Later sources (profiles, sharing, leases) only add contributions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contribution:
    """One upper bound in A and why it is there, in plain words."""

    current_a: float
    reason: str


@dataclass(frozen=True, slots=True)
class Limit:
    """The result: what may be offered (None: nothing) and which contribution decided."""

    current_a: float | None
    reason: str


def effective(contributions: Sequence[Contribution], minimum_a: float) -> Limit:
    """The smallest contribution; nothing if it is below the minimum. Raises ValueError without any contribution."""
    if not contributions:
        raise ValueError("contributions: at least the hardware's own limit must be given")
    smallest = min(contributions, key=lambda contribution: contribution.current_a)
    if smallest.current_a < minimum_a:
        return Limit(None, smallest.reason)
    return Limit(smallest.current_a, smallest.reason)
