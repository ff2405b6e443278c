"""The page of who may do what is made from the tables, and leaves nothing out."""

from __future__ import annotations

from agent.station.upstreams.fanout import EventKind
from agent.vocabulary.commands import CommandKind
from agent.vocabulary.options import Scope
from agent.vocabulary.upstreams import Asker
from tests.rig.roles import EVENTS, MESSAGES, NAMES, SCOPES, TARGET, text


def test_the_page_of_roles_is_made_from_the_tables() -> None:
    assert TARGET.read_text("utf-8") == text(), "run: python -m tests.rig.roles"


def test_every_row_and_column_of_the_tables_is_on_the_page() -> None:
    assert set(MESSAGES) == set(CommandKind)
    assert set(EVENTS) == set(EventKind)
    assert set(SCOPES) == set(Scope)
    assert set(NAMES) == set(Asker)
