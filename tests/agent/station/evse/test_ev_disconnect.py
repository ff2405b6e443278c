"""The car leaves its end of the cable: what ends, what waits for it, and who gets the cable."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.vocabulary import effects as fx
from agent.vocabulary.commands import RemoteStop
from agent.vocabulary.events import ChargingState, StopReason
from agent.vocabulary.ids import ConnectorId
from hal.api import CableSeen
from tests.agent.station.driver import CARD, PRIMARY, SOCKET, Driver, connector, two_upstreams

UNLOCKED = fx.DriveLock(ConnectorId(1), False)
CAPTIVE = connector(capabilities=replace(SOCKET, lock=None, cable_rating=False), captive_cable=True)


def left(*connectors: object, **options: bool) -> Driver:
    """A car that charged has gone; the socket still has the cable."""
    driver = Driver(connectors, upstreams=two_upstreams(**options))  # type: ignore[arg-type]
    driver.charge()
    driver.acknowledge_start(PRIMARY, "7")
    driver.current[1] = 0.0
    driver.unplug()
    driver.contactor(False)
    driver.meter()
    return driver


@pytest.mark.rule("ocpp16.X50")
@pytest.mark.rule("ocpp16.X52")
def test_a_socket_is_finishing_until_it_has_let_go() -> None:
    driver = left()
    assert driver.state() == "stopping"
    assert driver.told()[-1].finishing
    driver.answer_meter()
    assert driver.rows(PRIMARY)[-1].event.reason is StopReason.EV_DISCONNECTED
    assert UNLOCKED in driver.log
    driver.locked(False)
    assert not driver.told()[-1].finishing


@pytest.mark.rule("ocpp16.X50")
def test_with_a_fixed_cable_nothing_is_left_to_do() -> None:
    driver = left(CAPTIVE)
    assert not any(condition.finishing for condition in driver.told())
    driver.answer_meter()
    assert driver.rows(PRIMARY)[-1].event.reason is StopReason.EV_DISCONNECTED
    assert driver.state() == "free"


@pytest.mark.rule("ocpp16.X51")
@pytest.mark.parametrize("unlock", [True, False])
def test_a_transaction_that_outlives_its_car_keeps_the_cable_and_says_why_it_rests(unlock: bool) -> None:
    driver = left(stop_on_ev_disconnect=False, unlock_on_ev_disconnect=unlock)
    driver.pass_time(600)
    condition = driver.told()[-1]
    assert condition.charging is ChargingState.SUSPENDED_EV
    assert condition.ev_disconnected
    assert condition.transaction is not None
    assert UNLOCKED not in driver.log
    assert driver.station.overview(driver.now).connectors[0].limit_reason == "the cable is out"


@pytest.mark.rule("ocpp16.X51")
def test_energy_flows_again_when_the_car_is_back() -> None:
    driver = left(stop_on_ev_disconnect=False)
    driver.pass_time(30)
    offered = len(driver.all(fx.Offer))
    driver.pilot("B")
    driver.pass_time(6)
    assert len(driver.all(fx.Offer)) == offered + 1
    driver.pilot("C", True)
    driver.contactor(True)
    assert driver.told()[-1].charging is ChargingState.CHARGING
    assert not driver.told()[-1].ev_disconnected


@pytest.mark.rule("ocpp16.X51")
@pytest.mark.rule("ocpp16.X13")
def test_a_remote_stop_ends_what_outlived_its_car() -> None:
    driver = left(stop_on_ev_disconnect=False)
    driver.command(PRIMARY, RemoteStop("7"))
    assert driver.told()[-1].finishing
    driver.meter()
    driver.answer_meter()
    assert driver.rows(PRIMARY)[-1].event.reason is StopReason.REMOTE
    assert UNLOCKED in driver.log
    assert driver.state() == "free"


@pytest.mark.rule("ocpp16.X51")
def test_with_a_fixed_cable_a_remote_stop_leaves_nothing_to_do() -> None:
    driver = left(CAPTIVE, stop_on_ev_disconnect=False)
    driver.command(PRIMARY, RemoteStop("7"))
    driver.meter()
    driver.answer_meter()
    assert not any(condition.finishing for condition in driver.told())
    assert driver.rows(PRIMARY)[-1].event.reason is StopReason.REMOTE


@pytest.mark.rule("ocpp16.X51")
@pytest.mark.rule("ocpp16.X10")
def test_its_card_ends_what_outlived_its_car() -> None:
    driver = left(stop_on_ev_disconnect=False)
    driver.card(CARD)
    driver.meter()
    driver.answer_meter()
    assert driver.rows(PRIMARY)[-1].event.reason is StopReason.LOCAL
    assert UNLOCKED in driver.log


@pytest.mark.rule("ocpp16.X51")
def test_another_cable_in_the_socket_limits_anew() -> None:
    driver = left(stop_on_ev_disconnect=False)
    driver.give(CableSeen(1, None))
    driver.give(CableSeen(1, 13))
    driver.pilot("B")
    driver.pass_time(6)
    assert driver.all(fx.Offer)[-1].current_a == 13
