"""Limits and holds by the control socket: what is refused, with the reason and what to do instead."""

from __future__ import annotations

import pytest

from agent.control.request_fields import RefusedError
from agent.runtime.limits_desk import LimitsDesk
from agent.settings.factory import parse_factory
from agent.settings.settings import Settings
from agent.vocabulary.ids import MANAGEMENT, ConnectorId
from agent.vocabulary.inputs import HoldCleared, Input, LimitSet
from tests.agent.station.driver import Driver, connector
from tests.rig.rig_options import RigOptions


class Desk:
    """A desk before a station of two connectors."""

    def __init__(self) -> None:
        self.driver = Driver((connector(1), connector(2)))
        self.posted: list[Input] = []
        factory = parse_factory("factory.toml", RigOptions(connectors=2).factory("ws://127.0.0.1:1"))
        overview = lambda: self.driver.station.overview(self.driver.now)  # noqa: E731
        self.desk = LimitsDesk(Settings(factory, None), overview, self.posted.append)


@pytest.mark.rule("INV-9")
@pytest.mark.parametrize("current_a", [0.0, 5.9, 33.0, -1.0, 1000.0])
def test_a_limit_is_neither_between_nought_and_six_nor_above_what_is_there(current_a: float) -> None:
    house = Desk()
    with pytest.raises(RefusedError, match="use 6 to"):
        house.desk.set_limit(1, current_a)
    assert house.posted == []


def test_a_limit_is_set_and_taken_away() -> None:
    house = Desk()
    assert house.desk.set_limit(2, 10.0) == "connector 2: at most 10 A on each phase"
    assert house.desk.set_limit(0, None) == "the station: no limit of its own"
    assert house.posted == [LimitSet(ConnectorId(2), 10.0), LimitSet(ConnectorId(0), None)]
    with pytest.raises(RefusedError, match="3 is no connector"):
        house.desk.set_limit(3, 10.0)


@pytest.mark.rule("product.N11")
def test_only_the_hold_of_an_upstream_that_cannot_be_reached_is_cleared() -> None:
    house = Desk()
    with pytest.raises(RefusedError, match="is connected"):
        house.desk.clear_hold(MANAGEMENT, 1)
    house.driver.disconnect(MANAGEMENT)
    assert house.desk.clear_hold(MANAGEMENT, 0) == f"{MANAGEMENT} no longer holds anything"
    assert house.posted == [HoldCleared(MANAGEMENT, ConnectorId(0))]
    with pytest.raises(RefusedError, match="is no upstream"):
        house.desk.clear_hold("nobody", 1)


def test_why_is_told_of_one_or_of_each() -> None:
    house = Desk()
    assert [one.id for one in house.desk.why(None)] == [1, 2]
    assert [one.id for one in house.desk.why(2)] == [2]
    with pytest.raises(RefusedError, match="3 is no connector"):
        house.desk.why(3)
