"""Which status may follow which (OCPP 1.6 4.9), and what is told in between where a station went two steps at once.

Theory of operation
-------------------
`FOLLOWS` is the table of the standard for connectors above 0; its cells are named by the letter of the row and the
number of the column (A2: Available to Preparing). Some changes of a real station have no cell: put out of service while
a car waits for its card, back in service with the old cable still in, a short status left out by the damping. Such a
change is told as the steps that the table has for it (`steps`), all of the same instant, so that no peer with a state
machine of its own is ever led outside it. Connector 0 has three statuses, and each may follow each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

AVAILABLE: Final = "Available"
PREPARING: Final = "Preparing"
CHARGING: Final = "Charging"
SUSPENDED_EV: Final = "SuspendedEV"
SUSPENDED_EVSE: Final = "SuspendedEVSE"
FINISHING: Final = "Finishing"
RESERVED: Final = "Reserved"
UNAVAILABLE: Final = "Unavailable"
FAULTED: Final = "Faulted"

STATUSES: Final = (
    AVAILABLE,
    PREPARING,
    CHARGING,
    SUSPENDED_EV,
    SUSPENDED_EVSE,
    FINISHING,
    RESERVED,
    UNAVAILABLE,
    FAULTED,
)
"""In the order of the rows A to I and of the columns 1 to 9."""
_ROWS: Final = ("2345789", "134569", "145689", "135689", "134689", "1289", "1289", "123459", "12345678")
FOLLOWS: Final[Mapping[str, frozenset[str]]] = {
    status: frozenset(STATUSES[int(column) - 1] for column in columns)
    for status, columns in zip(STATUSES, _ROWS, strict=True)
}
_IN_TRANSACTION: Final = (CHARGING, SUSPENDED_EV, SUSPENDED_EVSE)


def steps(known: str, wanted: str, plugged: bool) -> tuple[str, ...]:
    """What is told between two statuses that do not follow each other; empty where they do, or are the same."""
    if known == wanted or wanted in FOLLOWS[known]:
        return ()
    if wanted == RESERVED:
        return (AVAILABLE,)
    if wanted == UNAVAILABLE or known in _IN_TRANSACTION:
        return (FINISHING,) if plugged else (AVAILABLE,)
    return (PREPARING,)
