"""What `make run` shows: progress lines, a live view under them, and the table at the end. Text in, text out."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from tests.rig.backend import ScriptedBackend
from tests.rig.ledger import Ledger

PLAIN_EVERY_S = 5.0
"""Without a terminal the view becomes one line as often as this."""
_BOLD, _DIM, _GREEN, _RED, _OFF = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[0m"

Document = Mapping[str, Any]


@dataclass(slots=True)
class Screen:
    """Progress lines that scroll, and one block under them that is drawn over. Without a terminal: lines only."""

    stream: TextIO = field(default_factory=lambda: sys.stdout)
    tty: bool = field(init=False)
    _drawn: int = 0
    _quiet_until_s: float = 0.0

    def __post_init__(self) -> None:
        self.tty = self.stream.isatty()

    def say(self, text: str, mark: str = " ") -> None:
        """A progress line."""
        self._erase()
        colour = {"+": _GREEN, "!": _RED}.get(mark, _BOLD) if self.tty else ""
        self._write(f"{colour}{mark}{_OFF if self.tty else ''} {text}\n")

    def show(self, block: Sequence[str], now_s: float) -> None:
        """The present view."""
        if self.tty:
            self._erase()
            width = shutil.get_terminal_size().columns - 1
            self._write("".join(f"{_DIM}{line[:width]}{_OFF}\n" for line in block))
            self._drawn = len(block)
        elif now_s >= self._quiet_until_s:
            self._quiet_until_s = now_s + PLAIN_EVERY_S
            self._write("".join(f"  | {line}\n" for line in block))

    def _erase(self) -> None:
        if self._drawn:
            self._write(f"\x1b[{self._drawn}A\x1b[J")
            self._drawn = 0

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()


def view(status: Document | None, ids: Mapping[str, str]) -> list[str]:
    """The live view of a `status` answer; `ids` names the upstreams for people."""
    if status is None:
        return ["station  not running"]
    overview = status["overview"]
    lines = [line for connector in overview["connectors"] for line in _connector(connector, ids)]
    links = {link["upstream"]: link for link in status["links"]}
    lines += [_upstream(upstream, links.get(upstream["id"], {}), ids) for upstream in overview["upstreams"]]
    for change in (status.get("pending") or {}).get("changes", []):
        lines.append(f"pending  {change['what']} after the next reboot")
    return lines


def _connector(connector: Document, ids: Mapping[str, str]) -> list[str]:
    condition = connector["condition"]
    parts = [f"connector {connector['id']}", connector["session"].lower(), f"car {_car(condition)}"]
    parts.append(f"{_number(connector['power_w'], 'W')}, {_number(connector['energy_wh'], 'Wh')}")
    if connector["limit_a"] is None:
        parts.append(f"no offer{_because(connector)}")
    else:
        parts.append(f"limit {_number(connector['limit_a'], 'A')}{_because(connector)}")
    known = [f"{ids.get(f['upstream'], f['upstream'])} {f['id'] or '...'}" for f in connector["foreign_ids"]]
    return [" | ".join(parts), f"  transaction ids: {', '.join(known)}" if known else "  no transaction"]


def _car(condition: Document) -> str:
    if not condition["plugged"]:
        return "away"
    return condition["charging"] if condition["transaction"] else "plugged"


def _because(connector: Document) -> str:
    return f" ({connector['limit_reason']})" if connector["limit_reason"] else ""


def _upstream(upstream: Document, link: Document, ids: Mapping[str, str]) -> str:
    up = "connected" if upstream["connected"] else link.get("detail") or "not connected"
    queue = f"{link.get('queued', 0)} queued" + (f", {link['parked']} given up" if link.get("parked") else "")
    name = ids.get(upstream["id"], upstream["id"])
    return f"{name:<11} {upstream['role']:<16} {up}, {upstream['registration']}, {queue}"


def _number(value: float | None, unit: str) -> str:
    return f"- {unit}" if value is None else f"{value:.0f} {unit}"


def table(backends: Sequence[ScriptedBackend], billing: ScriptedBackend) -> list[str]:
    """What each backend received, side by side."""
    rows = [("", *(backend.name for backend in backends))]
    rows.append(("role", *("Billing" if one is billing else "Data & Control" for one in backends)))
    columns = [_column(backend.ledger) for backend in backends]
    rows += [(label, *(column[label] for column in columns)) for label in columns[0]]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [lines[0], "-" * len(lines[0]), *lines[1:]]


def _column(ledger: Ledger) -> dict[str, str]:
    starts, stops = ledger.starts(), ledger.stops()
    energy = [stop.meter_stop_wh - start.meter_start_wh for start, stop in zip(starts, stops, strict=False)]
    return {
        "starts / stops": f"{len(starts)} / {len(stops)}",
        "card told as": _list(start.id_tag for start in starts),
        "transaction id": _list(start.foreign_id for start in starts),
        "meter start": _list(f"{start.meter_start_wh} Wh" for start in starts),
        "meter stop": _list(f"{stop.meter_stop_wh} Wh" for stop in stops),
        "energy": _list(f"{wh} Wh" for wh in energy),
        "reason": _list(stop.reason for stop in stops),
        "meter values": str(len(ledger.meter_values())),
        "statuses": str(len(ledger.statuses())),
        "frames in": str(len(ledger.calls())),
        "sent again": str(ledger.resends()),
        "errors": str(len(ledger.errors())),
    }


def _list(values: Any) -> str:
    return ", ".join(str(value) for value in values) or "-"
