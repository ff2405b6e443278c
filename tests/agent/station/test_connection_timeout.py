"""How long a card waits for its car and a car for its card, and what is left of either afterwards."""

from __future__ import annotations

import pytest

from agent.vocabulary import effects as fx
from agent.vocabulary.commands import RemoteStart, SetOption
from agent.vocabulary.ids import IdToken
from tests.agent.station.driver import CARD, PRIMARY, Driver, two_upstreams


def waiting(timeout_s: int = 30) -> Driver:
    return Driver(upstreams=two_upstreams(connection_timeout_s=timeout_s))


def accepted(driver: Driver) -> None:
    driver.card()
    driver.verdict()


@pytest.mark.rule("ocpp16.U09")
def test_a_card_without_a_car_gives_the_connector_back() -> None:
    driver = waiting()
    accepted(driver)
    driver.pass_time(29)
    assert driver.told()[-1].authorised
    driver.pass_time(1)
    assert driver.state() == "free"
    assert not driver.told()[-1].authorised
    driver.plug()
    assert driver.state() == "waiting_card"  # the card was for then, not for now


@pytest.mark.rule("ocpp16.U09")
def test_a_remote_start_without_a_car_ends_in_the_same_way() -> None:
    driver = waiting()
    driver.command(PRIMARY, RemoteStart(IdToken(CARD)))
    driver.verdict()
    driver.pass_time(30)
    assert driver.state() == "free"


@pytest.mark.rule("ocpp16.U09")
def test_a_car_without_a_card_is_finishing_and_a_card_starts_it_all_the_same() -> None:
    driver = waiting()
    driver.plug()
    driver.pass_time(30)
    assert driver.told()[-1].finishing
    accepted(driver)
    assert driver.state() == "locking"


@pytest.mark.rule("ocpp16.U09")
def test_zero_means_that_nobody_hurries() -> None:
    for act in (accepted, Driver.plug):
        driver = waiting(0)
        act(driver)
        before = driver.state()
        driver.pass_time(7200, meter=False)
        assert driver.state() == before


@pytest.mark.rule("ocpp16.U09")
def test_a_new_value_counts_at_once() -> None:
    driver = waiting(0)
    driver.plug()
    driver.pass_time(100)
    driver.command(PRIMARY, SetOption("connection_timeout_s", 60))
    assert driver.state() == "finished"


@pytest.mark.rule("ocpp16.U08")
def test_the_same_card_again_gives_the_connector_back_and_a_third_time_begins_anew() -> None:
    driver = waiting()
    accepted(driver)
    driver.card()
    assert driver.state() == "free"
    accepted(driver)
    assert driver.state() == "waiting_car"
    assert len(driver.all(fx.Ask)) == 2


@pytest.mark.rule("ocpp16.U08")
def test_the_same_card_again_before_the_lock_is_home_gives_the_cable_back() -> None:
    driver = waiting()
    driver.plug()
    accepted(driver)
    assert driver.state() == "locking"
    driver.card()
    assert driver.state() == "finished"
    driver.locked()
    driver.locked(False)
    assert driver.rows(PRIMARY) == []
