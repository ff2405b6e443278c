"""What was not delivered, for the books: all of it, nothing else, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from agent.control.receipts_csv import COLUMNS, receipts_csv, undelivered
from agent.control.rendering import render_result
from agent.control.tables import undelivered_text
from agent.store.database import Database
from agent.store.store import Store
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.records import Acknowledge, Park
from tests.rig.sessions import ACCEPTED, render, session

M, P = UpstreamId("management"), UpstreamId("primary")


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.rule("two-upstreams.RC04")
def test_a_line_for_each_session_and_upstream_that_has_not_got_it_whole(tmp_path: Path) -> None:
    store = Store(Database(tmp_path / "state.db"), render)
    store.open("boot-1")
    store.commit(list(session((M, P), 0, samples=1, online=False)))
    while (row := store.head(M)) is not None:
        store.commit([Record((Acknowledge(M, row.message_id, row.transaction, "41", ACCEPTED),), True)])
    head = store.head(P)
    assert head is not None
    store.commit([Record((Park(P, head.message_id, "=HYPERLINK(1)"),), True)])
    answer = json.loads(render_result(store.sessions()))["result"]
    store.close()
    (line,) = rows(receipts_csv(answer))
    assert tuple(line) == COLUMNS
    assert (line["upstream"], line["transaction"], line["id_there"]) == ("primary", head.transaction, "")
    assert (line["start"], line["stop"], line["messages_waiting"], line["messages_given_up"]) == (
        "parked",
        "queued",
        "2",
        "1",
    )
    assert (line["meter_start_wh"], line["meter_stop_wh"], line["stop_reason"]) == ("1000000", "1001830", "Local")
    assert line["started"].endswith("Z")
    assert "04A1B2C3D4E5F6" not in line["card"]
    assert (line["why"], line["attempts"]) == ("'=HYPERLINK(1)", "0")
    assert "primary" in undelivered_text(answer)
    assert "management" not in undelivered_text(answer)


def test_where_everything_is_delivered_there_is_nothing_but_the_names_of_the_columns() -> None:
    done = [{"receipts": [{"upstream": "management", "start": "acknowledged", "stop": "acknowledged", "waiting": 0}]}]
    assert receipts_csv(done) == ",".join(COLUMNS)
    assert undelivered_text(done) == "Everything is delivered."
    assert undelivered([]) == []


def test_what_another_release_does_not_send_is_left_empty() -> None:
    (line,) = rows(receipts_csv([{"receipts": [{"upstream": "x"}]}]))
    assert (line["upstream"], line["started"], line["card"]) == ("x", "", "")
