"""Exports of sessions: columns that stay, numbers as they are, cards masked, nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from typing import Any

import pytest

from agent.control.rendering import plain
from agent.control.session_pages import PAGE, all_sessions
from agent.control.sessions_export import COLUMNS, sessions_csv, sessions_json
from agent.vocabulary.signing import SignedValue

SESSION = {
    "transaction": {
        "id": "5c1f",
        "where": {"evse": 1, "connector": 2},
        "token": "=A***",
        "started_at": {"boot": 1, "monotonic_ms": 5, "wall_ms": 1_700_000_000_000},
        "stopped_at": {"boot": 1, "monotonic_ms": 9, "wall_ms": 1_700_003_600_000},
        "meter_start_wh": 1_000,
        "last_energy_wh": 8_000,
        "meter_stop_wh": 8_305,
        "stop_reason": "EVDisconnected",
    },
    "receipts": [
        {"upstream": "management", "start": "acknowledged", "stop": "acknowledged", "waiting": 0, "foreign_id": "41"},
        {"upstream": "primary-1", "start": "parked", "stop": "acknowledged", "parked": 1, "why": "GenericError"},
    ],
}


@pytest.mark.rule("product.N14")
def test_a_spreadsheet_gets_one_line_for_each_session() -> None:
    (line,) = csv.DictReader(io.StringIO(sessions_csv([SESSION])))
    assert line == {
        "transaction": "5c1f",
        "connector": "2",
        "card": "'=A***",
        "started": "2023-11-14T22:13:20.000Z",
        "stopped": "2023-11-14T23:13:20.000Z",
        "energy_kwh": "7.305",
        "meter_start_wh": "1000",
        "meter_stop_wh": "8305",
        "stop_reason": "EVDisconnected",
        "upstreams": "management delivered 41; primary-1 given_up",
        "signed": "",
    }
    assert tuple(line) == COLUMNS


def test_a_program_gets_the_same_with_each_upstream_as_an_object() -> None:
    (one,) = json.loads(sessions_json([SESSION]))
    assert tuple(one) == COLUMNS
    assert one["energy_kwh"] == 7.305
    assert [u["state"] for u in one["upstreams"]] == ["delivered", "given_up"]
    assert one["upstreams"][0]["id_there"] == "41"
    assert one["upstreams"][1]["why"] == "GenericError"


def test_a_session_that_runs_or_that_nobody_explains_leaves_its_cells_empty() -> None:
    running = {"transaction": {"id": "r", "meter_start_wh": 100, "last_energy_wh": 350}, "receipts": []}
    first, second = csv.DictReader(io.StringIO(sessions_csv([running, {}])))
    assert (first["stopped"], first["energy_kwh"], first["meter_stop_wh"]) == ("", "0.250", "")
    assert set(second.values()) == {""}
    assert sessions_csv([]) == ",".join(COLUMNS)
    assert json.loads(sessions_json([])) == []


@pytest.mark.parametrize(
    ("receipt", "state"),
    [
        ({"start": "acknowledged", "stop": "acknowledged", "waiting": 2}, "waiting"),
        ({"start": "acknowledged", "stop": "queued"}, "waiting"),
        ({"start": "acknowledged", "stop": "none"}, "waiting"),
        ({"start": "session_parked", "stop": "parked"}, "given_up"),
        ({"start": "acknowledged", "stop": "acknowledged", "parked": 1}, "given_up"),
        ({"start": "dropped", "stop": "dropped"}, "dropped"),
        ({}, "waiting"),
    ],
)
def test_a_word_says_how_far_it_is_at_an_upstream(receipt: dict[str, Any], state: str) -> None:
    (one,) = json.loads(sessions_json([{"receipts": [receipt]}]))
    assert one["upstreams"][0]["state"] == state


@pytest.mark.parametrize(("there", "limit"), [(0, None), (7, 5), (PAGE, None), (3 * PAGE + 1, None), (900, PAGE + 1)])
def test_all_pages_together_are_every_session_once(there: int, limit: int | None) -> None:
    asked: list[int] = []

    def call(command: str, limit: int, connector: int, before: str = "") -> list[dict[str, Any]]:
        assert (command, connector) == ("sessions", 3)
        asked.append(limit)
        first = int(before) + 1 if before else 0
        return [{"transaction": {"id": str(number)}} for number in range(first, min(there, first + limit))]

    found = all_sessions(call, {"connector": 3}, limit)
    assert [one["transaction"]["id"] for one in found] == [str(n) for n in range(min(there, limit or there))]
    assert max(asked) <= PAGE


@pytest.mark.rule("ocpp16.X41")
def test_what_the_meter_signed_is_told_by_its_digest_since_it_names_the_card() -> None:
    data = 'OCMF|{"ID":"04A1B2C3D4E5F6"}|{}'
    told = plain(SignedValue(data, "OCMF", "3059"))
    assert told == {"encoding": "OCMF", "sha256": hashlib.sha256(data.encode()).hexdigest(), "public_key": "3059"}
    (one,) = json.loads(sessions_json([{"transaction": {"signed": told}}]))
    assert one["signed"] == told["sha256"]
    assert "04A1B2C3" not in repr(SignedValue(data, "OCMF", "3059"))
