"""Edits of the services: each whole or refused, with the field, the value and what to do instead. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from agent.settings.addresses import UpstreamAddress
from agent.settings.problems import Complaint, Problem, SettingsError, quoted
from agent.settings.services import (
    MOST_CARDS,
    MOST_ROUTES,
    ServiceSettings,
    check_card,
    check_evse_id,
    check_route,
)
from agent.vocabulary.ids import ConnectorId, IdToken, UpstreamId
from agent.vocabulary.services import RouteBy, RouteRule, Services, bare_id

TO_BILLING = "billing"
"""Says that reservations are those of whoever is Billing."""


@dataclass(frozen=True, slots=True)
class SetAsked:
    """What an upstream (by name or id) is asked; None leaves a flag as it is."""

    upstream: str
    online: bool | None = None
    broadcast: bool | None = None


@dataclass(frozen=True, slots=True)
class SetReservations:
    """Whose reservations count: an upstream by name or id, or `billing`."""

    upstream: str


@dataclass(frozen=True, slots=True)
class AddRoute:
    """A rule behind those that are there, or before them all."""

    by: RouteBy
    value: str
    upstream: str
    first: bool = False


@dataclass(frozen=True, slots=True)
class RemoveRoute:
    """By its number, as `services show` counts them."""

    number: int


@dataclass(frozen=True, slots=True)
class SetEvseId:
    """The EVSE id of a connector; empty: it has none."""

    connector: int
    id: str


@dataclass(frozen=True, slots=True)
class StoreCard:
    """Store a card on the charger itself, or take it away."""

    card: str
    stored: bool = True


ServiceEdit = SetAsked | SetReservations | AddRoute | RemoveRoute | SetEvseId | StoreCard


@dataclass(frozen=True, slots=True)
class Station:
    """What an edit has to fit: the upstreams, who of them is Billing, and the connectors."""

    upstreams: Sequence[UpstreamAddress]
    billing: UpstreamId
    connectors: Collection[ConnectorId]

    def named(self, text: str) -> UpstreamAddress:
        """The upstream that somebody means. Raises SettingsError."""
        for one in self.upstreams:
            if text == one.id or text.casefold() == one.name.casefold():
                return one
        known = ", ".join(f"{one.name} ({one.id})" for one in self.upstreams)
        raise refusal("upstream", f"{quoted(text)} is no upstream of this station", f"use one of: {known}")


def edited(before: ServiceSettings, edit: ServiceEdit, station: Station) -> tuple[ServiceSettings, str]:
    """The services after an edit, and what it was, in words with no card in it. Raises SettingsError."""
    match edit:
        case SetAsked():
            return _set_asked(before, edit, station)
        case SetReservations(upstream):
            keeper = None if upstream == TO_BILLING else station.named(upstream)
            name = "Billing" if keeper is None else keeper.name
            settled = replace(before.settled, reservations=keeper.id if keeper is not None else None)
            return replace(before, settled=settled), f"reservations by {name}"
        case AddRoute():
            return _add_route(before, edit, station)
        case RemoveRoute(number):
            return _remove_route(before, number)
        case SetEvseId(connector, name):
            return _set_evse_id(before, ConnectorId(connector), name, station)
        case StoreCard(card, stored):
            return _store_card(before, IdToken(card), stored)


def asked_of(services: ServiceSettings, upstream: UpstreamId, billing: UpstreamId) -> Services:
    """What an upstream is asked: as it was set, or as goes with its role."""
    return services.asked.get(upstream, Services(online=upstream == billing))


def refusal(field: str, message: str, remedy: str) -> SettingsError:
    """A refusal with one problem."""
    return SettingsError([Problem(field, message, remedy)])


def _set_asked(before: ServiceSettings, edit: SetAsked, station: Station) -> tuple[ServiceSettings, str]:
    one = station.named(edit.upstream)
    had = asked_of(before, one.id, station.billing)
    online = had.online if edit.online is None else edit.online
    broadcast = (had.broadcast and online) if edit.broadcast is None else edit.broadcast
    if broadcast and not online:
        raise refusal("broadcast", f"on is not possible while online is off for {one.name}", "set online on as well")
    routed = [number for number, rule in enumerate(before.settled.routes, start=1) if rule.upstream == one.id]
    if routed and not online:
        message = f"off is not possible while route {routed[0]} asks {one.name}"
        raise refusal("online", message, "remove its routes first")
    after = replace(before, asked={**before.asked, one.id: Services(online, broadcast)})
    return after, f"services of {one.name}: online {_word(online)}, broadcast {_word(broadcast)}"


def _add_route(before: ServiceSettings, edit: AddRoute, station: Station) -> tuple[ServiceSettings, str]:
    one, rules = station.named(edit.upstream), before.settled.routes
    _check(edit.by.value, check_route(edit.by, edit.value))
    if edit.by is RouteBy.CONNECTOR and int(edit.value) not in station.connectors:
        known = ", ".join(str(each) for each in sorted(station.connectors))
        raise refusal("connector", f"{edit.value} is no connector of this station", f"use one of: {known}")
    if edit.by is RouteBy.EVSE and bare_id(edit.value) not in map(bare_id, before.settled.evse_ids.values()):
        remedy = "give it to one first: stationctl services evse CONNECTOR ID"
        raise refusal("evse", f"{quoted(edit.value)} is the id of no connector here", remedy)
    if not asked_of(before, one.id, station.billing).online:
        remedy = f"set it on first: stationctl services set {one.id} --online on"
        raise refusal("upstream", f"online is off for {one.name}, so nobody asks it", remedy)
    if any(rule.by is edit.by and bare_id(rule.value) == bare_id(edit.value) for rule in rules):
        raise refusal(edit.by.value, "has a rule already", "remove that one first")
    if len(rules) >= MOST_ROUTES:
        raise refusal("route", f"there are {MOST_ROUTES} rules already", "remove one first")
    rule = RouteRule(edit.by, edit.value, one.id)
    routes = (rule, *rules) if edit.first else (*rules, rule)
    return replace(before, settled=replace(before.settled, routes=routes)), f"route by {edit.by.value} to {one.name}"


def _remove_route(before: ServiceSettings, number: int) -> tuple[ServiceSettings, str]:
    rules = before.settled.routes
    if not 1 <= number <= len(rules):
        remedy = f"use 1 to {len(rules)}" if rules else "there is none"
        raise refusal("number", f"{number} is no route", remedy)
    routes = rules[: number - 1] + rules[number:]
    return replace(before, settled=replace(before.settled, routes=routes)), f"route {number} removed"


def _set_evse_id(
    before: ServiceSettings, connector: ConnectorId, name: str, station: Station
) -> tuple[ServiceSettings, str]:
    if connector not in station.connectors:
        known = ", ".join(str(each) for each in sorted(station.connectors))
        raise refusal("connector", f"{connector} is no connector of this station", f"use one of: {known}")
    others = {each: other for each, other in before.settled.evse_ids.items() if each != connector}
    if name:
        _check("id", check_evse_id(name))
    if name and bare_id(name) in map(bare_id, others.values()):
        raise refusal("id", f"{quoted(name)} is that of another connector", "give every connector an id of its own")
    evse_ids = {**others, connector: name} if name else others
    left = {bare_id(each) for each in evse_ids.values()}
    lost = [rule for rule in before.settled.routes if rule.by is RouteBy.EVSE and bare_id(rule.value) not in left]
    if lost:
        raise refusal("id", f"a route names {quoted(lost[0].value)}", "remove that route first")
    what = f"EVSE id of connector {connector}: {name or 'none'}"
    return replace(before, settled=replace(before.settled, evse_ids=dict(sorted(evse_ids.items())))), what


def _store_card(before: ServiceSettings, card: IdToken, stored: bool) -> tuple[ServiceSettings, str]:
    known = any(card.matches(each) for each in before.settled.cards)
    if stored:
        _check("card", check_card(card.value))
    if known == stored:
        message = "is stored already" if stored else "is not stored here"
        raise refusal("card", f"{card.masked} {message}", "nothing needs to be changed")
    if stored and len(before.settled.cards) >= MOST_CARDS:
        raise refusal("card", f"there are {MOST_CARDS} stored already", "remove one first")
    others = tuple(each for each in before.settled.cards if not card.matches(each))
    cards = (*others, card) if stored else others
    what = f"card {card.masked} {'stored' if stored else 'removed'}"
    return replace(before, settled=replace(before.settled, cards=cards)), what


def _check(field: str, complaint: Complaint | None) -> None:
    if complaint is not None:
        raise refusal(field, complaint.message, complaint.remedy)


def _word(value: bool) -> str:
    return "on" if value else "off"
