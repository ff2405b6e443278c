"""Connectors that need no card: a free home, and a key switch at the wall."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import run_virtual
from tests.scenarios.acts import PHOENIX, REAL_LIMIT_S, SAME_CARD_S, back, leave, play, reasons, statuses, wait

TAG = "HOUSE-7"
FREE = {"authorise": "free", "free_token": TAG}
KEY = {"authorise": "key-input", "free_token": TAG}
NO_CARD = frozenset({TAG.casefold()})


@pytest.mark.rule("product.N1")
def test_a_free_home_charges_whoever_plugs_in_and_says_under_which_tag(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.plug()
        await rig.until_status("Charging")
        rig.card()  # means nothing here
        await wait(SAME_CARD_S)
        assert rig.closed()
        await leave(rig)
        await rig.until_delivered(1)
        assert [start.id_tag for start in rig.primary.ledger.starts()] == [TAG]
        assert reasons(rig) == [["EVDisconnected"], ["EVDisconnected"]]
        assert not rig.primary.ledger.calls("Authorize")

    play(tmp_path, story, RigOptions(connector=FREE), offline_cards=NO_CARD)


@pytest.mark.rule("product.N1")
@pytest.mark.rule("ocpp16.B12")
@pytest.mark.rule("ocpp16.B13")
@pytest.mark.parametrize("allowed", [True, False])
def test_before_its_operator_has_ever_accepted_it_a_free_home_charges_if_the_factory_says_so(
    tmp_path: Path, allowed: bool
) -> None:
    async def main() -> None:
        async with StationRig(tmp_path, options) as rig:
            rig.primary.script.boot.append("Pending")
            rig.primary.script.interval_s = 3600
            await rig.until(lambda: rig.management.ledger.status(1), within_s=60)
            rig.plug()
            await wait(20)
            assert rig.closed() is allowed
            assert await rig.primary.reset() == "Accepted"  # it is served while Pending
            await back(rig, rig.restarted())
            await rig.until_status("Charging")  # accepted now
            rig.unplug()
            await rig.until_settled()
            assert len(rig.primary.ledger.starts()) == (2 if allowed else 1)
            rig.check(offline_cards=NO_CARD)

    options = RigOptions(connector=FREE, station={"free_before_accepted": allowed})
    run_virtual(main(), real_limit_s=REAL_LIMIT_S)


@pytest.mark.rule("product.N1")
def test_a_key_at_the_wall_begins_and_ends_a_session(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        outlet = rig.plant.connector(1)
        rig.plug()
        await rig.until_status("Preparing")
        await wait(5)
        assert not rig.closed()
        outlet.key.turn(True)
        await rig.until_status("Charging")
        await wait(10)
        outlet.key.turn(False)
        await rig.until_delivered(1)
        assert reasons(rig) == [["Local"], ["Local"]]
        assert statuses(rig.primary)[-1] == "Finishing"
        await leave(rig)
        outlet.key.turn(True)
        rig.plug()
        await rig.until_status("Charging")
        rig.unplug()
        await rig.until_delivered(2)
        assert [start.id_tag for start in rig.primary.ledger.starts()] == [TAG, TAG]

    play(tmp_path, story, RigOptions(connector=KEY, board=PHOENIX), offline_cards=NO_CARD)


@pytest.mark.rule("product.N1")
@pytest.mark.rule("product.N2")
@pytest.mark.parametrize("still_on", [True, False])
def test_a_session_of_a_key_outlives_the_agent_only_with_its_key(tmp_path: Path, still_on: bool) -> None:
    async def story(rig: StationRig) -> None:
        outlet = rig.plant.connector(1)
        outlet.key.turn(True)
        rig.plug()
        await rig.until_status("Charging")
        await wait(10)
        if not still_on:
            rig.agent.freeze()
            outlet.key.turn(False)  # while nobody looks
        await rig.kill()
        if still_on:
            await rig.until_resumed()
            outlet.key.turn(False)
        await rig.until_delivered(1)
        assert len(rig.primary.ledger.starts()) == 1
        rig.unplug()
        await rig.until_settled()

    options = RigOptions(connector=KEY, board=PHOENIX, station={"after_power_loss": "resume"})
    play(tmp_path, story, options, offline_cards=NO_CARD)
