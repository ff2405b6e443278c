"""Requests of the control socket about cards: who is asked, what was decided, what holds without an answer. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.control.request_fields import Fields, refuse
from agent.settings.problems import quoted
from agent.settings.service_edits import (
    AddRoute,
    RemoveRoute,
    ServiceEdit,
    SetAsked,
    SetEvseId,
    SetReservations,
    StoreCard,
)
from agent.vocabulary.outage import OutageMode
from agent.vocabulary.services import RouteBy

MOST_DECISIONS = 1_000
MOST_WH = 1_000_000


@dataclass(frozen=True, slots=True)
class Services:
    """Who is asked about whose card, which cards are stored here, and the outage mode."""


@dataclass(frozen=True, slots=True)
class EditServices:
    """Stage one edit of them."""

    edit: ServiceEdit


@dataclass(frozen=True, slots=True)
class Decisions:
    """The newest decisions on cards, newest first; of one connector, or of all."""

    limit: int = 20
    connector: int | None = None


@dataclass(frozen=True, slots=True)
class SetOutageMode:
    """What holds while nobody answers. `cap_wh`: of `free-vend`; None: as it was, or the usual one."""

    mode: OutageMode
    cap_wh: int | None = None


CardRequest = Services | EditServices | Decisions | SetOutageMode


def _asked(held: Fields) -> EditServices:
    flags = [_flag(held, name) for name in ("online", "broadcast")]
    return EditServices(SetAsked(held.text("upstream"), *flags))


def _flag(held: Fields, name: str) -> bool | None:
    word = held.text(name, "")
    if word not in ("", "on", "off"):
        raise refuse(name, f"{quoted(word)} is neither on nor off", "use on or off")
    return None if not word else word == "on"


def _route(held: Fields) -> EditServices:
    word, known = held.text("by"), [each.value for each in RouteBy]
    if word not in known:
        raise refuse("by", f"{quoted(word)} is not known", f"use one of: {', '.join(known)}")
    return EditServices(
        AddRoute(RouteBy(word), held.text("value"), held.text("upstream"), held.boolean("first", False))
    )


def _mode(held: Fields) -> SetOutageMode:
    word, known = held.text("mode"), [each.value for each in OutageMode]
    if word not in known:
        raise refuse("mode", f"{quoted(word)} is not known", f"use one of: {', '.join(known)}")
    return SetOutageMode(OutageMode(word), held.optional("cap_wh", 1, MOST_WH))


CARD_COMMANDS: Mapping[str, Callable[[Fields], CardRequest]] = {
    "services": lambda held: Services(),
    "services-set": _asked,
    "services-reservations": lambda held: EditServices(SetReservations(held.text("upstream"))),
    "services-route-add": _route,
    "services-route-remove": lambda held: EditServices(RemoveRoute(held.integer("number", None, 1, 1_000))),
    "services-evse": lambda held: EditServices(SetEvseId(held.integer("connector", None, 1, 64), held.text("id", ""))),
    "services-card": lambda held: EditServices(StoreCard(held.text("card"), held.boolean("stored", True))),
    "decisions": lambda held: Decisions(
        held.integer("limit", 20, 1, MOST_DECISIONS), held.optional("connector", 1, 64)
    ),
    "outage-mode": _mode,
}
