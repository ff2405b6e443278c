"""What `stationctl services` and `decisions` are told, and how a terminal shows it. Pure; no card in it but masked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.control.station_time import local_text
from agent.control.text_table import NOTHING, table
from agent.control.views import PendingView
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.records import LadderStep


@dataclass(frozen=True, slots=True)
class AskedView:
    """One upstream and what it is asked."""

    upstream: UpstreamId
    name: str
    online: bool
    broadcast: bool


@dataclass(frozen=True, slots=True)
class RouteView:
    """One rule; what names a card is masked."""

    number: int
    by: str
    value: str
    upstream: str


@dataclass(frozen=True, slots=True)
class ServicesView:
    """The answer to `services`: what is in force, and what is staged."""

    asked: tuple[AskedView, ...]
    routes: tuple[RouteView, ...]
    reservations: str
    """Name of the upstream whose reservations count."""
    evse_ids: dict[str, str]
    cards: tuple[str, ...]
    """Stored on the charger, masked."""
    cards_note: str
    """Why stored cards do not count at present; empty: they do."""
    outage_mode: str
    free_vend_wh: int
    """Energy cap of `free-vend`; 0: none."""
    pending: PendingView | None = None


@dataclass(frozen=True, slots=True)
class DecisionView:
    """One decision on a card, and why it was no in plain words."""

    step: LadderStep
    why: str = ""


def services_text(answer: dict[str, Any]) -> str:
    """The answer to `services`."""
    asked = [
        (one.get("upstream"), one.get("name"), _on(one.get("online")), _on(one.get("broadcast")))
        for one in answer.get("asked") or []
    ]
    routes = [
        (one.get("number"), one.get("by"), one.get("value"), one.get("upstream")) for one in answer.get("routes") or []
    ]
    parts = [table(("upstream", "name", "online", "broadcast"), asked)]
    parts += ["", table(("route", "by", "value", "asks"), routes)] if routes else []
    names = answer.get("evse_ids") or {}
    parts += (
        ["", *(f"EVSE id of connector {connector}: {name}" for connector, name in names.items())] if names else [""]
    )
    parts.append(f"Reservations: {answer.get('reservations') or NOTHING}")
    parts.append(f"Without an answer: {outage_text(answer)}")
    note = answer.get("cards_note")
    cards = ", ".join(str(card) for card in answer.get("cards") or []) or "none"
    parts.append(f"Cards stored here: {cards}{f' ({note})' if note and answer.get('cards') else ''}")
    changes = (answer.get("pending") or {}).get("changes") or []
    return "\n".join([*parts, *(f"PENDING: {change.get('what')}; a reboot applies it" for change in changes)])


def outage_text(answer: dict[str, Any]) -> str:
    """The outage mode of the answer to `services`."""
    mode, cap_wh = answer.get("outage_mode") or NOTHING, answer.get("free_vend_wh")
    if mode != "free-vend":
        return str(mode)
    return f"{mode}, up to {cap_wh} Wh" if cap_wh else f"{mode}, without an energy cap"


def decisions_text(decisions: list[dict[str, Any]]) -> str:
    """The answer to `decisions`: newest first, and below each the upstreams that were asked."""
    if not decisions:
        return "No decisions."
    rows: list[tuple[object, ...]] = []
    for one in decisions:
        step = one.get("step") or {}
        wall_ms = (step.get("at") or {}).get("wall_ms")
        when = local_text(wall_ms) if wall_ms is not None else NOTHING
        place, latency_ms = step.get("connector"), step.get("latency_ms")
        said = (step.get("stage"), step.get("rule"), step.get("upstream"), step.get("answer"), latency_ms)
        rows.append((when, place, step.get("token_masked"), *said, one.get("why")))
        for asked in step.get("asked") or []:
            reply = (asked.get("upstream"), asked.get("answer"), asked.get("latency_ms"))
            rows.append((" ", " ", " ", "asked", step.get("way"), *reply, " "))
    return table(("time", "connector", "card", "stage", "rule", "upstream", "answer", "ms", "why"), rows)


def _on(value: object) -> str:
    return "on" if value else "off"
