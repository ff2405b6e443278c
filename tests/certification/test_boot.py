"""Certification, Core: boots, resets and power failures."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.certification.messages import boot, message, status, stop
from tests.certification.parts import tool_of
from tests.certification.tool import Tool, examine, examine_from_boot, station
from tests.rig.script import Delayed
from tests.rig.station_rig import StationRig

INTERVAL_S = 30
TWO = station(connectors=2)
HEARTBEAT = message("Heartbeat")


def answers(*boots: str) -> Callable[[StationRig], None]:
    """The backend answers the first boots so, with a short interval."""

    def prepare(rig: StationRig) -> None:
        tool_of(rig).script.boot.extend(boots)
        tool_of(rig).script.interval_s = INTERVAL_S

    return prepare


@pytest.mark.certification("TC_001_CS")
@pytest.mark.rule("ocpp16.B02")
@pytest.mark.rule("ocpp16.B04")
@pytest.mark.rule("ocpp16.B05")
def test_tc_001_a_cold_boot_that_is_first_refused(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        first = await tool.expect(boot(), within_s=60)
        second = await tool.expect(boot(), within_s=INTERVAL_S + 5)
        assert second.at_s - first.at_s == pytest.approx(INTERVAL_S, abs=1)
        await tool.expect_in_any_order(*tool.all_statuses())
        beats = [await tool.expect(HEARTBEAT, within_s=INTERVAL_S + 5) for _ in range(3)]
        for one, next_one in pairwise(beats):
            assert next_one.at_s - one.at_s == pytest.approx(INTERVAL_S, abs=1)

    examine_from_boot(tmp_path, script, TWO, answers("Rejected"))


@pytest.mark.certification("TC_002_CS")
@pytest.mark.rule("ocpp16.B03")
def test_tc_002_a_cold_boot_that_is_held_pending(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        first = await tool.expect(boot(), within_s=60)
        await tool.until(lambda: tool.frames[-1].direction == "out", what="the boot is answered")
        values, unknown = await tool.backend.get_configuration()
        assert values
        assert unknown == []
        await tool.ask(tool.backend.change_configuration("MeterValueSampleInterval", "17"), "Accepted")
        tool.rig.plug()  # nothing is told before the station is accepted
        second = await tool.expect(boot(), within_s=INTERVAL_S + 5)
        assert second.at_s - first.at_s == pytest.approx(INTERVAL_S, abs=1)
        await tool.expect_in_any_order(status(0, "Available"), status(1, "Preparing"))
        values, _ = await tool.backend.get_configuration("MeterValueSampleInterval")
        assert values == {"MeterValueSampleInterval": ("17", False)}
        await tool.expect_nothing()

    examine_from_boot(tmp_path, script, station(), answers("Pending"))


@pytest.mark.parametrize("connector", [0, 1])
@pytest.mark.certification("TC_013_CS")
@pytest.mark.rule("ocpp16.X73")
def test_tc_013_a_hard_reset_keeps_what_is_unavailable(tmp_path: Path, connector: int) -> None:
    async def script(tool: Tool) -> None:
        await reset_while_unavailable(tool, "Hard", connector)

    examine(tmp_path, script)


@pytest.mark.parametrize("connector", [0, 1])
@pytest.mark.certification("TC_014_CS")
@pytest.mark.rule("ocpp16.X73")
def test_tc_014_a_soft_reset_keeps_what_is_unavailable(tmp_path: Path, connector: int) -> None:
    async def script(tool: Tool) -> None:
        await reset_while_unavailable(tool, "Soft", connector)

    examine(tmp_path, script)


async def reset_while_unavailable(tool: Tool, kind: str, connector: int) -> None:
    """Out of service, a reset, still out of service, and in service again."""
    whole = connector == 0
    out = [status(c, "Unavailable") for c in ((0, 1) if whole else (1,))]
    back = [status(c, "Available") for c in ((0, 1) if whole else (1,))]
    await tool.ask(tool.backend.change_availability(connector, "Inoperative"), "Accepted")
    await tool.expect_in_any_order(*out)
    await tool.ask(tool.backend.reset(kind), "Accepted")
    await tool.rig.restarted()
    await tool.expect(boot(), within_s=60)
    await tool.expect_in_any_order(status(0, "Unavailable" if whole else "Available"), status(1, "Unavailable"))
    await tool.ask(tool.backend.change_availability(connector, "Operative"), "Accepted")
    await tool.expect_in_any_order(*back)
    await tool.expect_nothing()


@pytest.mark.certification("TC_015_CS")
@pytest.mark.rule("ocpp16.X71")
@pytest.mark.rule("ocpp16.X74")
def test_tc_015_a_hard_reset_stops_the_transaction_before_or_after_the_boot(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        transaction = await tool.charge()
        tool.backend.script.next_time("StopTransaction", Delayed(1.0))
        await tool.ask(tool.backend.reset("Hard"), "Accepted")
        await tool.rig.restarted()
        await tool.until(lambda: tool.backend.ledger.stops() and len(tool.backend.ledger.statuses(0)) == 2, 60)
        stopped = stop(transaction, "HardReset")
        if tool.backend.ledger.stops()[0].at_s < tool.backend.ledger.calls("BootNotification")[1].at_s:
            await tool.expect_in_any_order(stopped, status(1, "Finishing"))
            await tool.expect(boot())
            await tool.expect_in_any_order(status(0, "Available"), status(1, "Finishing", "Preparing"))
        else:
            await tool.expect(boot())
            await tool.expect_in_any_order(status(0, "Available"), status(1, "Finishing", "Preparing"), stopped)
        await tool.leave()
        await tool.expect_nothing()

    examine(tmp_path, script)


@pytest.mark.certification("TC_016_CS")
@pytest.mark.rule("ocpp16.X70")
@pytest.mark.rule("ocpp16.X74")
def test_tc_016_a_soft_reset_stops_the_transaction_before_it(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        transaction = await tool.charge()
        tool.backend.script.next_time("StopTransaction", Delayed(1.0))
        await tool.ask(tool.backend.reset("Soft"), "Accepted")
        await tool.expect_in_any_order(stop(transaction, "SoftReset"), status(1, "Finishing"))
        await tool.rig.restarted()
        await tool.expect(boot(), within_s=60)
        await tool.expect_in_any_order(status(0, "Available"), status(1, "Finishing", "Preparing"))
        await tool.leave()
        await tool.expect_nothing()

    examine(tmp_path, script)


@pytest.mark.certification("TC_032_2_CS")
@pytest.mark.rule("ocpp16.X75")
@pytest.mark.rule("ocpp16.B14")
def test_tc_032_2_a_power_failure_stops_the_transaction_after_the_boot(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        transaction = await tool.charge()
        await tool.wait(20)
        await tool.rig.power_cut()
        await tool.expect(boot(), within_s=60)
        stopped = stop(transaction, "PowerLoss")
        await tool.expect_in_any_order(status(0, "Available"), status(1, "Finishing", "Preparing"), stopped)
        await tool.leave()
        await tool.expect_nothing()

    examine(tmp_path, script)


@pytest.mark.certification("TC_034_CS")
@pytest.mark.rule("ocpp16.S42")
def test_tc_034_unavailability_outlives_a_power_failure(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(tool.backend.change_availability(0, "Inoperative"), "Accepted")
        await tool.expect_in_any_order(*tool.all_statuses("Unavailable"))
        await tool.rig.power_cut()
        await tool.boot("Unavailable")
        await tool.expect_nothing()
        await tool.ask(tool.backend.change_availability(0, "Operative"), "Accepted")
        await tool.expect_in_any_order(*tool.all_statuses())

    examine(tmp_path, script, options=TWO)
