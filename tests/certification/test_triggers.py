"""Certification, RemoteTrigger: messages on demand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.certification.messages import ABSENT, Message, message, status
from tests.certification.tool import Tool, examine, station

METER_VALUES = message("MeterValues", connectorId=1, transactionId=ABSENT)
ON_DEMAND: dict[str, Message] = {
    "MeterValues": METER_VALUES,
    "Heartbeat": message("Heartbeat"),
    "StatusNotification": status(1, "Available"),
    "DiagnosticsStatusNotification": message("DiagnosticsStatusNotification", status="Idle"),
    "FirmwareStatusNotification": message("FirmwareStatusNotification", status="Idle"),
}
IDLE = {
    "LogStatusNotification": message("LogStatusNotification", status="Idle", requestId=ABSENT),
    "FirmwareStatusNotification": message("SignedFirmwareStatusNotification", status="Idle", requestId=ABSENT),
}


@pytest.mark.certification("TC_054_CS")
@pytest.mark.rule("ocpp16.G01")
@pytest.mark.rule("ocpp16.X39")
@pytest.mark.rule("ocpp16.S22")
def test_tc_054_each_message_comes_on_demand_behind_the_answer(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.wait(15)  # until the meter was read
        for requested, wanted in ON_DEMAND.items():
            await tool.ask(tool.backend.trigger(requested, 1), "Accepted")
            frame = await tool.expect(wanted)
            if requested == "MeterValues":
                (element,) = frame.payload["meterValue"]
                assert {value["context"] for value in element["sampledValue"]} == {"Trigger"}
        await tool.expect_nothing()

    examine(tmp_path, script)


@pytest.mark.certification("TC_054_CS")
@pytest.mark.rule("ocpp16.G01")
@pytest.mark.rule("ocpp16.X39")
def test_tc_054_in_a_transaction_and_of_all_connectors(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        transaction = await tool.charge()
        await tool.ask(tool.backend.trigger("MeterValues"), "Accepted")
        of_each = METER_VALUES.fields | {"connectorId": 2}
        charging = message("MeterValues", connectorId=1, transactionId=transaction)
        await tool.expect_in_any_order(charging, message("MeterValues", **of_each))
        await tool.ask(tool.backend.trigger("StatusNotification"), "Accepted")
        await tool.expect_in_any_order(status(0, "Available"), status(1, "Charging"), status(2, "Available"))
        await tool.expect_nothing()

    examine(tmp_path, script, options=station(connectors=2), keys={"MeterValueSampleInterval": "0"})


@pytest.mark.certification("TC_055_CS")
@pytest.mark.rule("ocpp16.G01")
@pytest.mark.rule("ocpp16.B09")
def test_tc_055_what_cannot_be_sent_is_rejected(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        for requested in ("MeterValues", "StatusNotification"):
            await tool.ask(tool.backend.trigger(requested, 2), "Rejected")
            await tool.ask(tool.backend.extended_trigger(requested, 2), "Rejected")
        await tool.ask(tool.backend.trigger("BootNotification"), "Rejected")
        await tool.expect_nothing()

    examine(tmp_path, script)


@pytest.mark.certification("TC_054_CS")
@pytest.mark.rule("ocpp16.G02")
def test_tc_054_the_extended_message_asks_for_the_jobs_of_the_security_extension(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        for requested, wanted in IDLE.items():
            await tool.ask(tool.backend.extended_trigger(requested), "Accepted")
            await tool.expect(wanted)
        await tool.expect_nothing()

    examine(tmp_path, script)
