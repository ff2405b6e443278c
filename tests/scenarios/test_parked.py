"""Messages that a backend cannot process: given up as its upstream wants it, and offered again on demand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.rig_options import RigOptions
from tests.rig.script import Fails
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import back, begin, leave, play, wait

KEYS = {"TransactionMessageAttempts": 2, "TransactionMessageRetryInterval": 3, "MeterValueSampleInterval": 5}


async def reoffer(rig: StationRig, upstream: str = "") -> object:
    """As `stationctl reoffer` does it."""
    abilities = rig.agent.agent.abilities()
    outcome = abilities.reoffer(upstream)
    return await outcome  # type: ignore[misc]


@pytest.mark.rule("product.settled.time-out")
@pytest.mark.rule("INV-1")
def test_a_session_that_is_parked_as_a_whole_waits_for_somebody_to_offer_it_again(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.management.script.always["StartTransaction"] = Fails()
        await begin(rig)
        await wait(12)  # given up meanwhile, and the samples go with it
        rig.card()
        await rig.until(rig.primary.ledger.stops, within_s=20)
        await leave(rig)
        assert not rig.management.ledger.stops()
        assert not rig.management.ledger.calls("MeterValues")
        await back(rig, rig.kill())
        rig.management.script.always.clear()
        await wait(30)
        assert not rig.management.ledger.stops()  # not by itself
        told = await reoffer(rig)
        assert isinstance(told, dict)
        assert told["management"] > 2
        assert told["primary-1"] == 0
        await rig.until(rig.management.ledger.stops, within_s=20)
        await rig.until_settled()
        assert [stop.foreign_id for stop in rig.management.ledger.stops()] == [1000]
        assert rig.management.ledger.calls("MeterValues")
        assert await reoffer(rig, "management") == {"management": 0}

    play(tmp_path, story, RigOptions(management_keys={**KEYS, '"stationd.ParkWholeSession"': True}))
