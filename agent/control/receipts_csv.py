"""What upstreams were not delivered, as CSV for the books: one line for each session and upstream. Pure."""

from __future__ import annotations

import csv
import io
from typing import Any

from agent.vocabulary.moments import iso8601

DELIVERED = "acknowledged"
COLUMNS = (
    "upstream",
    "transaction",
    "id_there",
    "connector",
    "card",
    "started",
    "stopped",
    "meter_start_wh",
    "meter_stop_wh",
    "stop_reason",
    "start",
    "stop",
    "messages_waiting",
    "messages_given_up",
    "why",
    "attempts",
)


def undelivered(sessions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The sessions that an upstream has not got whole, each with the receipts of such upstreams alone."""
    found = []
    for session in sessions:
        receipts = [receipt for receipt in session.get("receipts") or [] if not _is_delivered(receipt)]
        if receipts:
            found.append({**session, "receipts": receipts})
    return found


def receipts_csv(sessions: list[dict[str, Any]]) -> str:
    """The answer to `sessions`, what is delivered left out. Cards are masked there already."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for session in undelivered(sessions):
        record = session.get("transaction") or {}
        for receipt in session["receipts"]:
            writer.writerow(_row(record, receipt))
    return text.getvalue().rstrip("\n")


def _is_delivered(receipt: dict[str, Any]) -> bool:
    return receipt.get("start") == receipt.get("stop") == DELIVERED and not receipt.get("waiting")


def _row(record: dict[str, Any], receipt: dict[str, Any]) -> tuple[object, ...]:
    return tuple(
        harmless(value)
        for value in (
            receipt.get("upstream"),
            record.get("id"),
            receipt.get("foreign_id"),
            (record.get("where") or {}).get("connector"),
            record.get("token"),
            _time(record.get("started_at")),
            _time(record.get("stopped_at")),
            record.get("meter_start_wh"),
            record.get("meter_stop_wh"),
            record.get("stop_reason"),
            receipt.get("start"),
            receipt.get("stop"),
            receipt.get("waiting", 0),
            receipt.get("parked", 0),
            receipt.get("why"),
            receipt.get("attempts", 0),
        )
    )


def _time(moment: dict[str, Any] | None) -> str:
    wall_ms = moment.get("wall_ms") if moment else None
    return iso8601(wall_ms) if wall_ms is not None else ""


def harmless(value: object) -> object:
    """A text from a backend that a spreadsheet would take for a formula becomes a text again."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
