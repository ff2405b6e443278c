"""Several connectors, the main fuse and two upstreams on the whole agent: what flows on each phase of the plant."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from ocpp.v16 import call

from tests.rig.backend import ScriptedBackend
from tests.rig.driver import CARD
from tests.rig.link_cutter import Mode
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import OTHER_CARD, begin, leave, play, wait
from tests.scenarios.test_charging_profiles import composite, given, sent, set_profile

CARDS = (CARD, OTHER_CARD)
FOLLOWS_S = 6.0
"""Five seconds that a car has to follow (IEC 61851-1 A.6), and one for the bus."""
GRID = """[grid]
fuse_current_a = 25
safe_current_a = 6
[grid.meter]
profile = "eastron_sdm72dm_v2"
bus = "bus1"
unit = 40
"""


class Witness:
    """Looks at the plant whenever anything changes there: the sum of what flows on each phase."""

    def __init__(self, rig: StationRig, bears_a: float) -> None:
        self.bears_a = bears_a
        self.fell_s = -FOLLOWS_S
        self.most_a = 0.0
        self.found: list[str] = []
        self._plant = rig.plant
        self._plant.history.witnesses.append(lambda happening: self.look())

    def bears(self, current_a: float) -> None:
        """From now on the station may take so much."""
        self._plant.sync()
        if current_a < self.bears_a:
            self.fell_s = self._plant.time_s
        self.bears_a = current_a

    def look(self) -> None:
        flows = [sum(each.currents_a()[phase] for each in self._plant.outlets.values()) for phase in range(3)]
        self.most_a = max(self.most_a, *flows)
        if max(flows) > self.bears_a + 0.3 and self._plant.time_s > self.fell_s + FOLLOWS_S:
            self.found.append(f"{self._plant.time_s:.1f} s: {max(flows):.1f} A of {self.bears_a:g} A")


def offers(rig: StationRig) -> list[float]:
    """What the pilots of the plant tell the cars, in whole amperes."""
    rig.plant.sync()
    return [round(rig.plant.connector(n).board.offered_a) for n in rig.plant.outlets]


async def key(backend: ScriptedBackend, name: str, value: object) -> str:
    """ChangeConfiguration: the status."""
    return await backend.status_of(call.ChangeConfiguration(key=name, value=str(value)))


def several(count: int, maximum_a: int = 20, **more: Any) -> RigOptions:
    return RigOptions(connectors=count, station={"maximum_current_a": maximum_a}, **more)


@pytest.mark.rule("product.N5")
@pytest.mark.rule("INV-9")
def test_when_one_is_lowered_and_the_other_begins_the_sum_stays_below_the_station_at_every_instant(
    tmp_path: Path,
) -> None:
    async def story(rig: StationRig) -> None:
        witness = Witness(rig, 20)
        await begin(rig, 1)
        await wait(8)
        assert offers(rig) == [16, 0]
        rig.plug(2)
        await rig.until_status("Preparing", 2)
        rig.card(CARDS[1])
        await rig.until_status("Charging", 2)
        await wait(10)
        assert offers(rig) == [10, 10]
        assert await set_profile(rig.management, sent(1, "TxDefaultProfile", (0, 7))) == "Accepted"
        await wait(12)
        assert offers(rig) == [7, 13]
        await leave(rig, 1)
        await wait(12)
        assert offers(rig) == [0, 16]
        assert witness.found == []
        assert witness.most_a > 15  # the witness sees
        await leave(rig, 2)
        await rig.until_delivered(2)

    play(tmp_path, story, several(2))


@pytest.mark.rule("product.N5")
@pytest.mark.rule("ATK-21")
def test_of_two_cars_on_ten_amperes_one_charges_and_passes_its_turn_on_when_it_does_not_use_it(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        witness = Witness(rig, 10)
        await begin(rig, 1)
        rig.plug(2)
        await rig.until_status("Preparing", 2)
        rig.card(CARDS[1])
        await rig.until_status("SuspendedEVSE", 2)
        await wait(20)
        assert offers(rig) == [10, 0]
        rig.pause(connector=1)
        await wait(100)
        assert offers(rig) == [10, 0]
        await wait(40)
        assert offers(rig) == [0, 10]
        assert (rig.primary.ledger.status(1), rig.primary.ledger.status(2)) == ("SuspendedEVSE", "Charging")
        assert witness.found == []
        await leave(rig, 1)
        await leave(rig, 2)
        await rig.until_delivered(2)

    play(tmp_path, story, several(2, 10))


@pytest.mark.rule("product.N5")
def test_the_main_fuse_is_kept_while_the_house_draws_and_a_dead_meter_leaves_the_safe_current(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig, 1)
        await wait(15)
        assert offers(rig) == [16]
        rig.plant.house.load_a = (2.0, 16.0, 0.0)
        await wait(10)
        assert 8 <= offers(rig)[0] <= 9
        assert max(rig.plant.house.currents_a()) <= 25.3
        rig.plant.house.load_a = (2.0, 2.0, 0.0)
        await wait(20)
        assert 8 <= offers(rig)[0] <= 9
        await wait(80)
        assert offers(rig) == [16]
        meter = rig.plant.buses["bus1"].units.pop(40)
        await wait(25)
        assert offers(rig) == [6]
        rig.plant.buses["bus1"].units[40] = meter
        await wait(30)
        assert offers(rig) == [16]
        assert not rig.primary.ledger.calls("StopTransaction")
        await leave(rig, 1)
        await rig.until_delivered(1)

    play(tmp_path, story, RigOptions(supply=GRID))


@pytest.mark.rule("product.2.5")
@pytest.mark.rule("product.N11")
def test_an_energy_manager_that_falls_silent_leaves_its_failsafe_and_no_restart_lifts_it(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        assert await key(rig.management, "stationd.LimitLeaseSeconds", 40) == "Accepted"
        assert await key(rig.management, "stationd.FailsafeLimit", 8) == "Accepted"
        await begin(rig, 1)
        await wait(8)
        assert offers(rig) == [16]
        rig.cutters["management"].set(Mode.REFUSE)
        rig.cutters["management"].cut()
        await wait(50)
        assert offers(rig) == [8]
        overview = rig.agent.agent.station.overview(rig.agent.agent.clock.now())
        assert overview.connectors[0].limit_reason == "failsafe of management, silent for longer than 40 s"
        rig.cutters["management"].set(Mode.PASS)
        await rig.until(lambda: offers(rig) == [16], within_s=400, what="the failsafe lifted")
        rig.cutters["management"].set(Mode.REFUSE)
        rig.cutters["management"].cut()
        await leave(rig, 1)
        await rig.stop()
        rig.start(new_boot=False)
        await wait(20)
        await begin(rig, 1, CARDS[1])
        await wait(10)
        assert offers(rig) == [8]
        rig.cutters["management"].set(Mode.PASS)
        await rig.until(lambda: offers(rig) == [16], within_s=400, what="the failsafe lifted")
        await leave(rig, 1)
        await rig.until_delivered(2)

    play(tmp_path, story, RigOptions())


@pytest.mark.rule("two-upstreams.TU01")
@pytest.mark.rule("product.P9")
def test_both_limit_the_same_transaction_at_one_instant_and_the_lower_holds_until_it_is_cleared(tmp_path: Path) -> None:
    """Each names it by the id that it gave itself."""

    async def story(rig: StationRig) -> None:
        await begin(rig, 1)
        await wait(8)
        profiles = [
            set_profile(backend, sent(1, "TxProfile", (0, limit), transaction=given(backend)))
            for backend, limit in ((rig.primary, 9), (rig.management, 7))
        ]
        assert await asyncio.gather(*profiles) == ["Accepted", "Accepted"]
        await wait(2)
        assert offers(rig) == [7]
        for backend in (rig.primary, rig.management):
            assert await composite(backend, 60) == [(0, 7)]
        assert await rig.management.status_of(call.ClearChargingProfile(id=1)) == "Accepted"
        await wait(8)
        assert offers(rig) == [9]
        assert await rig.management.status_of(call.ClearChargingProfile(id=1)) == "Unknown"
        await leave(rig, 1)
        await rig.until_delivered(1)

    play(tmp_path, story)
