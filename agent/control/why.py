"""Why a connector gets no more or is not available, and what is done about it on the spot: commands and answers."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from agent.control.station_time import local_text

NONE = "off"


def add_on_site_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the commands to a parser by its `add(name, help, show, prepare)`."""
    why = add("why", "why a connector gets no more current, or is not available", why_text, _connector)
    why.add_argument("connector", metavar="CONNECTOR", type=int, nargs="?", help="id of one connector (default: each)")
    limit = add("set-limit", "set what a connector, or the station, may take; at once and for good", str, _limit)
    limit.add_argument("connector", metavar="CONNECTOR", type=int, help="id of the connector; 0 for the station")
    limit.add_argument("current_a", metavar="A", type=_current, help=f"A on each phase, or {NONE}")
    latch = add("clear-latch", "clear a latched fault after a look at the hardware", str, _connector)
    latch.add_argument("connector", metavar="CONNECTOR", type=int, help="id of the connector")
    clear = add("clear-hold", "end what an upstream that cannot be reached holds out of service", str, _hold)
    clear.add_argument("upstream", metavar="UPSTREAM", help="its name or id")
    clear.add_argument("connector", metavar="CONNECTOR", type=int, nargs="?", default=0, help="one connector")


def why_text(connectors: list[dict[str, Any]]) -> str:
    """The answer to `why`."""
    return "\n\n".join("\n".join(_lines(each)) for each in connectors)


def _lines(one: Mapping[str, Any]) -> list[str]:
    offered = one.get("offered_a")
    lines = [f"Connector {one.get('id')}: " + (f"{offered:g} A are offered" if offered else "nothing is offered")]
    if one.get("limit_reason"):
        lines[0] += f", since {one['limit_reason']}" if offered is None else f"; decided by: {one['limit_reason']}"
    if one.get("blocked"):
        lines.append(f"  blocked: {one['blocked']}")
    for hold in one.get("holds") or []:
        since = hold.get("since_wall_ms")
        when = f" since {local_text(since)}" if since is not None else ""
        reach = "" if hold.get("connected") else ", which is not connected (stationctl clear-hold ends it)"
        lines.append(f"  held out of service by {hold.get('name')}{when}{reach}")
    lines += [_rung(rung) for rung in one.get("ladder") or []]
    return lines


def _rung(rung: Mapping[str, Any]) -> str:
    age = rung.get("age_s")
    old = "" if age is None else f" ({age:.0f} s old)"
    return f"  {rung.get('current_a', 0):6.1f} A  {rung.get('source')}: {rung.get('reason')}{old}"


def _connector(options: argparse.Namespace) -> Mapping[str, object]:
    return {} if options.connector is None else {"connector": options.connector}


def _current(text: str) -> float | None:
    return None if text == NONE else float(text)


def _limit(options: argparse.Namespace) -> Mapping[str, object]:
    return {"connector": options.connector, "current_a": options.current_a}


def _hold(options: argparse.Namespace) -> Mapping[str, object]:
    return {"upstream": options.upstream, "connector": options.connector}
