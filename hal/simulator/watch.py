"""The live view of a plant on a terminal."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any

Document = dict[str, Any]
HOME_AND_CLEAR = "\x1b[H\x1b[J"


def render(state: Document) -> str:
    """A table of the connectors, and what is wrong with lines."""
    rows: list[tuple[str, ...]] = [
        ("connector", "car", "pilot", "offer", "contactor", "lock", "current", "power", "meter", "SoC", "light")
    ]
    rows += [_row(connector) for connector in state["connectors"]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += [f"{bus['name']} is offline" for bus in state["buses"] if not bus["online"]]
    lines += [
        f"connector {connector['id']}: {', '.join(connector['errors'])}"
        for connector in state["connectors"]
        if connector.get("errors")
    ]
    return f"plant at {state['time_s']:.1f} s\n" + "\n".join(lines) + "\n"


def watch(read: Callable[[], Document], period_s: float) -> None:
    """Show the plant until interrupted; on something that is no terminal, once."""
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            text = render(read())
            if not sys.stdout.isatty():
                sys.stdout.write(text)
                return
            sys.stdout.write(HOME_AND_CLEAR + text)
            sys.stdout.flush()
            time.sleep(period_s)


def _row(connector: Document) -> tuple[str, ...]:
    car, pilot = connector["car"], connector["pilot"]
    pwm = 0 < pilot["duty_percent"] < 100
    return (
        str(connector["id"]),
        car["state"] if car["plugged"] else "none",
        f"{pilot['state']} {pilot['duty_percent']:.1f} %" if pwm else pilot["state"],
        f"{connector['offered_a']:.1f} A",
        "closed" if connector["contactor"]["closed"] else "open",
        "locked" if connector["lock"]["locked"] else "open",
        "/".join(f"{amps:.1f}" for amps in car["current_a"]) + " A",
        f"{connector['meter']['power_w']:.0f} W",
        f"{connector['meter']['energy_wh']:.0f} Wh",
        f"{car['soc']:.1f} %" if car["plugged"] else "",
        connector["light"] or "",
    )
