"""The commands of `stationctl` about cards: who is asked, what was decided, and what holds while nobody answers."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from agent.control.card_views import decisions_text, outage_text, services_text
from agent.control.operator_commands import NEXT_BOOT
from agent.vocabulary.outage import OutageMode
from agent.vocabulary.services import RouteBy

Show = Callable[[Any], str]
Prepare = Callable[[argparse.Namespace], Mapping[str, object]]


def add_card_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the commands to a parser by its `add(name, help, show, prepare)`."""
    services = add("services", "who is asked about whose card, and which cards are stored here", services_text)
    _add_services(services.add_subparsers(dest="action", required=True, metavar="ACTION"))
    decisions = add("decisions", "the newest decisions on cards: who was asked, and why", decisions_text, _decisions)
    decisions.add_argument("--connector", metavar="ID", type=int, help="of one connector")
    decisions.add_argument("--limit", metavar="N", type=int, default=20, help="how many (default 20)")
    mode = add("outage-mode", "what holds while nobody answers; without a mode: what does now", outage_text, _mode)
    mode.add_argument("mode", nargs="?", choices=[each.value for each in OutageMode], help="at once, with no reboot")
    mode.add_argument("--energy", metavar="WH", type=int, help="energy cap of free-vend (default 10000)")


def _add_services(actions: Any) -> None:
    def action(name: str, help_text: str, asks: str, prepare: Prepare, show: Show = _staged) -> argparse.ArgumentParser:
        return _action(actions, name, help_text, asks, prepare, show)

    action("show", "what is in force, and what is staged", "services", lambda options: {}, services_text)
    flags = action("set", "stage whether an upstream is asked about cards", "services-set", _flags)
    flags.add_argument("upstream", metavar="NAME", help="name or id, as stationctl upstreams shows it")
    flags.add_argument("--online", choices=("on", "off"), default="", help="it may be asked at all")
    flags.add_argument("--broadcast", choices=("on", "off"), default="", help="beside Billing, where no route applies")
    keeper = action("reservations", "stage whose reservations count", "services-reservations", _named)
    keeper.add_argument("upstream", metavar="NAME", help="name or id, or billing")
    route = actions.add_parser("route", help="stage a rule that asks one upstream alone")
    _add_routes(route.add_subparsers(dest="route", required=True, metavar="add|remove"))
    evse = action("evse", "stage the EVSE id of a connector", "services-evse", _evse)
    evse.add_argument("connector", metavar="CONNECTOR", type=int, help="its number")
    evse.add_argument("id", metavar="ID", nargs="?", default="", help="as DE*ABC*E1234; left out: none")
    for name, stored in (("store-card", True), ("remove-card", False)):
        help_text = f"stage that a card is {'stored' if stored else 'no longer stored'} on the charger itself"
        card = action(name, help_text, "services-card", _card)
        card.set_defaults(stored=stored)
        card.add_argument("card", metavar="CARD", help="its number, as readers tell it")


def _add_routes(actions: Any) -> None:
    new = _action(actions, "add", "stage a rule", "services-route-add", _route, _staged)
    place = new.add_mutually_exclusive_group(required=True)
    helps = ("a connector", "the EVSE id of a connector", "how a card number begins", "a contract id shown as a card")
    for by, help_text in zip(RouteBy, helps, strict=True):
        place.add_argument(f"--{by.value}", dest=f"by_{by.name.lower()}", metavar="VALUE", help=help_text)
    new.add_argument("--ask", dest="upstream", metavar="NAME", required=True, help="name or id of the one to ask")
    new.add_argument("--first", action="store_true", help="before the other rules (default: behind them)")
    old = _action(actions, "remove", "stage the removal of a rule", "services-route-remove", _number, _staged)
    old.add_argument("number", metavar="N", type=int, help="as stationctl services show counts")


def _action(
    actions: Any, name: str, help_text: str, asks: str, prepare: Prepare, show: Show
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=help_text, description=help_text)
    parser.add_argument("--socket", metavar="PATH", default=argparse.SUPPRESS, help="control socket")
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print the answer as JSON")
    parser.set_defaults(asks=asks, prepare=prepare, show=show)
    return parser


def _staged(result: Any) -> str:
    return NEXT_BOOT


def _flags(options: argparse.Namespace) -> Mapping[str, object]:
    return {"upstream": options.upstream, "online": options.online, "broadcast": options.broadcast}


def _named(options: argparse.Namespace) -> Mapping[str, object]:
    return {"upstream": options.upstream}


def _route(options: argparse.Namespace) -> Mapping[str, object]:
    given = ((by, getattr(options, f"by_{by.name.lower()}")) for by in RouteBy)
    by, value = next((by, value) for by, value in given if value is not None)
    return {"by": by.value, "value": value, "upstream": options.upstream, "first": options.first}


def _number(options: argparse.Namespace) -> Mapping[str, object]:
    return {"number": options.number}


def _evse(options: argparse.Namespace) -> Mapping[str, object]:
    return {"connector": options.connector, "id": options.id}


def _card(options: argparse.Namespace) -> Mapping[str, object]:
    return {"card": options.card, "stored": options.stored}


def _decisions(options: argparse.Namespace) -> Mapping[str, object]:
    connector = {} if options.connector is None else {"connector": options.connector}
    return {"limit": options.limit, **connector}


def _mode(options: argparse.Namespace) -> Mapping[str, object]:
    if options.mode is None:
        options.asks = "services"
        return {}
    cap = {} if options.energy is None else {"cap_wh": options.energy}
    return {"mode": options.mode, **cap}
