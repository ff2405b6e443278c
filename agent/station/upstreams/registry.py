"""Registry of the upstreams: role, link, registration, options, and the ids that each gave to our transactions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from agent.vocabulary.commands import OptionSeen
from agent.vocabulary.ids import LINE, LOCAL_PAGE, TransactionId, UpstreamId
from agent.vocabulary.inputs import Registration
from agent.vocabulary.options import (
    OF_BILLING,
    OPTION_BY_NAME,
    OptionValue,
    Origin,
    Scope,
    StationOptions,
    UpstreamOptions,
)
from agent.vocabulary.records import Snapshot
from agent.vocabulary.services import Services
from agent.vocabulary.upstreams import Asker, Role, UpstreamKind, UpstreamSetup, asker_of, kind_of


@dataclass(frozen=True, slots=True)
class OptionsShown:
    """What an upstream was last shown of the options, and the sets that it was made of: replaced, never changed."""

    own: UpstreamOptions
    authority: UpstreamOptions
    shared: StationOptions
    seen: tuple[OptionSeen, ...]


@dataclass(slots=True)
class Upstream:
    """One upstream. `ever_accepted`: it has accepted the station once, in this or a former life."""

    id: UpstreamId
    name: str
    role: Role
    options: UpstreamOptions
    connected: bool = False
    registration: Registration = Registration.UNKNOWN
    ever_accepted: bool = False
    boot_accepted: bool = False
    """It has accepted a boot on the present link."""
    ids: dict[TransactionId, str] = field(default_factory=dict)
    shown: OptionsShown | None = None
    services: Services = field(default_factory=Services)
    """What it is asked about cards."""

    @property
    def asker(self) -> Asker:
        """Its column of the permission table."""
        return asker_of(self.id, self.role)

    @property
    def kind(self) -> UpstreamKind:
        """What it is to this station."""
        return kind_of(self.id, self.role)

    @property
    def reachable(self) -> bool:
        """It can be asked now."""
        return self.connected and self.registration is Registration.ACCEPTED

    @property
    def may_command(self) -> bool:
        """Its registration lets it start and stop transactions (OCPP 1.6 4.2)."""
        return self.registration is Registration.ACCEPTED

    def transaction(self, foreign_id: str) -> TransactionId | None:
        """The local id behind an id that this upstream gave; the last one given counts."""
        return next((own for own, given in reversed(self.ids.items()) if given == foreign_id), None)


@dataclass(slots=True)
class AtStation(Upstream):
    """Somebody at the station, where an upstream would ask: transactions are named by their own ids."""

    @property
    def may_command(self) -> bool:
        """Nobody registers whoever stands there."""
        return True

    def transaction(self, foreign_id: str) -> TransactionId | None:
        """The id itself."""
        return TransactionId(foreign_id)


class Registry:
    """All upstreams, in their configured order. Exactly one is Billing."""

    def __init__(self, setups: Sequence[UpstreamSetup], snapshot: Snapshot) -> None:
        billing = [setup.id for setup in setups if setup.role is Role.BILLING]
        if len(billing) != 1:
            raise ValueError(f"upstreams: exactly one must be Billing, not {len(billing)}; set one role to billing")
        self._upstreams = {s.id: Upstream(s.id, s.name or s.id, s.role, s.options, services=s.asked) for s in setups}
        for known in self:
            known.ever_accepted = known.id in snapshot.accepted
        self.billing = self._upstreams[billing[0]]
        self._at_station = {
            one: AtStation(one, one, Role.DATA_AND_CONTROL, UpstreamOptions()) for one in (LOCAL_PAGE, LINE)
        }
        for saved in snapshot.options:
            self._restore(saved.upstream, saved.name, saved.value)
        for upstream, transaction, foreign in snapshot.foreign_ids:
            if upstream in self._upstreams:
                self._upstreams[upstream].ids[transaction] = foreign

    def _restore(self, upstream: UpstreamId | None, name: str, value: OptionValue) -> None:
        row = OPTION_BY_NAME.get(name)
        if upstream in self._upstreams and row is not None and row.scope in {Scope.CONNECTION, *OF_BILLING}:
            found = self._upstreams[upstream]
            found.options = found.options.with_value(name, value, Origin.OCPP)

    def __iter__(self) -> Iterator[Upstream]:
        return iter(self._upstreams.values())

    @property
    def authorities(self) -> frozenset[UpstreamId]:
        """Who may authorise: Billing, and whoever is asked about cards beside it."""
        return frozenset({self.billing.id, *(each.id for each in self if each.services.online)})

    def get(self, upstream: UpstreamId) -> Upstream | None:
        """None for an id that is not configured (any more)."""
        return self._upstreams.get(upstream)

    def asker(self, asker: UpstreamId) -> Upstream | None:
        """Whoever asks for something: an upstream, the local page or the line."""
        return self._upstreams.get(asker) or self._at_station.get(asker)

    def forget(self, transaction: TransactionId) -> None:
        """A transaction is over and its ids are no longer addressable."""
        for upstream in self:
            upstream.ids.pop(transaction, None)
