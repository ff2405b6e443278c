"""What stands for a card stands for that card alone, and is not the card."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.rig.oracle_cards import unveiled
from tests.rig.oracle_sessions import Session

ONE = Session(1, "04a1", (7,), 1_000, 5_000, (), ())
TWO = replace(ONE, id_tag="04b2", began_ms=2_000)


def judged(*tags: str, known: tuple[str, ...] = ()) -> list[str]:
    told = [replace(session, id_tag=tag) for session, tag in zip((ONE, TWO), tags, strict=True)]
    shown, found = unveiled({"billing": [ONE, TWO], "energy": told}, "billing", {"energy"}, known, {})
    assert shown["energy"] == [ONE, TWO]
    return [finding.text for finding in found]


def test_a_pseudonym_for_each_card_is_right() -> None:
    assert judged("AAAA", "BBBB") == []


@pytest.mark.parametrize(
    ("tags", "expected"),
    [(("04A1", "BBBB"), "was told a card"), (("AAAA", "AAAA"), "do not stand for each other")],
)
def test_a_card_or_one_text_for_two_is_found(tags: tuple[str, str], expected: str) -> None:
    assert any(expected in text for text in judged(*tags))


def test_two_texts_for_one_card_are_found() -> None:
    books = {"billing": [ONE, replace(TWO, id_tag="04a1")]}
    books["energy"] = [replace(ONE, id_tag="A"), replace(TWO, id_tag="B")]
    assert unveiled(books, "billing", {"energy"}, (), {})[1]


def test_the_tag_of_a_free_connector_may_be_told() -> None:
    assert judged("04a1", "04b2", known=("04a1", "04b2")) == []


def test_who_accepted_a_card_itself_may_be_told_it() -> None:
    books = {"billing": [ONE], "energy": [ONE]}
    assert unveiled(books, "billing", {"energy"}, (), {})[1]
    assert not unveiled(books, "billing", {"energy"}, (), {"energy": {ONE.id_tag.casefold()}})[1]
