"""What the parts of the station share: options, upstreams, holds, the state of storage, and numbers to give out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from agent.station.authorization.reservations import Occupancy, Reservations
from agent.station.power.leases import Leases
from agent.station.power.limits import Contribution
from agent.station.power.profiles import Profiles
from agent.station.upstreams.holds import Holds
from agent.station.upstreams.registry import Registry
from agent.vocabulary.effects import Record
from agent.vocabulary.events import StopReason, TransactionSampled
from agent.vocabulary.ids import LINE, LOCAL_PAGE, ConnectorId, IdToken, TransactionId, UpstreamId
from agent.vocabulary.moments import Moment
from agent.vocabulary.options import OF_STATION, OPTION_BY_NAME, Origin, StationOptions
from agent.vocabulary.records import Enqueue, SaveTransaction, Snapshot
from agent.vocabulary.upstreams import UpstreamSetup
from hal.api import Fault

CARDS_TOLD = 256
NOBODYS = TransactionId("")


@dataclass(slots=True)
class Site:
    """Shared by reference; only `station.py` and the command handlers write the flags."""

    options: StationOptions
    registry: Registry
    holds: Holds
    new_uuid: Callable[[], str]
    snapshot: Snapshot
    profiles: Profiles
    storage_healthy: bool = True
    records: int = 0
    """Records made so far: the sequence of the newest one, as the writer counts them."""
    last_barrier: int = 0
    synced: int = 0
    restarting: StopReason | None = None
    """Set once a restart is under way: no new session begins."""
    faults: dict[Fault, str] = field(default_factory=dict)
    """Faults of the station as a whole."""
    leases: Leases = field(default_factory=Leases)
    installer: dict[ConnectorId, float] = field(default_factory=dict)
    """Limits in A that somebody set on the spot, by connector; 0: for the station."""
    bounds: tuple[Contribution, ...] = ()
    """What bounds every connector and their sum alike, on each phase; made by the arbiter."""
    grid_bounds: tuple[Contribution, ...] = ()
    """What the main fuse has left on each phase; empty without a grid meter."""
    shares: dict[ConnectorId, Contribution] = field(default_factory=dict)
    """What each connector may have of what is common; made by the arbiter."""
    reservations: Reservations = field(default_factory=Reservations)
    occupied: dict[ConnectorId, Occupancy] = field(default_factory=dict)
    """How the connectors are used, as far as reservations care."""
    reserved: frozenset[ConnectorId] = frozenset()
    """What is kept for somebody now."""
    list_conflict: bool = False
    """The Billing upstream has said of a card what its own local list does not say (OCPP 1.6 3.5.3)."""
    strangers: set[str] = field(default_factory=set)
    """Cards in a row that the Billing upstream did not know; bounded."""
    last_number: int = 0
    last_wall_ms: int | None = None
    last_wall_at_ms: int | None = None
    """The monotonic time of `last_wall_ms`; None: it is of a former life."""
    cards_told: dict[str, IdToken] = field(default_factory=dict)
    """Whose card a start or stop to its authority names, by message id, until it is answered; bounded."""

    def count(self, record: Record) -> None:
        """A record goes to the writer, which numbers them from 1 in this order."""
        self.records += 1
        if record.barrier:
            self.last_barrier = self.records
        saved = [entry.transaction for entry in record.entries if isinstance(entry, SaveTransaction)]
        authorities = {row.id: row.authority for row in saved}
        for entry in record.entries:
            if isinstance(entry, Enqueue) and authorities.get(entry.event.transaction or NOBODYS) == entry.upstream:
                self._note_card(entry)

    def _note_card(self, row: Enqueue) -> None:
        token = None if isinstance(row.event, TransactionSampled) else row.event.token
        if token is None:
            return
        self.cards_told[row.message_id] = token
        if len(self.cards_told) > CARDS_TOLD:
            del self.cards_told[next(iter(self.cards_told))]

    def next_number(self) -> int:
        """A number for a meter request or a question, unique in this life."""
        self.last_number += 1
        return self.last_number

    @property
    def reservations_of(self) -> UpstreamId:
        """Whose reservations count: of the upstream with that service, else of Billing."""
        wanted = self.registry.get(self.options.cards.reservations or self.registry.billing.id)
        return (wanted or self.registry.billing).id

    def parent_for_claims(self, authority: UpstreamId, parent: IdToken | None) -> IdToken | None:
        """The parent of a card as far as reservations go: by the word of who makes them, and of nobody else."""
        return parent if authority == self.reservations_of else None

    def claimed(self, connector: ConnectorId, token: IdToken, parent: IdToken | None = None) -> str | None:
        """Why a reservation of somebody else stands against this card here; None if none does."""
        return self.reservations.against(connector, token, parent, self.occupied)

    def see_wall(self, now: Moment) -> None:
        """Remember the latest wall time, or how late it must be by now."""
        walls = [wall for wall in (now.wall_ms, self._earliest_ms(now)) if wall is not None]
        if walls:
            self.last_wall_ms, self.last_wall_at_ms = max(walls), now.monotonic_ms

    def wall_ms(self, now: Moment) -> int | None:
        """The wall time; while it is unknown the earliest that it can be, so that what has a date still ends."""
        return now.wall_ms if now.wall_ms is not None else self._earliest_ms(now)

    def _earliest_ms(self, now: Moment) -> int | None:
        """The latest that was ever seen, and what has passed since in this life."""
        if self.last_wall_ms is None or self.last_wall_at_ms is None:
            return self.last_wall_ms
        return self.last_wall_ms + now.monotonic_ms - self.last_wall_at_ms


def build_site(
    options: StationOptions, upstreams: Sequence[UpstreamSetup], snapshot: Snapshot, new_uuid: Callable[[], str]
) -> Site:
    """The shared part of a starting station: stored options and holds applied."""
    for saved in snapshot.options:
        row = OPTION_BY_NAME.get(saved.name)
        if saved.upstream is None and row is not None and row.scope in OF_STATION:
            options = options.with_value(saved.name, saved.value, Origin.OCPP)
    registry = Registry(upstreams, snapshot)
    known = {upstream.id for upstream in registry}
    profiles = Profiles(each for each in snapshot.profiles if each.upstream in known)
    wanted = registry.get(options.cards.reservations or registry.billing.id) or registry.billing
    keeper = wanted.id
    reservations = Reservations(each for each in snapshot.reservations if each.upstream == keeper)
    holds = Holds(snapshot.holds, (c.id for c in options.connectors), {*known, LOCAL_PAGE, LINE})
    return Site(
        options,
        registry,
        holds,
        new_uuid,
        snapshot,
        profiles,
        installer={row.connector: row.current_a for row in snapshot.installer_limits if row.current_a is not None},
        reservations=reservations,
        last_wall_ms=snapshot.last_wall_ms,
    )
