"""The book of rules and the tests agree."""

from __future__ import annotations

from tests.rig import rules

BOOK = rules.read_book(rules.BOOK.read_text(encoding="utf-8"))
FILES = rules.test_files()
MARKED = rules.marked_tests(FILES)


def _span(prefix: str, first: int, last: int) -> set[str]:
    return {f"ocpp16.{prefix}{number:02d}" for number in range(first, last + 1)}


OWED = (
    _span("T", 1, 10)
    | _span("K", 1, 8)
    | _span("B", 1, 7)
    | _span("X", 1, 6)
    | _span("X", 10, 10)
    | _span("X", 13, 13)
    | _span("X", 20, 26)
    | _span("X", 70, 77)
    | _span("S", 10, 12)
    | _span("S", 20, 22)
    | _span("J", 1, 13)
    | {f"INV-{number}" for number in range(1, 8)}
    | {"product.N6", "product.A8", "product.A9", "product.A10"}
)
"""What this release owes."""


def test_every_marker_names_a_rule_of_the_book() -> None:
    assert {rule: tests for rule, tests in MARKED.items() if rule not in BOOK.says} == {}


def test_every_rule_owed_is_in_the_book() -> None:
    assert sorted(OWED - set(BOOK.says)) == []


def test_every_rule_is_carried_or_open_with_a_reason() -> None:
    assert [rule for rule in BOOK.says if not MARKED.get(rule) and not BOOK.open.get(rule)] == []


def test_every_listed_test_exists() -> None:
    existing = rules.existing_tests(FILES)
    assert [(r, t) for r, tests in BOOK.tests.items() for t in tests if t not in existing] == []


def test_lists_are_those_of_the_markers() -> None:
    fresh = rules.refreshed(BOOK, MARKED)
    stale = [rule for rule in BOOK.says if BOOK.tests[rule] != fresh.tests[rule]]
    assert stale == [], "run: python -m tests.rig.rules"
    assert sorted(set(BOOK.open) - set(fresh.open)) == [], "carried, yet called open; run: python -m tests.rig.rules"


def test_open_rules_are_rules() -> None:
    assert sorted(set(BOOK.open) - set(BOOK.says)) == []


def test_markers_are_found_wherever_they_stand() -> None:
    source = """
import pytest
pytestmark = [pytest.mark.rung3, pytest.mark.rule("m")]
@pytest.mark.rule("a", "b")
def test_one(): ...
@pytest.mark.rule("c")
class TestGroup:
    @pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.rule("d"))])
    async def test_two(self, x): ...
    def helper(self): ...
"""
    one, two = "t.py::test_one", "t.py::TestGroup::test_two"
    assert rules.marked_tests({"t.py": source}) == {"m": [one, two], "a": [one], "b": [one], "c": [two], "d": [two]}
    assert rules.existing_tests({"t.py": source}) == {one, two}


def test_a_book_survives_writing() -> None:
    book = rules.Book({"x.1": 'it "says" so', "x.2": "…"}, {"x.1": ["t.py::a", "t.py::b"], "x.2": []}, {"x.2": "why"})
    assert rules.read_book(rules.write_book(book)) == book


def test_what_is_carried_is_no_longer_open() -> None:
    book = rules.Book({"x.1": "a", "x.2": "b"}, {"x.1": ["gone"], "x.2": []}, {"x.1": "later", "x.2": "later"})
    fresh = rules.refreshed(book, {"x.2": ["t.py::a"]})
    assert (fresh.tests, fresh.open) == ({"x.1": [], "x.2": ["t.py::a"]}, {"x.1": "later"})
