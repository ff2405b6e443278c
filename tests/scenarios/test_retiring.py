"""A former operator is let go: it gets what it is owed by a link of its own, and may do nothing any more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.settings.addresses import SecurityProfile, UpstreamAddress
from agent.settings.known import Known
from agent.settings.settings import Settings
from agent.vocabulary.ids import UpstreamId
from tests.rig.station_rig import PRIMARY, StationRig
from tests.rig.virtual_time import run_virtual
from tests.scenarios.acts import SAME_CARD_S, begin, logged, wait


class Changing(StationRig):
    """A station whose primary is removed at the next start, once `removed` is set, or set `again` under a new id."""

    removed = False
    again = False

    def settings(self) -> Settings:
        """What the agent starts with."""
        before = super().settings()
        if not self.removed:
            return before
        address = UpstreamAddress(PRIMARY, "Primary", self._url("primary"), "CP1", SecurityProfile.UNSECURED)
        primary = replace(address, id=UpstreamId("primary-2")) if self.again else None
        return replace(before, primary=primary, former=(Known(address),))


async def owe_a_session(rig: Changing) -> None:
    """A session that the primary authorises and is then not there to hear the end of."""
    await rig.ready()
    rig.plug()
    await rig.until_status("Preparing")
    rig.card()
    await rig.until_status("Charging")
    await rig.primary.stop()
    await wait(SAME_CARD_S)
    rig.card()
    await rig.until(lambda: rig.management.ledger.stops(), within_s=30)
    rig.unplug()
    await wait(5)
    rig.removed = True


@pytest.mark.rule("product.A11")
@pytest.mark.rule("two-upstreams.RC05")
def test_what_it_is_owed_is_delivered_in_order_and_then_its_link_is_closed_for_good(tmp_path: Path) -> None:
    async def story() -> None:
        async with Changing(tmp_path) as rig:
            await owe_a_session(rig)
            await rig.power_cut(off_s=1)
            await wait(20)
            await rig.primary.start()
            primary = rig.primary
            await rig.until(primary.ledger.stops, within_s=600, what="the stop at the former primary")
            boots = primary.ledger.calls("BootNotification")
            assert len(boots) == 2
            assert {primary.ledger.status(0), primary.ledger.status(1)} == {"Unavailable"}
            shown, _ = await primary.get_configuration()
            assert shown == {"NumberOfConnectors": ("1", True), "SupportedFeatureProfiles": ("Core", True)}
            assert await primary.remote_start("04A1") == "Rejected"
            assert await primary.reset("Hard") == "Rejected"
            assert await primary.change_availability(0, "Inoperative") == "Rejected"
            await rig.until(lambda: not primary.connected.is_set(), within_s=120, what="goodbye")
            assert primary.ledger.close_codes[-1] == 1000
            assert [stop.reason for stop in primary.ledger.stops()] == ["Local"]
            assert len(primary.ledger.starts()) == 1
            connections = primary.connections
            await wait(300)
            assert primary.connections == connections, "it is not dialled any more"
            assert logged(rig, "its credentials are forgotten")

    run_virtual(story(), real_limit_s=60)


@pytest.mark.rule("product.N10")
@pytest.mark.rule("two-upstreams.RC04")
@pytest.mark.parametrize("running", [False, True])
def test_the_same_backoffice_set_again_gets_what_it_was_owed_under_its_new_id(tmp_path: Path, running: bool) -> None:
    async def story() -> None:
        async with Changing(tmp_path) as rig:
            if running:
                await rig.ready()
                await begin(rig)
                rig.removed = True
            else:
                await owe_a_session(rig)
                await rig.power_cut(off_s=1)
                await wait(60)
                await rig.primary.start()
            rig.again = True
            boots = len(rig.primary.ledger.calls("BootNotification"))
            await rig.power_cut(off_s=1)
            await rig.until(rig.primary.ledger.stops, within_s=600, what="the stop at the primary")
            await wait(200)
            assert len(rig.primary.ledger.starts()) == len(rig.primary.ledger.stops()) == 1
            assert [stop.reason for stop in rig.primary.ledger.stops()] == ["PowerLoss" if running else "Local"]
            assert len(rig.primary.ledger.calls("BootNotification")) == boots + 1, "one link, and not two that fight"
            assert rig.agent.agent.store.depth(PRIMARY) == 0
            rig.check()

    run_virtual(story(), real_limit_s=60)
