from __future__ import annotations

import io
import os

import pytest

from agent.host.log_events import EVENTS, Level
from agent.host.logs import LONGEST_LINE, Log, UnknownEventError, is_under_journald
from agent.vocabulary.ids import IdToken, Secret
from agent.vocabulary.notes import StationNote


def logged(event: str, prefixes: bool = False, **fields: object) -> str:
    stream = io.StringIO()
    Log(stream, prefixes=prefixes)(event, **fields)
    return stream.getvalue()


def test_a_line_has_id_text_and_further_fields() -> None:
    line = logged("upstream.refused", upstream="primary", reason="401", attempt=3, nothing=None)
    assert line == "upstream.refused: primary: connection failed: 401 attempt=3\n"


def test_journald_gets_the_level_in_front() -> None:
    assert logged("upstream.refused", prefixes=True, upstream="p", reason="r").startswith("<4>upstream.refused")
    assert logged("agent.failed", prefixes=True, task="engine", error="x").startswith("<2>")


@pytest.mark.rule("security.ATK-24")
def test_no_value_breaks_a_line_or_fills_the_log() -> None:
    line = logged("upstream.lost", upstream="p\n<0>forged", reason="\x1b[31m\u2028\0" + "x" * 10_000)
    assert line.count("\n") == 1
    assert line[:-1].isprintable()
    assert len(line) <= LONGEST_LINE + 1


def test_a_value_is_not_taken_for_a_place_to_fill() -> None:
    line = logged("upstream.refused", upstream="{reason}", reason="secret-free")
    assert line == "upstream.refused: {reason}: connection failed: secret-free\n"


@pytest.mark.rule("security.PROM-17")
def test_cards_and_secrets_are_masked() -> None:
    line = logged("agent.ready", who=IdToken("04CANARY"), what=Secret("canary"), password="canary", id_token="canary")
    assert "canary" not in line.lower()
    assert "who=04***" in line


def test_an_unknown_event_or_a_missing_field_is_an_error_in_tests_and_a_line_in_the_field() -> None:
    strict = Log(io.StringIO(), strict=True)
    with pytest.raises(UnknownEventError):
        strict("nothing.like_this")
    with pytest.raises(UnknownEventError, match="reason"):
        strict("upstream.lost", upstream="p")
    assert logged("nothing.like_this", a=1) == (
        "log.unknown_event: an event without a row in the list was logged: nothing.like_this a=1\n"
    )
    assert logged("upstream.lost", upstream="p") == "upstream.lost: p: connection lost: ?\n"


def test_lines_below_the_wanted_level_are_left_out() -> None:
    stream = io.StringIO()
    Log(stream, least=Level.WARNING)("agent.ready")
    assert stream.getvalue() == ""


def test_a_stream_that_is_gone_hurts_nobody() -> None:
    stream = io.StringIO()
    stream.close()
    Log(stream)("agent.ready")


def test_every_row_is_well_formed() -> None:
    for event in EVENTS.values():
        area, dot, what = event.id.partition(".")
        assert dot
        assert area.isidentifier()
        assert what.isidentifier()
        assert "{" not in event.text.replace("{", "", len(event.fields))
        assert event.text.isprintable()


def test_everything_that_the_station_notes_has_a_row() -> None:
    assert [note for note in StationNote if note.value not in EVENTS] == []
    assert logged("station.fault", text="ground", connector=1) == "station.fault: fault: ground connector=1\n"


def test_journald_is_known_by_the_descriptor_it_connected() -> None:
    with open(os.devnull, "wb") as stream:
        status = os.fstat(stream.fileno())
        here = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        assert is_under_journald(here, stream.fileno())
        assert not is_under_journald({"JOURNAL_STREAM": "1:2"}, stream.fileno())
        assert not is_under_journald({}, stream.fileno())
