"""Answers of the control socket as tables for a terminal. Pure: the JSON of an answer in, text out.

The answer may come from another release than this program, so a field that is missing is shown as `-`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.control.receipts_csv import undelivered
from agent.control.sessions_export import energy_wh
from agent.control.station_time import local_text
from agent.control.text_table import NOTHING, table
from agent.control.text_table import cell_text as _cell
from agent.vocabulary.moments import iso8601

NEXT_BOOT = "Staged. It applies at the next boot of the system: stationctl reboot"
_ROLES = {
    ("management", "billing"): "management, Billing",
    ("management", "data_and_control"): "management, Data & Control",
    ("primary", "billing"): "primary, Billing",
    ("operator", "data_and_control"): "operator, Data & Control",
}


def status_text(status: dict[str, Any]) -> str:
    """The answer to `status`."""
    overview = status.get("overview") or {}
    name = " ".join(filter(None, (status.get("vendor"), status.get("model"), status.get("serial_number"))))
    wall_ms = status.get("wall_ms")
    head = f"{name or 'station'}   {iso8601(wall_ms) if wall_ms is not None else 'time not known'}"
    parts = [
        head,
        *_firmware(status.get("firmware") or {}),
        *_warnings(status, overview),
        "",
        _connectors(overview),
        "",
        _upstreams(status, overview),
    ]
    return "\n".join(parts)


def sessions_text(sessions: list[dict[str, Any]]) -> str:
    """The answer to `sessions`: one line per session and upstream, times as `local_text` has them."""
    if not sessions:
        return "No sessions."
    rows: list[Sequence[object]] = []
    for session in sessions:
        record = session.get("transaction") or {}
        receipts = session.get("receipts") or [{}]
        for number, receipt in enumerate(receipts):
            rows.append((*(_session(record) if number == 0 else [""] * 6), *_receipt(receipt)))
    header = ("connector", "card", "started", "stopped", "kWh", "reason", "upstream", "id there", "delivered")
    return table(header, rows)


def upstreams_text(answer: dict[str, Any]) -> str:
    """The answer to `upstreams`: one line for each, in plain words, and what is staged."""
    rows = [
        (
            one.get("id"),
            one.get("name"),
            _ROLES.get((str(one.get("kind")), str(one.get("role"))), one.get("role")),
            one.get("state"),
            one.get("queued"),
            one.get("parked"),
            f"{one.get('url', NOTHING)} as {one.get('identity', NOTHING)}",
        )
        for one in answer.get("upstreams") or []
    ]
    header = ("upstream", "name", "role", "state", "queued", "parked", "address")
    pending = _pending(answer.get("pending"))
    return "\n".join([table(header, rows), *([""] if pending else []), *pending])


def catalogue_text(entries: list[dict[str, Any]]) -> str:
    """The answer to `catalogue`."""
    if not entries:
        return "The catalogue is empty."
    return table(("name", "url", "from"), [(one.get("name"), one.get("url"), one.get("source")) for one in entries])


def staged_text(pending: dict[str, Any] | None) -> str:
    """The answer to a change that is staged: how it applies, and what a reboot now would cost."""
    if pending is None:
        return "Nothing is staged now: it is as it was."
    cost = pending.get("cost") or {}
    lines = [NEXT_BOOT]
    if cost.get("running"):
        lines.append(f"{cost['running']} transactions run; a reboot stops them, stationctl reboot --wait waits.")
    if cost.get("undelivered"):
        lines.append(
            f"{cost['undelivered']} records are not delivered to the present Billing upstream yet; "
            "stationctl reboot --drain waits up to ten minutes. What is left follows after the reboot."
        )
    return "\n".join(lines)


def undelivered_text(sessions: list[dict[str, Any]]) -> str:
    """The answer to `sessions`, what is delivered left out."""
    found = undelivered(sessions)
    return sessions_text(found) if found else "Everything is delivered."


def security_log_text(log: dict[str, Any]) -> str:
    """The answer to `security-log`: its lines, and below them whether the chain holds."""
    rows = []
    for line in log.get("lines") or []:
        event = line.get("event") or {}
        further = (event.get("kind"), event.get("upstream"), event.get("tech_info"))
        rows.append((line.get("sequence"), _time(event.get("at")), *further))
    check = log.get("check") or {}
    breaks = [str(number) for number in check.get("breaks") or []]
    verdict = f"BROKEN at line {', '.join(breaks[:20])}" if breaks else "the chain holds"
    lines = f"{check.get('lines', 0)} lines, {check.get('first', 0)} to {check.get('last', 0)}: {verdict}"
    return "\n".join([table(("line", "time", "event", "upstream", "about"), rows), "", lines])


def _connectors(overview: dict[str, Any]) -> str:
    rows = []
    for one in overview.get("connectors") or []:
        ids = [f"{i.get('upstream')}:{_cell(i.get('id'))}" for i in one.get("foreign_ids") or []]
        condition = one.get("condition") or {}
        fault = condition.get("fault") or NOTHING
        why = f"{_unit(one.get('limit_a'), 'A')} {one.get('limit_reason') or ''}".strip()
        rows.append(
            (
                one.get("id"),
                one.get("session"),
                _unit(one.get("power_w"), "W"),
                _unit(one.get("energy_wh"), "Wh"),
                _unit(one.get("offered_a"), "A"),
                why,
                one.get("token_masked"),
                " ".join(ids) or NOTHING,
                fault,
            )
        )
    header = ("connector", "session", "power", "energy", "offered", "limit", "card", "transaction ids", "fault")
    return table(header, rows)


def _upstreams(status: dict[str, Any], overview: dict[str, Any]) -> str:
    links = {link.get("upstream"): link for link in status.get("links") or []}
    rows = []
    for one in overview.get("upstreams") or []:
        link = links.get(one.get("id"), {})
        state = "connected" if one.get("connected") else "not connected"
        rows.append(
            (
                one.get("id"),
                one.get("name"),
                one.get("role"),
                state,
                one.get("registration"),
                link.get("queued"),
                link.get("parked"),
                f"{link.get('url', NOTHING)} as {link.get('identity', NOTHING)}",
                link.get("detail"),
            )
        )
    header = ("upstream", "name", "role", "link", "registration", "queued", "parked", "address", "detail")
    return table(header, rows)


def _firmware(firmware: dict[str, Any]) -> list[str]:
    """What runs, what is on trial, and how far the newest update is."""
    if not firmware:
        return []
    running = "; ".join(filter(None, (f"firmware {firmware.get('version', NOTHING)}", firmware.get("trial"))))
    return [running, *([f"update {firmware['update']}"] if firmware.get("update") else [])]


def _warnings(status: dict[str, Any], overview: dict[str, Any]) -> list[str]:
    """What an installer must see before the tables."""
    lines = []
    if status.get("safe_mode"):
        lines.append("SAFE MODE: outputs are off after repeated crashes; reboot, and see the log")
    if overview.get("storage_healthy") is False:
        lines.append("STORAGE FAULT: records cannot be written; no new session starts")
    lines += [f"NOTE: {notice}" for notice in overview.get("notices") or []]
    for one in overview.get("connectors") or []:
        if one.get("last_refusal"):
            at = _local(one.get("last_refusal_at"))
            lines.append(f"last card refused at connector {one.get('id')} ({at}): {one['last_refusal']}")
    lines += _pending(status.get("pending"))
    lines += [f"PROBLEM: {problem}" for problem in status.get("problems") or []]
    restarts = status.get("restarts") or {}
    lines += [f"{task} was started again {count} times" for task, count in restarts.items()]
    return lines


def _pending(pending: dict[str, Any] | None) -> list[str]:
    """What is staged, each change with who made it and when."""
    lines = []
    for change in (pending or {}).get("changes") or []:
        at_ms = change.get("at_ms")
        when = f", {local_text(at_ms)}" if at_ms is not None else ""
        lines.append(f"PENDING: {_cell(change.get('what'))} (by {_cell(change.get('by'))}{when}); a reboot applies it")
    return lines


def _session(record: dict[str, Any]) -> tuple[object, ...]:
    energy = energy_wh(record)
    shown = None if energy is None else f"{energy / 1000:.3f}"
    connector = (record.get("where") or {}).get("connector")
    times = (_local(record.get("started_at")), _local(record.get("stopped_at")))
    return (connector, record.get("token"), *times, shown, record.get("stop_reason"))


def _receipt(receipt: dict[str, Any]) -> tuple[object, ...]:
    states = f"start {_cell(receipt.get('start'))}, stop {_cell(receipt.get('stop'))}" if receipt else NOTHING
    further = [f"{receipt[name]} {name}" for name in ("waiting", "parked") if receipt.get(name)]
    further += [f"{receipt['attempts']} failed attempts"] if receipt.get("attempts") else []
    why = [receipt["why"]] if receipt.get("why") else []
    return (receipt.get("upstream"), receipt.get("foreign_id"), ", ".join([states, *further, *why]))


def _time(moment: dict[str, Any] | None) -> str:
    wall_ms = moment.get("wall_ms") if moment else None
    return iso8601(wall_ms) if wall_ms is not None else NOTHING


def _local(moment: dict[str, Any] | None) -> str:
    wall_ms = moment.get("wall_ms") if moment else None
    return local_text(wall_ms) if wall_ms is not None else NOTHING


def _unit(value: float | None, unit: str) -> str:
    return NOTHING if value is None else f"{value:g} {unit}"
