"""Feeds and the grid meter in the factory file."""

from __future__ import annotations

import pytest

from agent.settings.fields import Source
from agent.settings.problems import SettingsError
from agent.settings.supply import Supply, read_supply
from agent.vocabulary.feeds import FeedOptions, GridOptions
from agent.vocabulary.ids import ConnectorId
from hal.api import GridPlan

pytestmark = [pytest.mark.rule("product.N5")]

GRID = """
[grid]
fuse_current_a = 35
safe_current_a = 10
[grid.meter]
profile = "eastron_sdm630"
bus = "meters"
unit = 9
"""


def read(text: str) -> Supply:
    source = Source("factory.toml", text)
    root = source.root()
    found = read_supply(root, None, (1, 2, 3))
    root.finish()
    source.check()
    return found


def test_nothing_is_needed() -> None:
    assert read("") == Supply()


def test_feeds_and_the_grid_are_read() -> None:
    found = read('[[feed]]\nname = "left"\nconnectors = [1, 2]\nmaximum_current_a = 40\n' + GRID)
    assert found.feeds == (FeedOptions("left", (ConnectorId(1), ConnectorId(2)), 40),)
    assert found.grid == GridOptions(35, 10)
    assert found.grid_meter == GridPlan("eastron_sdm630", "meters", 9)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('[[feed]]\nname = "left"\nconnectors = [4]\nmaximum_current_a = 40\n', "4 is no connector of this file"),
        ('[[feed]]\nname = "left"\nconnectors = []\nmaximum_current_a = 40\n', "is empty"),
        ('[[feed]]\nname = "left"\nconnectors = [1]\nmaximum_current_a = 3\n', "maximum_current_a"),
        ('[[feed]]\nname="a"\nconnectors=[1]\nmaximum_current_a=40\n' * 2, "give each feed a name of its own"),
        (GRID.replace("10", "40"), "more than the fuse bears"),
        (GRID.replace("eastron_sdm630", "../x"), "is no profile name"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(text: str, wanted: str) -> None:
    with pytest.raises(SettingsError, match=wanted):
        read(text)
