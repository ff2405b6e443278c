"""Certification, Core: what happens while the connection is gone, and what is told when it is back."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tests.certification.messages import message, start, status, stop
from tests.certification.tool import Tool, examine
from tests.rig.driver import CARD

INTERVAL_S = 20
UNKNOWN_MAY_START = {"LocalAuthorizeOffline": "true", "AllowOfflineTxForUnknownId": "true"}
UNKNOWN = frozenset({CARD.casefold()})
"""For the oracle: the card that may charge while nobody can be asked."""
NO_MORE_ENERGY = {"MaxEnergyOnInvalidId": "0"}


async def charge_offline(tool: Tool) -> None:
    """The connection goes, a car comes, a card is shown, and the car charges."""
    await tool.lose_connection()
    tool.rig.plug()
    await tool.wait(2)
    tool.rig.card()
    await tool.until(tool.rig.closed, what="the car charges")
    await tool.wait(5)


@pytest.mark.certification("TC_036_CS")
@pytest.mark.rule("ocpp16.X21")
@pytest.mark.rule("ocpp16.X29")
def test_tc_036_values_taken_while_the_connection_is_gone_come_in_order(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        transaction = await tool.charge()
        value = message("MeterValues", connectorId=1, transactionId=transaction)
        first = await tool.expect(value, within_s=INTERVAL_S + 5)
        await tool.lose_connection()
        await tool.wait(4 * INTERVAL_S)
        assert tool.rig.closed()
        await tool.restore_connection()
        values = [first, *[await tool.expect(value, within_s=INTERVAL_S + 5) for _ in range(6)]]
        instants = [datetime.fromisoformat(frame.payload["meterValue"][0]["timestamp"]) for frame in values]
        steps = [(later - earlier).total_seconds() for earlier, later in pairwise(instants)]
        assert steps == pytest.approx([INTERVAL_S] * 6, abs=0.5)
        await tool.expect_nothing()

    examine(tmp_path, script, keys={"MeterValueSampleInterval": str(INTERVAL_S)})


@pytest.mark.certification("TC_037_1_CS")
@pytest.mark.rule("ocpp16.X61")
def test_tc_037_1_a_session_begun_offline_with_a_valid_card_goes_on(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await charge_offline(tool)
        await tool.restore_connection()
        await tool.expect_charging()
        await tool.expect_nothing()
        assert tool.rig.closed()

    examine(tmp_path, script, keys=UNKNOWN_MAY_START, offline_cards=UNKNOWN)


@pytest.mark.certification("TC_037_2_CS")
@pytest.mark.rule("ocpp16.X06")
@pytest.mark.rule("ocpp16.X61")
def test_tc_037_2_a_session_begun_offline_with_an_invalid_card_keeps_its_transaction(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await charge_offline(tool)
        tool.backend.script.starts[CARD] = "Invalid"
        await tool.restore_connection()
        await tool.expect_in_any_order(start(CARD), status(1, "Charging"))
        await tool.expect(status(1, "SuspendedEVSE"))
        await tool.expect_nothing()
        assert not tool.rig.closed()

    examine(
        tmp_path,
        script,
        keys={**UNKNOWN_MAY_START, "StopTransactionOnInvalidId": "false", **NO_MORE_ENERGY},
        offline_cards=UNKNOWN,
    )


@pytest.mark.certification("TC_037_3_CS")
@pytest.mark.rule("ocpp16.X06")
@pytest.mark.rule("ocpp16.X61")
def test_tc_037_3_a_session_begun_offline_with_an_invalid_card_is_stopped(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await charge_offline(tool)
        tool.backend.script.starts[CARD] = "Invalid"
        await tool.restore_connection()
        started, _ = await tool.expect_in_any_order(start(CARD), status(1, "Charging"))
        stopped = stop(tool.transaction(started), "DeAuthorized")
        await tool.expect_in_any_order(stopped, status(1, "Finishing"))
        await tool.expect_nothing()
        assert not tool.rig.closed()

    keys = {**UNKNOWN_MAY_START, "StopTransactionOnInvalidId": "true", **NO_MORE_ENERGY}
    examine(tmp_path, script, keys=keys, stays_locked=True, offline_cards=UNKNOWN)


@pytest.mark.certification("TC_038_CS")
@pytest.mark.rule("ocpp16.X63")
def test_tc_038_a_session_ended_offline(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        transaction = await tool.charge()
        await tool.lose_connection()
        stopped_at = tool.backend.now()
        tool.rig.card()
        await tool.until(lambda: not tool.rig.closed(), what="the car is stopped")
        await tool.wait(5)
        await tool.restore_connection()
        stopped, _ = await tool.expect_in_any_order(stop(transaction, "Local"), status(1, "Finishing"))
        delay = datetime.fromisoformat(stopped.payload["timestamp"]) - datetime.fromisoformat(stopped_at)
        assert 0 <= delay.total_seconds() < 4  # when it happened, not when it was told
        await tool.leave()
        await tool.expect_nothing()

    examine(tmp_path, script)


@pytest.mark.certification("TC_039_CS")
@pytest.mark.rule("ocpp16.X62")
def test_tc_039_a_whole_session_offline_is_told_in_order_with_its_times(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        began = datetime.fromisoformat(tool.backend.now())
        await charge_offline(tool)
        tool.rig.card()
        await tool.until(lambda: not tool.rig.closed(), what="the car is stopped")
        await tool.wait(5)
        ended = datetime.fromisoformat(tool.backend.now())
        await tool.wait(60)
        await tool.restore_connection()
        finishing, started = await tool.expect_in_any_order(status(1, "Finishing"), start(CARD))
        assert finishing
        stopped = await tool.expect(stop(tool.transaction(started), "Local"))
        times = [datetime.fromisoformat(frame.payload["timestamp"]) for frame in (started, stopped)]
        assert began < times[0] < times[1] < ended
        assert stopped.payload["meterStop"] > started.payload["meterStart"]
        await tool.leave()
        await tool.expect_nothing()

    examine(tmp_path, script, keys=UNKNOWN_MAY_START, offline_cards=UNKNOWN)
