"""`stationctl why` in plain words."""

from __future__ import annotations

from agent.control.rendering import plain
from agent.control.station_time import local_text
from agent.control.why import why_text
from agent.vocabulary.commands import ChangeAvailability
from agent.vocabulary.ids import MANAGEMENT, ConnectorId
from agent.vocabulary.inputs import LimitSet
from tests.agent.station.driver import connector
from tests.agent.station.fleet import Fleet


def test_why_names_what_decides_what_else_bounds_and_who_holds() -> None:
    driver = Fleet([connector(1), connector(2)])
    driver.begin(1)
    driver.give(LimitSet(ConnectorId(1), 10.0))
    since_ms = driver.now.wall_ms
    assert since_ms is not None
    driver.command(MANAGEMENT, ChangeAvailability(ConnectorId(2), operative=False))
    driver.disconnect(MANAGEMENT)
    text = why_text(plain(driver.station.overview(driver.now).connectors))
    assert text == "\n".join(
        [
            "Connector 1: 10 A are offered; decided by: set for the connector on the spot",
            "    10.0 A  installer: set for the connector on the spot",
            "    20.0 A  cable: cable rating",
            "    32.0 A  hardware: hardware",
            "",
            "Connector 2: nothing is offered, since no transaction",
            "  blocked: out of service",
            f"  held out of service by management since {local_text(since_ms)}, which is not connected "
            "(stationctl clear-hold ends it)",
            "    32.0 A  hardware: hardware",
        ]
    )


def test_an_answer_of_another_release_is_shown_as_far_as_it_goes() -> None:
    assert why_text([{"id": 1}]) == "Connector 1: nothing is offered"
