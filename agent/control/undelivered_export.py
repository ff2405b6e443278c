"""What an upstream has not got, for spreadsheets and programs: one line or object for each message. Pure.

Columns, in this order; a later release may only add some at the end:

    place            number that grows with the messages
    state            waiting, or given_up (a person may offer it again: stationctl reoffer)
    message          start, sample or stop of a transaction; sample also for meter values outside of one
    attempts         how often it was tried in vain
    why              why it was given up
    transaction      id of the session on this station; empty outside of one
    id_there         id of the transaction at the upstream, if it gave one
    connector        number of the connector
    card             the card: masked, unless it was asked for
    started          time of the start, UTC, ISO 8601; empty while the station does not know the time
    stopped          time of the end; empty while the session runs
    meter_start_wh   register of the meter at the start, in Wh
    meter_stop_wh    register of the meter at the end, in Wh
    stop_reason      why it ended, in the words of OCPP 1.6 7.36
    content          the message as it would be sent (JSON, a list); while it waits for wall time or for `id_there`:
                     what happened (JSON, an object)
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from agent.control.receipts_csv import harmless
from agent.control.text_table import table
from agent.store.undelivered import UndeliveredMessage
from agent.vocabulary.ids import IdToken
from agent.vocabulary.moments import Moment, iso8601

_CARDS = ("idTag", "parentIdTag", "token", "parent", "stop_token")
"""Fields of OCPP 1.6, and of our own events."""


@dataclass(frozen=True, slots=True)
class ExportedMessage:
    """One message as it goes over the control socket; the fields are the columns."""

    place: int
    state: str
    message: str
    attempts: int
    why: str
    transaction: str
    id_there: str
    connector: int | None
    card: str
    started: str
    stopped: str
    meter_start_wh: int | None
    meter_stop_wh: int | None
    stop_reason: str
    content: Any
    """A list, as OCPP-J has it, or an object."""


COLUMNS = tuple(one.name for one in fields(ExportedMessage))


def exported(held: UndeliveredMessage, with_cards: bool) -> ExportedMessage:
    """A message of the store for the socket: cards masked, and what a meter signed by its digest, unless wanted."""
    record = held.transaction
    content = _parsed(held.frame if held.frame is not None else held.event)
    return ExportedMessage(
        held.place,
        "given_up" if held.given_up else "waiting",
        held.kind.value,
        held.attempts,
        held.why,
        "" if record is None else str(record.id),
        held.foreign_id or "",
        None if record is None else record.where.connector,
        "" if record is None else record.token.value if with_cards else record.token.masked,
        "" if record is None else _time(record.started_at),
        "" if record is None else _time(record.stopped_at),
        None if record is None else record.meter_start_wh,
        None if record is None else record.meter_stop_wh,
        "" if record is None or record.stop_reason is None else record.stop_reason.value,
        content if with_cards else _masked(content),
    )


def all_messages(call: Callable[..., Any], upstream: str, with_cards: bool) -> list[dict[str, Any]]:
    """Page by page from the socket. `call` is `Client.call`; raises what it raises."""
    found: list[dict[str, Any]] = []
    while True:
        behind = found[-1]["place"] if found else 0
        page = call("export", upstream=upstream, with_cards=with_cards, behind=behind)
        if not page:
            return found
        found += page


def export_csv(messages: Sequence[Mapping[str, Any]]) -> str:
    """As CSV with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in messages:
        content = one.get("content")
        told = {**one, "content": "" if content is None else json.dumps(content, separators=(",", ":"))}
        writer.writerow(harmless(told.get(column)) for column in COLUMNS)
    return text.getvalue().rstrip("\n")


def export_text(messages: Sequence[Mapping[str, Any]]) -> str:
    """As a table for a terminal: without the content."""
    if not messages:
        return "It has got everything."
    header = ("message", "state", "transaction", "id there", "connector", "card", "started", "attempts", "why")
    names = ("message", "state", "transaction", "id_there", "connector", "card", "started", "attempts", "why")
    return table(header, [[one.get(name) for name in names] for one in messages])


def _parsed(text: str | None) -> Any:
    """None for what cannot be read: a card in it could not be masked."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return None


def _masked(content: Any) -> Any:
    if isinstance(content, dict):
        signed = "value" if content.get("format") == "SignedData" else "data" if "encoding" in content else ""
        return {name: _digest(held) if name == signed else _hidden(name, held) for name, held in content.items()}
    return [_masked(one) for one in content] if isinstance(content, list) else content


def _hidden(name: str, held: Any) -> Any:
    """A field of a message or an event: a card in it is masked."""
    if name in _CARDS and isinstance(held, str):
        return IdToken(held).masked
    if name in _CARDS and isinstance(held, dict):
        return {**held, "value": IdToken(str(held.get("value"))).masked}
    return _masked(held)


def _digest(signed: Any) -> str:
    return "sha256:" + hashlib.sha256(str(signed).encode()).hexdigest()


def _time(moment: Moment | None) -> str:
    return "" if moment is None or moment.wall_ms is None else iso8601(moment.wall_ms)
