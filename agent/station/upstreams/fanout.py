"""Fan-out table: event x what an upstream is to this station -> whether and how it is told.

Theory of operation
-------------------
`DURABLE`: a row in that upstream's outbox or its queue of notices, in the same record as what happened, delivered in
order however long it takes. `LIVE`: told while connected, only as it is now. `NONE`: not told. The columns are those of
the permission table (`Asker`) as far as they are upstreams. Beside the table stands the policy about cards: what an
upstream is told in full and where something stands for the card (`policy`).

Security events that concern one connection are for that upstream and for management; nobody else learns how others are
connected. How far an upload or a firmware update is, is for who asked for it; management hears of updates of others,
in the plain words that need no number, unless the manufacturer does not want that.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from agent.station.upstreams import privacy
from agent.station.upstreams.registry import Upstream
from agent.vocabulary.events import ConditionChanged, TransactionEvent, TransactionSampled, TransactionStarted
from agent.vocabulary.firmware import FirmwarePolicy
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.options import StationOptions
from agent.vocabulary.privacy import IdTagPolicy
from agent.vocabulary.security import TOLD_TO_MANAGEMENT, SecurityEventKind
from agent.vocabulary.upstreams import Asker, Role


class Delivery(StrEnum):
    DURABLE = "durable"
    LIVE = "live"
    NONE = "none"


class EventKind(StrEnum):
    STARTED = "started"
    SAMPLED = "sampled"
    STOPPED = "stopped"
    SAMPLED_OUTSIDE = "sampled_outside"
    """Clock-aligned values while no transaction runs."""
    CONDITION = "condition"
    OWN_JOB = "own_job"
    """How far an upload or a firmware update is that this upstream asked for."""
    OTHER_UPLOAD = "other_upload"
    OTHER_UPDATE = "other_update"
    """Of the firmware; also with the table's leave only where the factory file says `tell_management`."""
    SECURITY_OF_STATION = "security_of_station"
    SECURITY_OF_OWN_LINK = "security_of_own_link"
    SECURITY_OF_OTHER_LINK = "security_of_other_link"
    SECURITY_FOR_MANAGEMENT = "security_for_management"
    """What only who looks after the station can do something about."""


RECEIVERS = (Asker.MANAGEMENT_BILLING, Asker.MANAGEMENT, Asker.PRIMARY, Asker.OPERATOR)
_E, _D, _N = EventKind, Delivery.DURABLE, Delivery.NONE


def _row(management: Delivery, others: Delivery) -> Mapping[Asker, Delivery]:
    is_management = (Asker.MANAGEMENT_BILLING, Asker.MANAGEMENT)
    return {one: management if one in is_management else others for one in RECEIVERS}


ROWS: Mapping[EventKind, Mapping[Asker, Delivery]] = {
    _E.STARTED: _row(_D, _D),
    _E.SAMPLED: _row(_D, _D),
    _E.STOPPED: _row(_D, _D),
    _E.SAMPLED_OUTSIDE: _row(_D, _D),
    _E.CONDITION: _row(Delivery.LIVE, Delivery.LIVE),
    _E.OWN_JOB: _row(Delivery.LIVE, Delivery.LIVE),
    _E.OTHER_UPLOAD: _row(_N, _N),
    _E.OTHER_UPDATE: _row(Delivery.LIVE, _N),
    _E.SECURITY_OF_STATION: _row(_D, _D),
    _E.SECURITY_OF_OWN_LINK: _row(_D, _D),
    _E.SECURITY_OF_OTHER_LINK: _row(_D, _N),
    _E.SECURITY_FOR_MANAGEMENT: _row(_D, _N),
}
"""Management, and everybody else."""

FANOUT: Mapping[tuple[EventKind, Asker], Delivery] = {
    (event, asker): delivery for event, row in ROWS.items() for asker, delivery in row.items()
}
"""The table cell by cell."""


def kind_of(event: TransactionEvent | ConditionChanged) -> EventKind:
    """Row label of an event."""
    if isinstance(event, ConditionChanged):
        return EventKind.CONDITION
    if isinstance(event, TransactionStarted):
        return EventKind.STARTED
    if isinstance(event, TransactionSampled):
        return EventKind.SAMPLED if event.transaction else EventKind.SAMPLED_OUTSIDE
    return EventKind.STOPPED


def security_kind(kind: SecurityEventKind, concerned: UpstreamId | None, upstream: UpstreamId) -> EventKind:
    """Row label of a security event, as it looks to one upstream."""
    if kind in TOLD_TO_MANAGEMENT:
        return EventKind.SECURITY_FOR_MANAGEMENT
    if concerned is None:
        return EventKind.SECURITY_OF_STATION
    own = concerned == upstream
    return EventKind.SECURITY_OF_OWN_LINK if own else EventKind.SECURITY_OF_OTHER_LINK


def delivery(kind: EventKind, upstream: Upstream) -> Delivery:
    """How this upstream is told of such an event."""
    return FANOUT[kind, upstream.asker]


def told_of_upload(upstream: Upstream, owner: UpstreamId) -> bool:
    """This upstream hears how far an upload of `owner` is."""
    kind = EventKind.OWN_JOB if upstream.id == owner else EventKind.OTHER_UPLOAD
    return delivery(kind, upstream) is not Delivery.NONE


def told_of_update(upstream: Upstream, owner: UpstreamId, manufacturer: FirmwarePolicy) -> bool:
    """This upstream hears how far an update of the firmware is that `owner` asked for."""
    own = upstream.id == owner
    kind = EventKind.OWN_JOB if own else EventKind.OTHER_UPDATE
    return (own or manufacturer.tell_management) and delivery(kind, upstream) is not Delivery.NONE


def policy(upstream: Upstream, authority: UpstreamId | None, options: StationOptions) -> IdTagPolicy:
    """What stands for the card where this upstream is told of a transaction of that authority."""
    if upstream.role is Role.BILLING or upstream.id == authority:
        return IdTagPolicy.FULL
    return options.privacy[upstream.kind]


def as_told(
    event: TransactionEvent, upstream: Upstream, authority: UpstreamId | None, options: StationOptions
) -> TransactionEvent | None:
    """A transaction event as this upstream gets it; None: it does not."""
    if delivery(kind_of(event), upstream) is not Delivery.DURABLE:
        return None
    return privacy.told(event, policy(upstream, authority, options), options.pseudonym_key)
