"""What a conversation collects for the world."""

from __future__ import annotations

from agent.links.output import Output
from tests.agent.links.conftest import UPSTREAM


def test_what_a_peer_can_cause_at_will_is_noted_ever_more_rarely() -> None:
    output = Output(UPSTREAM)
    for _ in range(12_345):
        output.note_rarely("frame_dropped", "noise")
    assert [note.text.split("number ")[1].split()[0] for note in output.notes] == ["1", "10", "100", "1000", "10000"]
    output.new_link()
    output.note_rarely("frame_dropped", "noise")
    assert len(output.notes) == 6
    assert {note.upstream for note in output.notes} == {UPSTREAM}


def test_a_new_link_voids_what_was_meant_for_the_old_one() -> None:
    output = Output(UPSTREAM)
    output.texts.append("for the old link")
    output.new_link()
    assert not output.texts
