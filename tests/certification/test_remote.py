"""Certification, Core: what the backend starts, stops, unlocks and sends."""

from __future__ import annotations

from pathlib import Path

import pytest
from ocpp.v16 import call

from tests.certification.messages import authorize, status, stop
from tests.certification.tool import CAPTIVE, OTHER_CARD, SOCKET, Tool, examine, locked, station
from tests.rig.driver import CARD
from tests.scenarios.acts import BOARDS

TIME_OUT_S = 20
on_each_cable = pytest.mark.parametrize("captive", [SOCKET, CAPTIVE], ids=["socket", "fixed cable"])
asking_or_not = pytest.mark.parametrize("asking", [True, False], ids=["asking", "not asking"])
on_each_board_with_a_lock = pytest.mark.parametrize("board", BOARDS)


def remote_keys(asking: bool) -> dict[str, str]:
    """Whether a remote start is asked about like a card."""
    return {"AuthorizeRemoteTxRequests": "true" if asking else "false"}


@on_each_cable
@asking_or_not
@pytest.mark.certification("TC_010_CS")
def test_tc_010_remote_start_with_the_cable_plugged(tmp_path: Path, asking: bool, captive: bool) -> None:
    async def script(tool: Tool) -> None:
        tool.rig.plug()
        await tool.expect(status(1, "Preparing"))
        await tool.ask(tool.backend.remote_start(CARD, 1), "Accepted")
        if asking:
            await tool.expect(authorize(CARD))
        await tool.expect_charging()
        await tool.expect_nothing()

    examine(tmp_path, script, captive=captive, keys=remote_keys(asking))


@on_each_cable
@asking_or_not
@pytest.mark.certification("TC_011_1_CS")
def test_tc_011_1_remote_start_before_the_cable_is_plugged(tmp_path: Path, asking: bool, captive: bool) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(tool.backend.remote_start(CARD, 1), "Accepted")
        if asking:
            await tool.expect_in_any_order(authorize(CARD), status(1, "Preparing"))
        else:
            await tool.expect(status(1, "Preparing"))
        tool.rig.plug()
        await tool.expect_charging()
        await tool.expect_nothing()

    examine(tmp_path, script, captive=captive, keys=remote_keys(asking))


@asking_or_not
@pytest.mark.certification("TC_011_2_CS")
def test_tc_011_2_remote_start_and_no_cable_ends_with_the_connection_time_out(tmp_path: Path, asking: bool) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(tool.backend.remote_start(CARD, 1), "Accepted")
        wanted = [status(1, "Preparing"), *([authorize(CARD)] if asking else [])]
        preparing, *_ = await tool.expect_in_any_order(*wanted)
        available = await tool.expect(status(1, "Available"), within_s=TIME_OUT_S + 5)
        assert available.at_s - preparing.at_s == pytest.approx(TIME_OUT_S, abs=2)
        await tool.expect_nothing()

    examine(tmp_path, script, keys={"ConnectionTimeOut": str(TIME_OUT_S), **remote_keys(asking)})


@on_each_cable
@pytest.mark.certification("TC_012_CS")
@pytest.mark.rule("ocpp16.X13")
def test_tc_012_remote_stop(tmp_path: Path, captive: bool) -> None:
    async def script(tool: Tool) -> None:
        transaction = await tool.charge()
        await tool.ask(tool.backend.remote_stop(transaction), "Accepted")
        await tool.expect_in_any_order(stop(transaction, "Remote"), status(1, "Finishing"))
        await tool.leave()
        await tool.expect_nothing()

    examine(tmp_path, script, captive=captive)


@pytest.mark.certification("TC_017_1_CS")
def test_tc_017_1_unlock_without_a_session_at_a_socket(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(tool.backend.unlock(1), "Unlocked")
        await tool.expect_nothing()

    examine(tmp_path, script)


@pytest.mark.certification("TC_017_2_CS")
def test_tc_017_2_unlock_without_a_session_at_a_fixed_cable(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(tool.backend.unlock(1), "NotSupported")
        await tool.expect_nothing()

    examine(tmp_path, script, captive=CAPTIVE)


@pytest.mark.certification("TC_018_1_CS")
def test_tc_018_1_unlock_in_a_session_at_a_socket(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        transaction = await tool.charge()
        await tool.ask(tool.backend.unlock(1), "Unlocked", consequences_first=True)
        assert not tool.rig.closed()
        assert not locked(tool)
        await tool.expect_in_any_order(stop(transaction, "UnlockCommand"), status(1, "Finishing"))
        await tool.leave()
        await tool.expect_nothing()

    examine(tmp_path, script)


@pytest.mark.certification("TC_018_2_CS")
def test_tc_018_2_unlock_in_a_session_at_a_fixed_cable(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.charge()
        await tool.ask(tool.backend.unlock(1), "NotSupported")
        await tool.expect_nothing()
        assert tool.rig.closed()

    examine(tmp_path, script, captive=CAPTIVE)


@pytest.mark.certification("TC_026_CS")
def test_tc_026_remote_start_of_a_busy_connector_is_rejected(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.charge()
        await tool.ask(tool.backend.remote_start(OTHER_CARD, 1), "Rejected")
        await tool.expect_nothing()
        assert tool.rig.closed()

    examine(tmp_path, script)


@pytest.mark.certification("TC_027_CS")
def test_tc_027_remote_start_of_connector_0_is_refused(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(tool.backend.remote_start(CARD, 0), "Rejected", "CALLERROR PropertyConstraintViolation")
        await tool.expect_nothing()

    examine(tmp_path, script)


@pytest.mark.certification("TC_028_CS")
def test_tc_028_remote_stop_of_an_unknown_transaction_is_rejected(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        transaction = await tool.charge()
        await tool.ask(tool.backend.remote_stop(transaction + 1), "Rejected")
        await tool.expect_nothing()
        assert tool.rig.closed()

    examine(tmp_path, script)


@on_each_board_with_a_lock
@pytest.mark.certification("TC_030_CS")
def test_tc_030_an_unlock_that_fails_says_so(tmp_path: Path, board: str) -> None:
    async def script(tool: Tool) -> None:
        transaction = await tool.charge()
        tool.rig.fault("lock_jam")
        await tool.ask(tool.backend.unlock(1), "UnlockFailed", consequences_first=True)
        stopped = stop(transaction, "UnlockCommand")
        await tool.expect_in_any_order(stopped, status(1, "Finishing"))
        assert not tool.rig.closed()
        tool.rig.fault("lock_jam", False)
        await tool.ask(tool.backend.unlock(1), "Unlocked", consequences_first=True)

    examine(tmp_path, script, options=station(board=board), stays_locked=True)


@pytest.mark.certification("TC_031_CS")
def test_tc_031_unlock_of_an_unknown_connector_is_not_supported(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(tool.backend.unlock(2), "NotSupported")
        await tool.expect_nothing()

    examine(tmp_path, script)


@pytest.mark.certification("TC_062_CS")
def test_tc_062_data_of_a_vendor_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        data = call.DataTransfer(vendor_id="org.example.unknown", message_id="message", data="data")
        await tool.ask(tool.backend.status_of(data), "Rejected", "UnknownVendorId", "UnknownMessageId")
        await tool.expect_nothing()

    examine(tmp_path, script)
