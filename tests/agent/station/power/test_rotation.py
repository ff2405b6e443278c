"""Phase rotation: from the key to the phases of the feed."""

from __future__ import annotations

import pytest

from agent.station.power.rotation import feed_phases, rotation_of
from agent.vocabulary.ids import ConnectorId

pytestmark = [pytest.mark.rule("product.N5")]


def test_each_connector_has_its_own_word_and_rst_where_there_is_none() -> None:
    keys = "0.RST, 1.STR,12.TRS"
    assert [rotation_of(ConnectorId(n), keys) for n in (1, 2, 12)] == ["STR", "RST", "TRS"]
    assert rotation_of(ConnectorId(1), "") == "RST"


@pytest.mark.parametrize(
    ("word", "phases", "wanted"),
    [
        ("RST", 3, ((0,), (1,), (2,))),
        ("TSR", 3, ((2,), (1,), (0,))),
        ("SRT", 1, ((1,),)),
        ("Unknown", 1, ((0, 1, 2),)),
        ("NotApplicable", 1, ((0, 1, 2),)),
    ],
)
def test_a_word_names_the_phases_of_the_feed_or_any_of_them(
    word: str, phases: int, wanted: tuple[tuple[int, ...], ...]
) -> None:
    assert feed_phases(word, phases) == wanted
