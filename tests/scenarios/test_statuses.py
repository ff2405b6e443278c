"""What backends read of a connector: only steps of the standard's table, soon, with faults and their ends."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest

from agent.ocpp.v16.status_table import FOLLOWS
from hal.simulator.physics.outlet import Condition
from tests.rig.backend import ScriptedBackend
from tests.rig.ledger import Status
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import EPC, PHOENIX, begin, end, leave, play, wait

KEYS = {"MeterValueSampleInterval": 10}


def outside_the_table(statuses: Iterable[Status]) -> list[tuple[str, str]]:
    words = [status.status for status in statuses]
    return [(a, b) for a, b in pairwise(words) if a != b and b not in FOLLOWS[a]]


def told(backend: ScriptedBackend, last: int) -> list[tuple[str, str]]:
    """The last statuses of connector 1, with their errors."""
    return [(status.status, status.error_code) for status in backend.ledger.statuses(1)][-last:]


@pytest.mark.rule("ocpp16.S01")
@pytest.mark.rule("ocpp16.S02")
@pytest.mark.rule("product.E7")
def test_a_fault_comes_and_goes_within_a_second_and_gives_back_what_was(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        for before in ("Available", "Preparing"):
            if before == "Preparing":
                rig.plug()
                await rig.until_status(before)
            rig.plant.set_condition(1, Condition.UNDER_VOLTAGE, True)
            await rig.until_status("Faulted", within_s=11)  # an idle meter is read every ten seconds
            rig.plant.set_condition(1, Condition.UNDER_VOLTAGE, False)
            await rig.until_status(before, within_s=25)
            for backend in rig.backends:
                assert told(backend, 3) == [(before, "NoError"), ("Faulted", "UnderVoltage"), (before, "NoError")]
        rig.plant.set_condition(1, Condition.RESIDUAL_CURRENT, True)
        assert await rig.until_status("Faulted") <= 1.0
        rig.plant.set_condition(1, Condition.RESIDUAL_CURRENT, False)
        await rig.until_status("Preparing", within_s=10)
        for backend in rig.backends:
            assert outside_the_table(backend.ledger.statuses(1)) == []

    play(tmp_path, story, RigOptions(board=PHOENIX))


@pytest.mark.rule("ocpp16.S01")
@pytest.mark.rule("ocpp16.S21")
def test_out_of_service_while_a_car_waits_for_its_card_is_told_in_steps_of_the_table(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.plug()
        await rig.until_status("Preparing")
        assert await rig.primary.change_availability(1, "Inoperative") == "Accepted"
        await rig.until_status("Unavailable")
        assert [word for word, _ in told(rig.primary, 3)] == ["Preparing", "Finishing", "Unavailable"]
        assert await rig.primary.change_availability(1, "Operative") == "Accepted"
        await rig.until(lambda: rig.primary.ledger.status(1) in ("Preparing", "Finishing"), within_s=2)
        await leave(rig)
        for backend in rig.backends:
            assert outside_the_table(backend.ledger.statuses(1)) == []

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.X40")
@pytest.mark.rule("ocpp16.S30")
def test_a_register_that_jumps_is_told_as_a_warning_and_billed(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        await wait(15)
        register_wh = rig.plant.state()["connectors"][0]["meter"]["energy_wh"]
        rig.plant.connector(1).set_register(register_wh + 500)
        await rig.until(lambda: told(rig.primary, 1) == [("Charging", "PowerMeterFailure")], within_s=10)
        assert "jumped" in rig.primary.ledger.statuses(1)[-1].vendor_error_code
        await rig.until(lambda: told(rig.primary, 1) == [("Charging", "NoError")], within_s=70)
        await end(rig)
        start, stop = rig.primary.ledger.starts()[0], rig.primary.ledger.stops()[0]
        assert stop.meter_stop_wh - start.meter_start_wh > 500

    play(tmp_path, story, RigOptions(board=EPC, primary_keys=KEYS))
