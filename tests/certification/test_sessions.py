"""Certification, Core: sessions at the station and their ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.certification.messages import authorize, status, stop
from tests.certification.tool import FAMILY_CARD, OTHER_CARD, QUIET_S, Tool, examine, locked
from tests.rig.driver import CARD

TIME_OUT_S = 20
on_each_cable = pytest.mark.parametrize("captive", [False, True], ids=["socket", "fixed cable"])
on_each_verdict = pytest.mark.parametrize("verdict", ["Invalid", "Blocked", "Expired"])
CACHE = {"AuthorizationCacheEnabled": "true", "LocalPreAuthorize": "true", "AuthorizeRemoteTxRequests": "true"}


@on_each_cable
@pytest.mark.certification("TC_003_CS")
@pytest.mark.rule("ocpp16.X01")
def test_tc_003_a_session_that_plugs_in_first(tmp_path: Path, captive: bool) -> None:
    async def script(tool: Tool) -> None:
        tool.rig.plug()
        await tool.expect(status(1, "Preparing"))
        tool.rig.card()
        await tool.expect(authorize(CARD))
        await tool.expect_charging()
        await tool.expect_nothing()

    examine(tmp_path, script, captive=captive)


@on_each_cable
@pytest.mark.certification("TC_004_1_CS")
@pytest.mark.rule("ocpp16.S10")
def test_tc_004_1_a_session_that_identifies_first(tmp_path: Path, captive: bool) -> None:
    async def script(tool: Tool) -> None:
        tool.rig.card()
        await tool.expect_in_any_order(authorize(CARD), status(1, "Preparing"))
        tool.rig.plug()
        await tool.expect_charging()
        await tool.expect_nothing()

    examine(tmp_path, script, captive=captive)


@pytest.mark.certification("TC_004_2_CS")
def test_tc_004_2_a_card_with_no_cable_ends_with_the_connection_time_out(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        tool.rig.card()
        _, preparing = await tool.expect_in_any_order(authorize(CARD), status(1, "Preparing"))
        available = await tool.expect(status(1, "Available"), within_s=TIME_OUT_S + 5)
        assert available.at_s - preparing.at_s == pytest.approx(TIME_OUT_S, abs=2)
        await tool.expect_nothing()

    examine(tmp_path, script, keys={"ConnectionTimeOut": str(TIME_OUT_S)})


@on_each_cable
@pytest.mark.certification("TC_068_CS")
@pytest.mark.rule("ocpp16.X10")
@pytest.mark.rule("ocpp16.X11")
def test_tc_068_only_the_card_that_started_stops(tmp_path: Path, captive: bool) -> None:
    async def script(tool: Tool) -> None:
        transaction = await tool.charge()
        tool.rig.card(OTHER_CARD)
        await tool.expect_nothing(besides={"Authorize"})
        assert tool.rig.closed()
        tool.rig.card()
        await tool.expect_in_any_order(stop(transaction, "Local", idTag=CARD), status(1, "Finishing"))
        await tool.leave()
        await tool.expect_nothing()

    examine(tmp_path, script, captive=captive)


@pytest.mark.certification("TC_069_CS")
@pytest.mark.rule("ocpp16.X11")
def test_tc_069_a_card_of_the_same_group_stops(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        tool.backend.script.parents.update({CARD: "FAMILY", FAMILY_CARD: "FAMILY"})
        transaction = await tool.charge()
        tool.rig.card(FAMILY_CARD)
        await tool.expect(authorize(FAMILY_CARD))
        await tool.expect_in_any_order(stop(transaction, "Local", idTag=FAMILY_CARD), status(1, "Finishing"))
        await tool.leave()

    examine(tmp_path, script)


@on_each_cable
@pytest.mark.certification("TC_005_1_CS")
@pytest.mark.rule("ocpp16.X50")
def test_tc_005_1_a_pulled_cable_stops_and_unlocks(tmp_path: Path, captive: bool) -> None:
    async def script(tool: Tool) -> None:
        if not captive:
            await tool.configure({"UnlockConnectorOnEVSideDisconnect": "true"})
        transaction = await tool.charge()
        tool.rig.unplug()
        stopped = stop(transaction, "EVDisconnected")
        if captive:
            await tool.expect_in_any_order(stopped, status(1, "Finishing", "Available"))
        else:
            await tool.expect_in_any_order(stopped, status(1, "Finishing"))
        await tool.until(lambda: tool.backend.ledger.status(1) == "Available", what="the connector is free")
        await tool.until(lambda: not locked(tool), what="the cable is released")

    examine(tmp_path, script, captive=captive, keys={"StopTransactionOnEVSideDisconnect": "true"})


@on_each_cable
@pytest.mark.certification("TC_005_2_CS")
@pytest.mark.rule("ocpp16.X50")
def test_tc_005_2_a_pulled_cable_stops_and_stays_locked(tmp_path: Path, captive: bool) -> None:
    async def script(tool: Tool) -> None:
        if not captive:
            await tool.configure({"UnlockConnectorOnEVSideDisconnect": "false"})
        transaction = await tool.charge()
        tool.rig.unplug()
        ended = ("Finishing", "Available") if captive else ("Finishing",)
        await tool.expect_in_any_order(stop(transaction, "EVDisconnected"), status(1, *ended))
        if captive:
            await tool.wait(QUIET_S)  # a fixed cable may be free again at once
        else:
            await tool.expect_nothing()
            assert locked(tool)
        unlocked = "NotSupported" if captive else "Unlocked"
        await tool.ask(tool.backend.unlock(1), unlocked, consequences_first=True)
        await tool.until(lambda: tool.backend.ledger.status(1) == "Available", what="the connector is free")

    examine(tmp_path, script, captive=captive, keys={"StopTransactionOnEVSideDisconnect": "true"}, stays_locked=True)


@on_each_cable
@pytest.mark.certification("TC_005_3_CS")
@pytest.mark.rule("ocpp16.X51")
def test_tc_005_3_a_pulled_cable_suspends_the_transaction(tmp_path: Path, captive: bool) -> None:
    async def script(tool: Tool) -> None:
        if not captive:
            await tool.configure({"UnlockConnectorOnEVSideDisconnect": "false"})
        transaction = await tool.charge()
        tool.rig.unplug()
        await tool.expect(status(1, "SuspendedEV", "SuspendedEVSE", info="EV side disconnected"))
        await tool.expect_nothing()
        assert captive or locked(tool)
        await tool.ask(tool.backend.remote_stop(transaction), "Accepted")
        ended = ("Finishing", "Available") if captive else ("Finishing",)
        await tool.expect_in_any_order(stop(transaction, "Remote"), status(1, *ended))
        await tool.until(lambda: tool.backend.ledger.status(1) == "Available", what="the connector is free")

    examine(tmp_path, script, captive=captive, keys={"StopTransactionOnEVSideDisconnect": "false"})


@pytest.mark.certification("TC_007_CS")
@pytest.mark.rule("ocpp16.X05")
def test_tc_007_a_card_in_the_cache_starts_without_being_asked_about(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        transaction = await tool.charge()  # fills the cache
        await tool.ask(tool.backend.remote_stop(transaction), "Accepted")
        await tool.expect_in_any_order(stop(transaction, "Remote"), status(1, "Finishing"))
        await tool.leave()
        tool.rig.plug()
        await tool.expect(status(1, "Preparing"))
        await tool.ask(tool.backend.remote_start(CARD, 1), "Accepted")
        await tool.expect_charging()
        await tool.expect_nothing()

    examine(tmp_path, script, keys=CACHE)


@pytest.mark.certification("TC_007_CS")
def test_tc_007_a_card_in_the_cache_that_is_shown_starts_without_being_asked_about(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        transaction = await tool.charge()
        await tool.ask(tool.backend.remote_stop(transaction), "Accepted")
        await tool.expect_in_any_order(stop(transaction, "Remote"), status(1, "Finishing"))
        await tool.leave()
        tool.rig.plug()
        await tool.expect(status(1, "Preparing"))
        tool.rig.card()
        await tool.expect_charging()
        await tool.expect_nothing()

    examine(tmp_path, script, keys=CACHE)


@pytest.mark.certification("TC_061_CS")
def test_tc_061_an_emptied_cache_asks_again(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        transaction = await tool.charge()
        await tool.ask(tool.backend.remote_stop(transaction), "Accepted")
        await tool.expect_in_any_order(stop(transaction, "Remote"), status(1, "Finishing"))
        await tool.leave()
        await tool.ask(tool.backend.clear_cache(), "Accepted")
        tool.rig.plug()
        await tool.expect(status(1, "Preparing"))
        tool.rig.card()
        await tool.expect(authorize(CARD))
        await tool.expect_charging()

    examine(tmp_path, script, keys=CACHE)


@on_each_verdict
@pytest.mark.certification("TC_023_CS")
def test_tc_023_a_card_that_is_not_accepted_starts_nothing(tmp_path: Path, verdict: str) -> None:
    async def script(tool: Tool) -> None:
        tool.backend.script.cards[CARD] = verdict
        tool.rig.plug()
        await tool.expect(status(1, "Preparing"))
        tool.rig.card()
        await tool.expect(authorize(CARD))
        await tool.expect_nothing()
        assert not tool.rig.closed()

    examine(tmp_path, script)
