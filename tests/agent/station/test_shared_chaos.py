"""Two connectors that share too little, in a world that often does not cooperate: each turn is complete in itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from agent.vocabulary.feeds import GridOptions
from agent.vocabulary.inputs import Input
from hal.api import GridSeen
from tests.agent.station.test_fixpoint import Settled


class SettledShared(Settled):
    """As `Settled`, with a station that bears less than both want, and a house behind the same fuse."""

    supply: ClassVar[Mapping[str, Any]] = {"maximum_current_a": 26.0, "grid": GridOptions(35.0, 13.0)}

    def _anything(self) -> Input:
        if self.random.random() < 0.2:
            house_a = self.random.choice((0.0, 3.0, 12.0, 40.0))
            return GridSeen((house_a, 0.0, house_a / 2))
        return super()._anything()


@pytest.mark.parametrize("seed", range(4))
def test_what_is_shared_is_settled_in_its_own_turn(seed: int) -> None:
    chaos = SettledShared(seed)
    for _ in range(400):
        chaos.step()
