"""The export of what an upstream has not got: cards masked unless they are wanted, for spreadsheets and programs."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent import stationctl
from agent.control.rendering import render_result
from agent.control.undelivered_export import COLUMNS, all_messages, export_csv, export_text, exported
from agent.store.codec import to_json
from agent.store.undelivered import UndeliveredMessage
from agent.vocabulary.events import StopReason, TransactionStopped, Trigger
from agent.vocabulary.ids import IdToken, TransactionId, UpstreamId
from agent.vocabulary.outbox import RowKind
from agent.vocabulary.records import TransactionRecord
from agent.vocabulary.signing import SignedValue
from tests.rig.sessions import WHERE, moment

CARD = "04A1B2C3D4E5F6"
FRAME = json.dumps([2, "m1", "StartTransaction", {"connectorId": 1, "idTag": CARD, "meterStart": 10}])
RECORD = TransactionRecord(
    TransactionId("t1"), WHERE, IdToken(CARD), UpstreamId("primary"), moment(1, 0), 10, Trigger.AUTHORIZED
)
ENDED = replace(RECORD, stopped_at=moment(1, 60_000), meter_stop_wh=1_510, stop_reason=StopReason.LOCAL)
STOPPED = TransactionStopped(
    TransactionId("t1"),
    WHERE,
    moment(1, 60_000),
    1_510,
    StopReason.LOCAL,
    Trigger.STOP_AUTHORIZED,
    IdToken(CARD),
    signed=SignedValue(f"OCMF|{CARD}", "OCMF", "00"),
)
SIGNED = json.dumps([2, "m3", "StopTransaction", {"s": [{"format": "SignedData", "value": f"OCMF|{CARD}"}]}])
MESSAGES = [
    UndeliveredMessage(1, "m1", RowKind.START, 3, True, "=1+1", ENDED, None, FRAME, None),
    UndeliveredMessage(2, "m2", RowKind.STOP, 0, False, "", ENDED, None, None, to_json(STOPPED)),
    UndeliveredMessage(3, "m3", RowKind.STOP, 0, False, "", ENDED, None, SIGNED, None),
    UndeliveredMessage(4, "m4", RowKind.SAMPLE, 0, False, "", None, None, "no JSON " + CARD, None),
]


def answer(with_cards: bool = False) -> list[dict[str, Any]]:
    """As it comes out of the socket."""
    rows: list[dict[str, Any]] = json.loads(render_result([exported(one, with_cards) for one in MESSAGES]))["result"]
    return rows


@pytest.mark.rule("two-upstreams.RC04")
def test_no_card_is_told_unless_it_is_wanted() -> None:
    shown = answer()
    assert CARD not in json.dumps(shown)
    assert [one["card"] for one in shown] == ["04***", "04***", "04***", ""]
    assert shown[0]["content"][3] == {"connectorId": 1, "idTag": "04***", "meterStart": 10}
    assert shown[2]["content"][3]["s"][0]["value"].startswith("sha256:")
    full = answer(with_cards=True)
    assert json.dumps(full[:3]).count(CARD) == 3 + 4
    assert full[0]["content"] == json.loads(FRAME)


@pytest.mark.rule("two-upstreams.RC04")
def test_a_line_for_each_message_that_no_spreadsheet_runs() -> None:
    lines = list(csv.DictReader(io.StringIO(export_csv(answer()))))
    assert [tuple(line) for line in lines] == [COLUMNS] * 4
    assert [line["state"] for line in lines] == ["given_up", "waiting", "waiting", "waiting"]
    first = lines[0]
    assert (first["why"], first["attempts"], first["transaction"]) == ("'=1+1", "3", "t1")
    assert (first["meter_start_wh"], first["meter_stop_wh"], first["stop_reason"]) == ("10", "1510", "Local")
    assert first["started"].endswith("Z")
    assert json.loads(first["content"])[2] == "StartTransaction"
    assert export_csv([]) == ",".join(COLUMNS)


def test_a_table_for_people() -> None:
    lines = export_text(answer()).splitlines()
    assert lines[0].split()[:3] == ["message", "state", "transaction"]
    assert lines[1].split()[:3] == ["start", "given_up", "t1"]
    assert export_text([]) == "It has got everything."


def test_all_pages_are_asked_for() -> None:
    asked: list[dict[str, object]] = []

    def call(command: str, **fields: object) -> list[dict[str, object]]:
        asked.append(fields)
        return [{"place": 7}, {"place": 9}] if len(asked) == 1 else []

    assert len(all_messages(call, "primary-1", True)) == 2
    assert [one["behind"] for one in asked] == [0, 9]
    assert asked[0] == {"upstream": "primary-1", "with_cards": True, "behind": 0}


@pytest.mark.parametrize(("option", "seen"), [([], "given_up"), (["--csv"], "place,state"), (["--json"], '"place": 1')])
def test_the_command_shows_it(
    option: list[str], seen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Client:
        def __init__(self, path: str) -> None:
            self.pages = [answer()]

        def __enter__(self) -> Client:
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def call(self, command: str, **fields: object) -> list[dict[str, Any]]:
            assert (command, fields["with_cards"]) == ("export", False)
            return self.pages.pop() if self.pages else []

    monkeypatch.setattr(stationctl, "Client", Client)
    assert stationctl.main(["export", "primary-1", *option]) == 0
    assert seen in capsys.readouterr().out
