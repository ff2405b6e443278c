"""What a change of roles costs, what it leaves behind, and what is no reason for one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent.settings.settings import UpstreamRequest
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import run_virtual
from tests.scenarios.acts import CARD, SAME_CARD_S, begin, play, wait
from tests.scenarios.test_change_of_operator import Filed, ask
from tests.scenarios.test_local_list import asked, send, version


@pytest.mark.rule("two-upstreams.RC01")
def test_a_staged_change_tells_what_a_reboot_would_cost_at_that_moment(tmp_path: Path) -> None:
    async def story() -> None:
        async with Filed(tmp_path, RigOptions(primary=False)) as rig:
            await rig.ready()
            await begin(rig)
            able = rig.agent.agent.abilities()
            request = UpstreamRequest("ws://operator.example/ocpp", "CP1", 0)
            pending = await able.set_primary(request)  # type: ignore[misc]
            assert (pending.cost.running, pending.cost.undelivered) == (1, 0)
            await rig.management.stop()
            await wait(SAME_CARD_S)
            rig.card()
            await wait(10)
            await able.discard_pending()  # type: ignore[misc]
            pending = await able.set_primary(request)  # type: ignore[misc]
            assert (pending.cost.running, pending.cost.undelivered) == (0, 1), "the stop waits for management"
            await wait(30)
            assert rig.agent.status is None, "staged, and nothing more"

    run_virtual(story(), real_limit_s=60)


@pytest.mark.rule("two-upstreams.RC06")
def test_a_list_that_the_primary_sends_as_it_is_removed_lets_nobody_charge_after_it(tmp_path: Path) -> None:
    async def applied(rig: Filed) -> None:
        assert await rig.management.reset("Hard") == "Accepted"
        await rig.restarted()
        await rig.until(lambda: rig.management.connected.is_set(), within_s=60)
        await wait(10)

    async def story() -> None:
        async with Filed(tmp_path, RigOptions(primary=False)) as rig, rig.primary as primary:
            management = rig.management
            await rig.ready()
            await ask(management, "SetPrimary", url=primary.url, identity="CP1")
            await applied(rig)
            await rig.until(lambda: primary.ledger.status(1), within_s=60)
            assert await send(primary, 5, (CARD, "Accepted")) == "Accepted"
            await ask(management, "RemovePrimary", word="delete")
            sent, reset = await asyncio.gather(send(primary, 6, (CARD, "Accepted")), management.reset("Hard"))
            assert (sent, reset) == ("Accepted", "Accepted")
            await rig.restarted()
            await rig.until(lambda: management.connected.is_set(), within_s=60)
            await wait(10)
            assert await version(management) == 0
            assert await management.change_configuration("LocalPreAuthorize", "true") == "Accepted"
            before = asked(management)
            await begin(rig)
            assert asked(management) == before + 1, "the list of the former primary decides nothing"
            await wait(SAME_CARD_S)
            rig.card()
            await rig.until(lambda: management.ledger.stops(), within_s=60)
            rig.unplug()
            await ask(management, "SetPrimary", url=primary.url, identity="CP1")
            await applied(rig)
            await rig.until(lambda: primary.connected.is_set(), within_s=60)
            await wait(5)
            assert await version(primary) == 0, "it does not come back with it"

    run_virtual(story(), real_limit_s=60)


@pytest.mark.rule("two-upstreams.RC10")
def test_a_primary_that_shuts_us_out_is_reported_to_management_which_does_not_become_billing(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        rig.primary.script.http_status = 401
        rig.primary.drop()
        await wait(200)
        assert not rig.primary.connected.is_set()
        told = [one.payload["type"] for one in rig.management.ledger.calls("SecurityEventNotification")]
        assert "FailedToAuthenticateAtCentralSystem" in told
        rig.plug()
        await rig.until_status("Preparing")
        rig.card()
        await wait(60)
        assert asked(rig.management) == 0
        assert rig.management.ledger.starts() == []
        shown, _ = await rig.management.get_configuration("stationd.BillingUpstream")
        assert shown["stationd.BillingUpstream"][0] == "primary-1"

    play(tmp_path, story)
