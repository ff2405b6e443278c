"""Sessions for spreadsheets and programs: stable columns, one line or object for each session. Pure.

Columns, in this order; a later release may only add some at the end:

    transaction      id of the session on this station
    connector        number of the connector
    card             the card, masked
    started          time of the start, UTC, ISO 8601; empty while the station does not know the time
    stopped          time of the end; empty while the session runs
    energy_kwh       energy so far, or of all the session, in kWh with three decimals
    meter_start_wh   register of the meter at the start, in Wh
    meter_stop_wh    register of the meter at the end, in Wh
    stop_reason      why it ended, in the words of OCPP 1.6 7.36
    upstreams        CSV: "name state id-there" for each upstream, joined by "; "; JSON: a list of objects with
                     upstream, state, id_there, start, stop, messages_waiting, messages_given_up, why
    signed           what the meter signed, by its SHA-256 digest (it names the card); empty without a signature

A state is delivered, waiting (some of it is still to be sent), given_up (a person may offer it again), or dropped.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from agent.control.receipts_csv import DELIVERED, harmless
from agent.vocabulary.moments import iso8601

COLUMNS = (
    "transaction",
    "connector",
    "card",
    "started",
    "stopped",
    "energy_kwh",
    "meter_start_wh",
    "meter_stop_wh",
    "stop_reason",
    "upstreams",
    "signed",
)
_GIVEN_UP = ("parked", "session_parked")


def sessions_csv(sessions: Sequence[Mapping[str, Any]]) -> str:
    """The answers to `sessions` as CSV with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for session in sessions:
        row = _session(session)
        names = [f"{one['upstream']} {one['state']} {one['id_there'] or ''}".strip() for one in row["upstreams"]]
        energy = row["energy_kwh"]
        told = {**row, "upstreams": "; ".join(names), "energy_kwh": None if energy is None else f"{energy:.3f}"}
        writer.writerow(harmless(told[column]) for column in COLUMNS)
    return text.getvalue().rstrip("\n")


def sessions_json(sessions: Sequence[Mapping[str, Any]]) -> str:
    """The answers to `sessions` as a JSON list."""
    return json.dumps([_session(session) for session in sessions], indent=2)


def energy_wh(record: Mapping[str, Any]) -> int | None:
    """What a session has charged so far, in Wh; None if it is not known."""
    started, stopped = record.get("meter_start_wh"), record.get("meter_stop_wh")
    last = stopped if stopped is not None else record.get("last_energy_wh")
    return last - started if last is not None and started is not None else None


def state(receipt: Mapping[str, Any]) -> str:
    """What became of a session at one upstream, in a word."""
    start, stop = receipt.get("start"), receipt.get("stop")
    if receipt.get("waiting") or "queued" in (start, stop):
        return "waiting"
    if receipt.get("parked") or start in _GIVEN_UP or stop in _GIVEN_UP:
        return "given_up"
    if "dropped" in (start, stop):
        return "dropped"
    return "delivered" if start == DELIVERED and stop == DELIVERED else "waiting"


def _session(session: Mapping[str, Any]) -> dict[str, Any]:
    record = session.get("transaction") or {}
    energy = energy_wh(record)
    return {
        "transaction": record.get("id"),
        "connector": (record.get("where") or {}).get("connector"),
        "card": record.get("token"),
        "started": _time(record.get("started_at")),
        "stopped": _time(record.get("stopped_at")),
        "energy_kwh": None if energy is None else energy / 1000,
        "meter_start_wh": record.get("meter_start_wh"),
        "meter_stop_wh": record.get("meter_stop_wh"),
        "stop_reason": record.get("stop_reason"),
        "upstreams": [_upstream(receipt) for receipt in session.get("receipts") or []],
        "signed": (record.get("signed") or {}).get("sha256"),
    }


def _upstream(receipt: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "upstream": receipt.get("upstream"),
        "state": state(receipt),
        "id_there": receipt.get("foreign_id"),
        "start": receipt.get("start"),
        "stop": receipt.get("stop"),
        "messages_waiting": receipt.get("waiting", 0),
        "messages_given_up": receipt.get("parked", 0),
        "why": receipt.get("why"),
    }


def _time(moment: Mapping[str, Any] | None) -> str | None:
    wall_ms = moment.get("wall_ms") if moment else None
    return None if wall_ms is None else iso8601(wall_ms)
