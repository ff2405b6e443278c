"""The pictures of the state tables are those of the tables."""

from __future__ import annotations

from tests.rig.diagrams import TARGET, text


def test_the_page_of_states_is_made_from_the_tables() -> None:
    assert TARGET.read_text("utf-8") == text(), "run: python -m tests.rig.diagrams"
