"""Services of the upstreams in the installer's settings: who is asked about whose card, and which cards lie here.

Theory of operation
-------------------
The settings hold what somebody has set; what nobody has set goes with the role, so that it follows Billing when Billing
moves. The sections of the file are `[services]` (`reservations`), `[[services.asked]]`, `[[services.route]]`,
`[[services.evse]]` and `[[services.card]]`. What names an upstream that is there no more falls away with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from agent.settings.fields import Table
from agent.settings.problems import Complaint, quoted
from agent.vocabulary.ids import ConnectorId, IdToken, UpstreamId
from agent.vocabulary.services import CardServices, RouteBy, RouteRule, Services, bare_id

MOST_ROUTES, MOST_CARDS = 50, 100
LONGEST_TOKEN = 20
"""OCPP 1.6 "IdToken"."""


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """What was set; empty as shipped."""

    asked: Mapping[UpstreamId, Services] = field(default_factory=dict)
    settled: CardServices = field(default_factory=CardServices)

    def only(self, known: Collection[UpstreamId]) -> ServiceSettings:
        """Without what names upstreams that are not known."""
        settled = self.settled
        keeper = settled.reservations if settled.reservations in known else None
        routes = tuple(rule for rule in settled.routes if rule.upstream in known)
        asked = {one: services for one, services in self.asked.items() if one in known}
        return ServiceSettings(asked, replace(settled, routes=routes, reservations=keeper))


def parse_services(table: Table) -> ServiceSettings:
    """The section `[services]` of a settings file; what is wrong is noted there."""
    asked = dict(_asked(each) for each in table.tables("asked"))
    routes = tuple(_route(each) for each in table.tables("route"))
    evse_ids = dict(_evse(each) for each in table.tables("evse"))
    cards = tuple(_card(each) for each in table.tables("card"))
    keeper = UpstreamId(table.text("reservations")) if table.has("reservations") else None
    table.finish()
    return ServiceSettings(asked, CardServices(routes, evse_ids, cards, keeper))


def services_lines(settings: ServiceSettings) -> list[str]:
    """The lines of the section, none if nothing was set; `parse_services` reads the same back."""
    settled = settings.settled
    if settings == ServiceSettings():
        return []
    lines = ["", "[services]"]
    lines += [f'reservations = "{settled.reservations}"'] if settled.reservations else []
    for upstream, has in settings.asked.items():
        flags = [f"online = {_word(has.online)}", f"broadcast = {_word(has.broadcast)}"]
        lines += ["", "[[services.asked]]", f'upstream = "{upstream}"', *flags]
    for rule in settled.routes:
        lines += ["", "[[services.route]]", f'by = "{rule.by.value}"', f'value = "{rule.value}"']
        lines += [f'upstream = "{rule.upstream}"']
    for connector, name in settled.evse_ids.items():
        lines += ["", "[[services.evse]]", f"connector = {connector}", f'id = "{name}"']
    for card in settled.cards:
        lines += ["", "[[services.card]]", f'id = "{card.value}"']
    return lines


def check_route(by: RouteBy, value: str) -> Complaint | None:
    """The grammar of what a rule looks for."""
    match by:
        case RouteBy.CONNECTOR:
            good = value.isascii() and value.isdigit() and 1 <= int(value) <= 64
            return None if good else Complaint(f"{quoted(value)} is no connector", "use its number")
        case RouteBy.EVSE:
            return check_evse_id(value)
        case RouteBy.TOKEN_PREFIX:
            return check_text(value)
        case RouteBy.CONTRACT:
            bare = bare_id(value)
            good = bare.isascii() and bare.isalnum() and len(bare) in (14, 15) and bare[:2].isalpha()
            remedy = "write it as DE-8AA-CA2B3C4D5 or DE-8AA-CA2B3C4D5-N"
            return None if good else Complaint("is no contract id", remedy)


def check_evse_id(value: str) -> Complaint | None:
    """An EVSE id: letters and digits with * or - between them."""
    bare = bare_id(value)
    if bare.isascii() and bare.isalnum() and 5 <= len(bare) <= 31 and bare[:2].isalpha() and len(value) <= 48:
        return None
    return Complaint(f"{quoted(value)} is no EVSE id", "write it as DE*ABC*E1234")


def check_card(value: str) -> Complaint | None:
    """The number of a card that is stored here; the complaint never quotes it."""
    if (complaint := check_text(value)) is not None:
        return complaint
    if len(value) == 8 and value.startswith("08"):
        return Complaint("is a random number (4 bytes, the first 08)", "use a card with a number of its own")
    return None


def check_text(value: str) -> Complaint | None:
    """A card number or the beginning of one; the complaint never quotes it."""
    if not 1 <= len(value) <= LONGEST_TOKEN:
        return Complaint(f"has {len(value)} characters", f"use 1 to {LONGEST_TOKEN}")
    for position, character in enumerate(value, start=1):
        if not (character.isascii() and character.isprintable()) or character in ' "\\':
            return Complaint(f"has a character at position {position} that no card has", "use ASCII letters and digits")
    return None


def _asked(table: Table) -> tuple[UpstreamId, Services]:
    upstream, online = UpstreamId(table.text("upstream")), table.boolean("online", False)
    broadcast = table.boolean("broadcast", False)
    if broadcast and not online:
        table.complain("broadcast", "is on while online is off", "set online on, or broadcast off")
    table.finish()
    return upstream, Services(online, broadcast)


def _route(table: Table) -> RouteRule:
    by = table.choice("by", RouteBy, RouteBy.CONNECTOR)
    value = table.text("value", check=lambda value: check_route(by, value))
    rule = RouteRule(by, value, UpstreamId(table.text("upstream")))
    table.finish()
    return rule


def _evse(table: Table) -> tuple[ConnectorId, str]:
    found = ConnectorId(table.integer("connector", 1, 64)), table.text("id", check=check_evse_id)
    table.finish()
    return found


def _card(table: Table) -> IdToken:
    card = IdToken(table.text("id", check=check_card))
    table.finish()
    return card


def _word(value: bool) -> str:
    return "true" if value else "false"
