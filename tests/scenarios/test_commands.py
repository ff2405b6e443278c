"""Unlock, availability, configuration and reset, from both sides, with and without a transaction."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.rig.driver import CARD
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import back, begin, end, leave, logged, play, reasons, statuses, wait

RESTART_S = 30.0


async def restarted(rig: StationRig) -> str:
    """The agent ends by itself and is started again, by the manager or with the system; which of the two."""
    async with asyncio.timeout(RESTART_S):
        assert await rig.agent.ended() == 0
    request = rig.agent.notify_socket.with_name("reboot-request")
    reboot = request.exists()
    request.unlink(missing_ok=True)
    await wait(2)

    async def start() -> None:
        rig.start(new_boot=reboot)

    await back(rig, start())
    return "system" if reboot else "agent"


def locked(rig: StationRig) -> bool:
    """The lock is in the cable."""
    lock = rig.plant.connector(1).lock
    return lock is not None and lock.locked


@pytest.mark.rule("product.P4")
@pytest.mark.rule("two-upstreams.TU05")
def test_unlocking_stops_a_transaction_only_for_the_upstream_that_owns_it(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        assert await rig.management.unlock(1) == "Unlocked"  # no transaction: either side may
        assert await rig.primary.unlock(2) == "NotSupported"
        await begin(rig)
        assert await rig.management.unlock(1) == "UnlockFailed"
        assert rig.closed()
        assert locked(rig)
        assert await rig.primary.unlock(1) == "Unlocked"
        assert not locked(rig)
        await rig.until_delivered(1)
        assert reasons(rig) == [["UnlockCommand"], ["UnlockCommand"]]
        await leave(rig)

    play(tmp_path, story)


def test_an_unlock_that_the_lock_does_not_obey_says_so(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        rig.fault("lock_jam")
        assert await rig.primary.unlock(1) == "UnlockFailed"
        await rig.until_delivered(1)
        rig.fault("lock_jam", False)
        assert await rig.primary.unlock(1) == "Unlocked"
        await leave(rig)

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.X73")
@pytest.mark.rule("two-upstreams.TU02")
def test_each_side_holds_and_releases_for_itself_and_holds_survive_a_power_cut(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        assert await rig.management.change_availability(1, "Inoperative") == "Accepted"
        await rig.until_status("Unavailable")
        assert rig.primary.ledger.statuses(1)[-1].info == "held by another party"
        assert await rig.primary.change_availability(1, "Inoperative") == "Accepted"
        assert await rig.management.change_availability(1, "Operative") == "Scheduled"  # the primary still holds it
        await back(rig, rig.power_cut())
        assert statuses(rig.primary)[-1] == statuses(rig.management)[-1] == "Unavailable"
        rig.plug()
        rig.card()
        await wait(5)
        assert not rig.primary.ledger.calls("Authorize")
        assert await rig.primary.change_availability(1, "Operative") == "Accepted"
        await rig.until_status("Preparing")

    play(tmp_path, story)


def test_a_connector_taken_out_of_service_while_it_charges_goes_when_the_session_is_over(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        assert await rig.management.change_availability(0, "Inoperative") == "Scheduled"
        await wait(5)
        assert rig.closed()
        assert rig.primary.ledger.status(1) == "Charging"
        await rig.until(lambda: rig.primary.ledger.status(0) == "Unavailable", within_s=2)
        rig.card()
        await rig.until_delivered(1)
        await rig.until_status("Unavailable")
        rig.unplug()
        await wait(2)
        assert await rig.management.change_availability(0, "Operative") == "Accepted"
        await rig.until_status("Available")
        assert rig.primary.ledger.status(0) == "Available"

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.K08")
@pytest.mark.rule("ocpp16.X73")
@pytest.mark.rule("product.E5")
@pytest.mark.rule("two-upstreams.TU01")
def test_keys_are_written_per_upstream_and_are_there_after_a_power_cut(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        assert await rig.primary.change_configuration("MeterValueSampleInterval", "77") == "Accepted"
        assert await rig.primary.change_configuration("connectiontimeout", "44") == "Accepted"
        assert await rig.management.change_configuration("ConnectionTimeOut", "55") == "Rejected"  # Billing's alone
        assert await rig.management.change_configuration("MeterValueSampleInterval", "-1") == "Rejected"
        assert await rig.management.change_configuration("NoSuchKey", "1") == "NotSupported"
        await back(rig, rig.power_cut())
        mine, _ = await rig.primary.get_configuration("MeterValueSampleInterval", "ConnectionTimeOut")
        theirs, unknown = await rig.management.get_configuration(
            "MeterValueSampleInterval", "ConnectionTimeOut", "NoSuchKey"
        )
        assert mine == {"MeterValueSampleInterval": ("77", False), "ConnectionTimeOut": ("44", False)}
        assert theirs["MeterValueSampleInterval"] == ("30", False)
        assert theirs["ConnectionTimeOut"][1]  # readonly
        assert unknown == ["NoSuchKey"]

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.X70")
@pytest.mark.rule("ocpp16.X74")
@pytest.mark.rule("product.E6")
def test_a_soft_reset_by_the_primary_ends_the_session_and_starts_the_agent_again(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        assert await rig.primary.reset("Soft") == "Accepted"
        assert await restarted(rig) == "agent"
        await rig.until_delivered(1)
        assert reasons(rig) == [["SoftReset"], ["SoftReset"]]
        assert rig.primary.ledger.status(1) in ("Preparing", "Finishing")  # the cable is in
        await leave(rig)

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.X71")
@pytest.mark.rule("ocpp16.X21")
@pytest.mark.rule("product.E6")
def test_a_hard_reset_by_the_primary_reboots_and_loses_nothing(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        await rig.management.stop()
        await wait(2)
        assert await rig.primary.reset("Hard") == "Accepted"
        async with asyncio.timeout(RESTART_S):
            assert await rig.agent.ended() == 0
        await rig.management.start()
        assert await restarted(rig) == "system"
        await rig.until_delivered(1)
        assert reasons(rig) == [["HardReset"], ["HardReset"]]
        await leave(rig)

    play(tmp_path, story)


@pytest.mark.rule("ocpp16.X72")
@pytest.mark.rule("product.P4")
@pytest.mark.rule("two-upstreams.TU07")
def test_a_reset_by_management_waits_for_no_session_and_ends_none(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        assert await rig.management.reset("Soft") == "Rejected"
        assert await rig.management.reset("Hard") == "Rejected"
        await wait(5)
        assert rig.closed()
        assert len(logged(rig, "station.command_refused", "management")) == 2
        await end(rig)
        assert await rig.management.reset("Soft") == "Accepted"
        assert await restarted(rig) == "agent"

    play(tmp_path, story)


def test_the_factory_may_allow_management_a_hard_reset_in_a_session(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        await begin(rig)
        assert await rig.management.reset("Soft") == "Rejected"
        assert await rig.management.reset("Hard") == "Accepted"
        assert await restarted(rig) == "system"
        await rig.until_delivered(1)
        assert reasons(rig) == [["HardReset"], ["HardReset"]]
        await leave(rig)

    play(tmp_path, story, RigOptions(station={"hard_reset_during_transaction": True}))


@pytest.mark.rule("product.P1")
@pytest.mark.rule("product.P3")
def test_what_only_billing_may_ask_is_refused_to_management_in_regular_words(tmp_path: Path) -> None:
    async def story(rig: StationRig) -> None:
        assert await rig.management.clear_cache() == "Rejected"
        assert await rig.management.remote_start(CARD, 1) == "Rejected"
        assert await rig.primary.clear_cache() == "Accepted"
        assert not [frame for backend in rig.backends for frame in backend.ledger.errors()]
        assert statuses(rig.primary) == ["Available"]

    play(tmp_path, story)
