from __future__ import annotations

from enum import StrEnum

import pytest

from agent.settings.fields import Source
from agent.settings.problems import SettingsError


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def problems_of(source: Source) -> list[str]:
    return [str(problem) for problem in source.problems]


def test_good_values_come_out_with_their_types() -> None:
    root = Source("f.toml", 'a = "x"\nb = 2\nc = 1.5\nd = true\ne = "blue"\nf = [1, 2]\n').root()
    assert root.text("a") == "x"
    assert root.integer("b", 1, 3) == 2
    assert root.number("c", 0, 2) == 1.5
    assert root.boolean("d", False) is True
    assert root.choice("e", Colour, Colour.RED) is Colour.BLUE
    assert root.integers("f", ()) == (1, 2)
    root.finish()


def test_a_missing_value_takes_its_default_or_is_complained_of() -> None:
    source = Source("f.toml", "")
    root = source.root()
    assert root.integer("there", 1, 9, default=4) == 4
    root.text("vendor")
    assert problems_of(source) == ['f.toml: vendor: is missing; write vendor = "..."']


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("b = true", "f.toml:1: b: True is not possible; use a whole number from 1 to 3"),
        ("b = 4", "f.toml:1: b: 4 is not possible; use a whole number from 1 to 3"),
        ("b = 1.0", "f.toml:1: b: 1.0 is not possible; use a whole number from 1 to 3"),
        ('b = "2"', 'f.toml:1: b: "2" is not possible; use a whole number from 1 to 3'),
    ],
)
def test_a_bad_integer_is_told_with_line_field_value_and_remedy(text: str, expected: str) -> None:
    source = Source("f.toml", text)
    source.root().integer("b", 1, 3)
    assert problems_of(source) == [expected]


def test_all_problems_of_a_file_are_told_at_once() -> None:
    source = Source("f.toml", 'a = 1\nb = "x"\nc = "green"\nd = 1\n')
    root = source.root()
    root.text("a")
    root.integer("b", 0, 1)
    root.choice("c", Colour, Colour.RED)
    root.boolean("d", False)
    with pytest.raises(SettingsError) as caught:
        source.check()
    assert [problem.line for problem in caught.value.problems] == [1, 2, 3, 4]


def test_an_unknown_field_is_an_error_with_the_nearest_known_one() -> None:
    source = Source("f.toml", '[s]\nvendro = "x"\n')
    table = source.root().table("s")
    table.text("vendor", default="")
    table.finish()
    assert problems_of(source) == ["f.toml:2: s.vendro: is not a known field; did you mean vendor?"]


def test_control_characters_of_a_value_never_reach_a_message() -> None:
    source = Source("f.toml", 'a = "x\\u001b[31m\\u2028"\n')
    source.root().text("a")
    (message,) = problems_of(source)
    assert message.isprintable()


@pytest.mark.parametrize("text", ["a = ", "a = 1\na = 2", "[a]\n[a]", "\x00", "a = " + "[" * 5_000])
def test_what_is_no_toml_is_refused_with_its_file(text: str) -> None:
    with pytest.raises(SettingsError, match=r"f\.toml"):
        Source("f.toml", text)


def test_a_syntax_error_names_its_line() -> None:
    with pytest.raises(SettingsError) as caught:
        Source("f.toml", "a = 1\nb = = 2\n")
    assert caught.value.problems[0].line == 2
