"""Certification, Core: faults of the lock and of the connector."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.certification.messages import authorize, status
from tests.certification.tool import Tool, examine, station
from tests.rig.driver import CARD
from tests.scenarios.acts import BOARDS

on_each_board = pytest.mark.parametrize("board", BOARDS)


@on_each_board
@pytest.mark.certification("TC_024_CS")
@pytest.mark.rule("ocpp16.S31")
def test_tc_024_a_lock_that_does_not_lock_starts_no_transaction(tmp_path: Path, board: str) -> None:
    async def script(tool: Tool) -> None:
        tool.rig.fault("lock_jam")
        tool.rig.plug()
        await tool.expect(status(1, "Preparing"))
        tool.rig.card()
        await tool.expect(authorize(CARD))
        await tool.expect(status(1, "Faulted", error="ConnectorLockFailure"))
        await tool.expect_nothing()
        assert not tool.rig.closed()

    examine(tmp_path, script, options=station(board=board))


@on_each_board
@pytest.mark.certification("TC_041_CS")
@pytest.mark.rule("ocpp16.S31")
def test_tc_041_a_fault_refuses_sessions_and_its_end_is_told(tmp_path: Path, board: str) -> None:
    async def script(tool: Tool) -> None:
        tool.rig.fault("residual_current")
        await tool.expect(status(1, "Faulted", error="GroundFailure"))
        tool.rig.plug()
        tool.rig.card()
        await tool.expect_nothing(besides={"Authorize"})
        await tool.ask(tool.backend.remote_start(CARD, 1), "Rejected")
        await tool.expect_nothing(besides={"Authorize"})
        assert not tool.rig.closed()
        tool.rig.unplug()
        await tool.expect_nothing()
        tool.rig.fault("residual_current", False)
        await tool.expect(status(1, "Available"))
        await tool.expect_nothing()

    examine(tmp_path, script, options=station(board=board))
