"""Notes become lines of the closed list, whatever they are about."""

from __future__ import annotations

import io

import pytest

from agent.host.logs import Log
from agent.runtime.clock import ClockChange, ClockDifference, TimeSource
from agent.runtime.narrator import LINK_EVENTS, Narrator
from agent.vocabulary.effects import Note
from agent.vocabulary.ids import MANAGEMENT, ConnectorId
from agent.vocabulary.notes import StationNote


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def narrator(stream: io.StringIO) -> Narrator:
    return Narrator(Log(stream, strict=True))


@pytest.mark.parametrize("note", list(StationNote))
def test_every_note_of_the_station_has_its_line(narrator: Narrator, stream: io.StringIO, note: StationNote) -> None:
    narrator.note(Note(note, "so it was", ConnectorId(1), MANAGEMENT))
    assert stream.getvalue().startswith(f"{note.value}: ")
    assert "so it was" in stream.getvalue()


@pytest.mark.parametrize("event", [*LINK_EVENTS, "something_new"])
def test_every_note_of_a_link_has_its_line(narrator: Narrator, stream: io.StringIO, event: str) -> None:
    narrator.note(Note(event, "so it was", upstream=MANAGEMENT))
    assert stream.getvalue().startswith("upstream.")
    assert "management" in stream.getvalue()


def test_a_refusal_is_told_once_until_its_reason_or_the_link_changes(narrator: Narrator, stream: io.StringIO) -> None:
    for _ in range(3):
        narrator.note(Note("link_refused", "http: 401", upstream=MANAGEMENT))
    narrator.note(Note("link_refused", "http: 404", upstream=MANAGEMENT))
    narrator.note(Note("link_up", "connected", upstream=MANAGEMENT))
    narrator.note(Note("link_refused", "http: 404", upstream=MANAGEMENT))
    assert stream.getvalue().count("upstream.refused") == 3


def test_the_clock_says_who_set_it_and_how_far_it_jumped(narrator: Narrator, stream: io.StringIO) -> None:
    narrator.clock(ClockChange(True, 5, 0, TimeSource.NTP))
    narrator.clock(ClockChange(False, 5, 4_000, TimeSource.NTP))
    assert "clock.fixed: wall time known from ntp" in stream.getvalue()
    assert "clock.stepped: wall time stepped by 4000 ms by ntp" in stream.getvalue()


@pytest.mark.rule("two-upstreams.clock")
def test_a_source_that_contradicts_the_clock_has_its_line(narrator: Narrator, stream: io.StringIO) -> None:
    narrator.clock(ClockDifference(TimeSource.BILLING_PLAIN, 6_000))
    narrator.clock(ClockDifference(TimeSource.BILLING_PLAIN, None))
    assert "clock.differs: the wall time of billing_plain differs by 6000 ms" in stream.getvalue()
    assert "clock.refused: a wall time from billing_plain is not believed" in stream.getvalue()
