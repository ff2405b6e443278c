"""The meter's line is pulled: the fault, the grace, the end with the last reading, and the return."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from hal.simulator.wire.bus import BusFaults
from tests.rig.driver import CARD
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import begin, end, leave, logged, plant_s, play, reasons, wait

STALE_S, IDLE_STALE_S, GRACE_S = 3.0, 30.0, 20
ROUND_S, IDLE_ROUND_S = 1.0, 10.0
DARK_WH = 100
"""More than the car can take at 16 A on three phases while nobody counts."""
FAULT, OVER = "station.fault:", "station.fault_over:"


@dataclass(frozen=True, slots=True)
class MeterOnItsOwnLine(RigOptions):
    """The meter has a line of its own, so that it can be pulled alone."""

    def factory(self, management_url: str) -> str:
        """The factory file as text."""
        text = RigOptions.factory(self, management_url)
        line = '[[bus]]\nname = "bus2"\nport = "bus2"\nbaud = 9600\nparity = "N"\n[[connector]]'
        before, after = text.replace("[[connector]]", line).split("[connector.meter]")
        return f"{before}[connector.meter]{after.replace('bus1', 'bus2', 1)}"


KEYS = {"MeterValueSampleInterval": 5}
STATION = MeterOnItsOwnLine(primary_keys=KEYS, station={"meter_fault_grace_s": GRACE_S})


def pull(rig: StationRig, online: bool = False) -> float:
    """Pull the meter's line, or plug it in again; the plant time of it."""
    rig.plant.set_bus("bus2", BusFaults(online=online))
    return plant_s(rig)


async def until_silent(rig: StationRig) -> float:
    """Until the station has found out; the plant time."""
    await rig.until(lambda: logged(rig, FAULT, "meter_offline"), within_s=60, what="fault of the meter")
    return plant_s(rig)


def error_code(rig: StationRig) -> str:
    """The error code that the primary was told last."""
    return rig.primary.ledger.statuses(1)[-1].error_code


@pytest.mark.rule("INV-3")
def test_a_running_session_goes_on_for_the_grace_and_ends_with_the_last_reading(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        await wait(10)
        register_wh = rig.plant.state()["connectors"][0]["meter"]["energy_wh"]
        pulled_s = pull(rig)
        silent_s = await until_silent(rig)
        assert STALE_S - ROUND_S <= silent_s - pulled_s <= STALE_S + 2 * ROUND_S
        await rig.until(lambda: error_code(rig) == "PowerMeterFailure", within_s=1)
        assert rig.primary.ledger.status(1) == "Charging"  # charging goes on; the fault is told with it
        await rig.until(lambda: not rig.closed(), within_s=GRACE_S + 10)
        assert GRACE_S - 1 <= plant_s(rig) - silent_s <= GRACE_S + 3
        await rig.until_delivered(1)
        stop = rig.primary.ledger.stops()[0]
        assert stop.reason == "Other"
        assert abs(stop.meter_stop_wh - register_wh) <= 4  # the last that was read
        await rig.until_status("Faulted")
        rig.card()
        assert await rig.primary.remote_start(CARD, 1) == "Rejected"
        await wait(6)
        assert len(rig.primary.ledger.starts()) == 1  # no new transaction
        pull(rig, online=True)
        await rig.until_status("Finishing")
        assert len(logged(rig, FAULT, "meter_offline")) == len(logged(rig, OVER, "meter_offline")) == 1
        rig.card()
        await rig.until_status("Charging")
        await end(rig, sessions=2)

    play(tmp_path, story, STATION, lost_energy_wh=DARK_WH)


@pytest.mark.rule("INV-3")
def test_a_meter_that_returns_within_the_grace_has_never_been_away(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        pull(rig)
        await until_silent(rig)
        await wait(10)
        values = len(rig.primary.ledger.meter_values())
        pull(rig, online=True)
        await rig.until(lambda: error_code(rig) == "NoError", within_s=15)
        await wait(10)
        assert len(rig.primary.ledger.meter_values()) >= values + 2
        assert rig.closed()
        await end(rig)
        assert reasons(rig) == [["Local"], ["Local"]]
        assert len(logged(rig, FAULT, "meter_offline")) == len(logged(rig, OVER, "meter_offline")) == 1

    play(tmp_path, story, STATION)


def test_a_station_that_is_set_to_stop_at_once_does(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        await wait(5)
        pull(rig)
        silent_s = await until_silent(rig)
        await rig.until(lambda: not rig.closed(), within_s=10)
        assert plant_s(rig) - silent_s < 2
        await rig.until_delivered(1)
        assert reasons(rig) == [["Other"], ["Other"]]
        pull(rig, online=True)
        await leave(rig)

    options = MeterOnItsOwnLine(primary_keys=KEYS, station={"stop_on_meter_fault": True})
    play(tmp_path, story, options, lost_energy_wh=DARK_WH)


def test_with_a_silent_meter_nothing_starts(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        pulled_s = pull(rig)
        silent_s = await until_silent(rig)
        assert IDLE_STALE_S - IDLE_ROUND_S <= silent_s - pulled_s <= IDLE_STALE_S + 2 * IDLE_ROUND_S
        await rig.until_status("Faulted")
        assert error_code(rig) == "PowerMeterFailure"
        rig.plug()
        rig.card()
        assert await rig.primary.remote_start(CARD, 1) == "Rejected"
        await wait(6)
        assert not rig.primary.ledger.calls("Authorize")
        assert not rig.primary.ledger.starts()
        pull(rig, online=True)
        await rig.until_status("Preparing")
        rig.card()
        await rig.until_status("Charging")
        await end(rig)
        assert len(logged(rig, FAULT, "meter_offline")) == len(logged(rig, OVER, "meter_offline")) == 1

    play(tmp_path, story, STATION)
