"""The rig itself: a session, a power cut, a death, and cuts between two effects, each judged by the oracle."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.rig.driver import CARD
from tests.rig.fuse import Fuse
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import run_virtual

Scenario = Callable[[StationRig], Awaitable[None]]


def on_rig(folder: Path, scenario: Scenario, options: RigOptions | None = None, fuse: Fuse | None = None) -> StationRig:
    async def main() -> StationRig:
        async with StationRig(folder, options, fuse=fuse) as rig:
            await rig.ready()
            await scenario(rig)
            return rig

    return run_virtual(main(), real_limit_s=40)


async def charge(rig: StationRig, seconds: float = 30.0) -> None:
    rig.plug()
    await rig.until_status("Preparing")
    rig.card()
    await rig.until_status("Charging")
    await asyncio.sleep(seconds)


async def finish(rig: StationRig) -> None:
    rig.card()
    await rig.until_delivered(1)
    rig.unplug()
    await rig.until_status("Available")


@pytest.mark.rule("product.A9")
@pytest.mark.rule("product.P5")
@pytest.mark.rule("security.ATK-28")
@pytest.mark.parametrize("primary", [True, False])
def test_one_session_with_two_further_operators(tmp_path: Path, primary: bool) -> None:
    async def scenario(rig: StationRig) -> None:
        await charge(rig)
        await finish(rig)
        rig.check()
        assert [
            stop.payload["transactionId"] for one in rig.operators for stop in one.ledger.calls("StopTransaction")
        ] == [3000, 4000]
        tags = {backend.ledger.starts()[0].id_tag for backend in rig.operators}
        assert len(tags) == 1
        assert CARD not in tags
        asked = [backend.name for backend in rig.backends if backend.ledger.calls("Authorize")]
        assert asked == ["primary" if primary else "management"]

    on_rig(tmp_path, scenario, RigOptions(primary=primary, operators=2))


@pytest.mark.rule("INV-1")
@pytest.mark.rule("INV-3")
@pytest.mark.rule("INV-4")
@pytest.mark.rule("INV-7")
@pytest.mark.rule("product.A9")
@pytest.mark.rule("product.A10")
@pytest.mark.rule("ocpp16.X10")
def test_one_session(tmp_path: Path) -> None:
    async def scenario(rig: StationRig) -> None:
        await charge(rig)
        assert rig.closed()
        assert await rig.management.remote_stop(1000) == "Rejected"
        await finish(rig)
        rig.check()
        assert [c.connector for c in rig.commits] == [1]
        assert [s.id_tag for s in rig.primary.ledger.starts()] == [CARD]

    on_rig(tmp_path, scenario)


@pytest.mark.rule("product.A1")
def test_management_alone_is_billing(tmp_path: Path) -> None:
    async def scenario(rig: StationRig) -> None:
        await charge(rig)
        await finish(rig)
        assert rig.billing is rig.management
        assert rig.management.ledger.calls("Authorize")
        rig.check()

    on_rig(tmp_path, scenario, RigOptions(primary=False))


@pytest.mark.rule("INV-1")
@pytest.mark.rule("ocpp16.X75")
def test_a_power_cut_while_charging(tmp_path: Path) -> None:
    async def scenario(rig: StationRig) -> None:
        await charge(rig)
        await rig.power_cut(random.Random(1))
        await rig.until_delivered(1)
        rig.unplug()
        await rig.until_status("Available")
        assert [stop.reason for stop in rig.primary.ledger.stops()] == ["PowerLoss"]
        rig.check()

    on_rig(tmp_path, scenario)


@pytest.mark.rule("INV-11")
@pytest.mark.rule("ocpp16.X77")
def test_a_death_of_the_process_while_charging(tmp_path: Path) -> None:
    async def scenario(rig: StationRig) -> None:
        await charge(rig)
        await rig.kill()
        await rig.until_delivered(1)
        rig.unplug()
        await rig.until_status("Available")
        assert [stop.reason for stop in rig.primary.ledger.stops()] == ["Reboot"]
        rig.check()

    on_rig(tmp_path, scenario)


@pytest.mark.rule("INV-6")
@pytest.mark.rule("ocpp16.X74")
def test_a_stop_in_order_ends_the_session_first(tmp_path: Path) -> None:
    async def scenario(rig: StationRig) -> None:
        await charge(rig)
        assert await rig.stop() == 0
        rig.start(new_boot=False)
        await rig.until_delivered(1)
        rig.unplug()
        await rig.until_status("Available")
        rig.check()

    on_rig(tmp_path, scenario)


@pytest.mark.rule("product.A8")
@pytest.mark.rule("ocpp16.X21")
@pytest.mark.rule("INV-2")
def test_a_backend_that_is_away_gets_everything_later(tmp_path: Path) -> None:
    async def scenario(rig: StationRig) -> None:
        await rig.management.stop()
        await charge(rig)
        await asyncio.sleep(120)
        await rig.management.start()
        await rig.until(rig.management.connected.is_set, within_s=400)
        await finish(rig)
        rig.check()

    on_rig(tmp_path, scenario)


@pytest.mark.rule("INV-1")
@pytest.mark.rule("INV-2")
@pytest.mark.parametrize("at", [11, 34, 60])
def test_a_cut_between_two_effects(tmp_path: Path, at: int) -> None:
    """A few places only; the scenario of power cuts visits them all."""
    fuse = Fuse(at)

    async def main() -> None:
        async with StationRig(tmp_path, fuse=fuse) as rig:
            story = asyncio.ensure_future(until_blown(rig))
            await asyncio.wait({story, asyncio.ensure_future(blown.wait())}, return_when=asyncio.FIRST_COMPLETED)
            story.cancel()
            await asyncio.gather(story, return_exceptions=True)
            assert fuse.blown
            await rig.power_cut()
            await rig.ready()
            rig.unplug()
            await rig.until_status("Available")
            await asyncio.sleep(60)
            rig.check()

    async def until_blown(rig: StationRig) -> None:
        await rig.ready()
        await charge(rig)
        await finish(rig)

    blown = asyncio.Event()
    fuse.on_blow.append(blown.set)
    run_virtual(main(), real_limit_s=40)
