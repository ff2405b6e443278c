"""What an input leads to is complete in its own turn: nothing is left over for a tick that comes for another reason."""

from __future__ import annotations

import pytest

from agent.station.station import Station
from agent.vocabulary import effects as fx
from agent.vocabulary.ids import ConnectorId
from agent.vocabulary.inputs import Input, Tick
from agent.vocabulary.moments import Moment
from hal.api import Fault, FaultSeen
from tests.agent.station.driver import PRIMARY, Driver, connector
from tests.agent.station.test_safety import Chaos


class Settled(Chaos):
    """After each input the same instant again, and an instant before the station wants to be woken: no effects."""

    def give(self, given: Input) -> None:
        super().give(given)
        self._nothing(self.now, given)
        deadline = self.station.next_deadline()
        early = self.ms + 60_000 if deadline is None else deadline - 1
        if early > self.ms and self.random.random() < 0.5:
            self._nothing(Moment(1, early, self.now.wall_ms and self.now.wall_ms + early - self.ms), given)
            self.ms = early

    def _nothing(self, at: Moment, after: Input) -> None:
        left: list[fx.Effect] = self.station.handle(Tick(), at)
        assert left == [], f"seed {self.seed}, {after} at {self.ms}, tick at {at.monotonic_ms}: {left}"


@pytest.mark.parametrize("seed", range(12))
def test_a_tick_that_was_not_asked_for_moves_nothing(seed: int) -> None:
    chaos = Settled(seed, Station)
    for _ in range(400):
        chaos.step()


def until_quiet(driver: Driver) -> None:
    """Ticks where the station wants them, and nothing else."""
    while (deadline := driver.station.next_deadline()) is not None and deadline < driver.ms + 60_000:
        driver.ms = max(driver.ms, deadline)
        driver.give(Tick())


def test_a_current_that_nobody_tells_any_more_is_unknown_at_its_own_time() -> None:
    driver = Driver()
    driver.charge()
    driver.unplug()
    driver.contactor(False)
    driver.give(FaultSeen(1, Fault.METER_OFFLINE, True))
    driver.pass_time(14, meter=False)
    driver.meter()  # there is still current on the line, says the last word of the meter
    driver.give(FaultSeen(1, Fault.METER_OFFLINE, True))
    driver.pass_time(2, meter=False)
    assert driver.state() == "free"
    unlocked = fx.DriveLock(ConnectorId(1), False)
    assert unlocked not in driver.log
    until_quiet(driver)
    assert unlocked in driver.log


def test_a_waiting_card_finds_a_connector_in_the_turn_in_which_its_fault_ends() -> None:
    driver = Driver([connector(1), connector(2)])
    driver.card()
    driver.verdict()
    driver.give(FaultSeen(1, Fault.DIODE, True))
    driver.plug(1)
    driver.give(FaultSeen(1, Fault.DIODE, False))
    assert driver.state(1) == "locking"
    assert driver.rows(PRIMARY) == []
