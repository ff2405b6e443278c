"""Fan-out table: which upstream is told of what, and how.

Theory of operation
-------------------
`DURABLE`: a row in that upstream's outbox, in the same record as the journal row, delivered in order however long it
takes. `LIVE`: told while connected, only as it is now. `NONE`: not told. A new role is a new column; the exhaustiveness
test refuses a missing pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from agent.vocabulary.events import ConditionChanged, TransactionEvent, TransactionSampled, TransactionStarted
from agent.vocabulary.upstreams import Role


class Delivery(StrEnum):
    DURABLE = "durable"
    LIVE = "live"
    NONE = "none"


class EventKind(StrEnum):
    STARTED = "started"
    SAMPLED = "sampled"
    STOPPED = "stopped"
    SAMPLED_OUTSIDE = "sampled_outside"  # clock-aligned values while no transaction runs
    CONDITION = "condition"


_E, _R, _D = EventKind, Role, Delivery

FANOUT: Mapping[tuple[EventKind, Role], Delivery] = {
    (_E.STARTED, _R.BILLING): _D.DURABLE,
    (_E.STARTED, _R.DATA_AND_CONTROL): _D.DURABLE,
    (_E.SAMPLED, _R.BILLING): _D.DURABLE,
    (_E.SAMPLED, _R.DATA_AND_CONTROL): _D.DURABLE,
    (_E.STOPPED, _R.BILLING): _D.DURABLE,
    (_E.STOPPED, _R.DATA_AND_CONTROL): _D.DURABLE,
    (_E.SAMPLED_OUTSIDE, _R.BILLING): _D.DURABLE,
    (_E.SAMPLED_OUTSIDE, _R.DATA_AND_CONTROL): _D.DURABLE,
    (_E.CONDITION, _R.BILLING): _D.LIVE,
    (_E.CONDITION, _R.DATA_AND_CONTROL): _D.LIVE,
}


def kind_of(event: TransactionEvent | ConditionChanged) -> EventKind:
    """Row label of an event."""
    if isinstance(event, ConditionChanged):
        return EventKind.CONDITION
    if isinstance(event, TransactionStarted):
        return EventKind.STARTED
    if isinstance(event, TransactionSampled):
        return EventKind.SAMPLED if event.transaction else EventKind.SAMPLED_OUTSIDE
    return EventKind.STOPPED


def delivery(event: TransactionEvent | ConditionChanged, role: Role) -> Delivery:
    """How an upstream of this role is told."""
    return FANOUT[kind_of(event), role]
