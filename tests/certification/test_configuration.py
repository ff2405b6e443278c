"""Certification, Core: configuration keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.certification.tool import Tool, examine

READ, WRITE, EITHER = "read only", "read and write", "either"
REQUIRED = {
    "AuthorizeRemoteTxRequests": EITHER,
    "ClockAlignedDataInterval": WRITE,
    "ConnectionTimeOut": WRITE,
    "ConnectorPhaseRotation": WRITE,
    "GetConfigurationMaxKeys": READ,
    "HeartbeatInterval": WRITE,
    "LocalAuthorizeOffline": WRITE,
    "LocalPreAuthorize": WRITE,
    "MeterValuesAlignedData": WRITE,
    "MeterValuesSampledData": WRITE,
    "MeterValueSampleInterval": WRITE,
    "NumberOfConnectors": READ,
    "ResetRetries": WRITE,
    "StopTransactionOnInvalidId": WRITE,
    "StopTxnAlignedData": WRITE,
    "StopTxnSampledData": WRITE,
    "SupportedFeatureProfiles": READ,
    "TransactionMessageAttempts": WRITE,
    "TransactionMessageRetryInterval": WRITE,
    "UnlockConnectorOnEVSideDisconnect": EITHER,
}
"""Keys that every station has, with their access (OCPP 1.6 9.1)."""
on_each_cable = pytest.mark.parametrize("captive", [False, True], ids=["socket", "fixed cable"])


@on_each_cable
@pytest.mark.certification("TC_019_CS")
@pytest.mark.rule("ocpp16.K01")
@pytest.mark.rule("ocpp16.K03")
@pytest.mark.rule("ocpp16.K10")
def test_tc_019_every_required_key_is_there_with_its_access(tmp_path: Path, captive: bool) -> None:
    async def script(tool: Tool) -> None:
        every, unknown = await tool.backend.get_configuration()
        assert unknown == []
        assert sorted(REQUIRED.keys() - every.keys()) == []
        readonly = {key: every[key][1] for key, access in REQUIRED.items() if access is not EITHER}
        assert readonly == {key: access is READ for key, access in REQUIRED.items() if access is not EITHER}
        assert "Core" in str(every["SupportedFeatureProfiles"][0]).split(",")
        most = min(int(str(every["GetConfigurationMaxKeys"][0])), len(every))
        asked = list(every)[:most]
        found, unknown = await tool.backend.get_configuration(*asked)
        assert unknown == []
        assert list(found) == asked
        assert found == {key: every[key] for key in asked}
        await tool.expect_nothing()

    examine(tmp_path, script, captive=captive)


@pytest.mark.certification("TC_021_CS")
@pytest.mark.rule("ocpp16.K08")
def test_tc_021_a_changed_key_is_read_back_and_stays(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(tool.backend.change_configuration("MeterValueSampleInterval", "33"), "Accepted")
        wanted = {"MeterValueSampleInterval": ("33", False)}
        assert await tool.backend.get_configuration("MeterValueSampleInterval") == (wanted, [])
        await tool.expect_nothing()
        boots = len(tool.backend.ledger.calls("BootNotification"))
        await tool.rig.power_cut()
        await tool.until(lambda: len(tool.backend.ledger.calls("BootNotification")) > boots, within_s=60)
        await tool.wait(1)
        assert await tool.backend.get_configuration("MeterValueSampleInterval") == (wanted, [])

    examine(tmp_path, script)


@pytest.mark.certification("TC_040_1_CS")
def test_tc_040_1_a_key_that_is_not_known_is_not_supported(tmp_path: Path) -> None:
    async def script(tool: Tool) -> None:
        await tool.ask(tool.backend.change_configuration("NoSuchKey", "true"), "NotSupported")
        await tool.expect_nothing()

    examine(tmp_path, script)


@pytest.mark.parametrize("key", ["MeterValueSampleInterval", "ClockAlignedDataInterval", "HeartbeatInterval"])
@pytest.mark.certification("TC_040_2_CS")
def test_tc_040_2_a_value_that_is_not_possible_is_rejected_and_changes_nothing(tmp_path: Path, key: str) -> None:
    async def script(tool: Tool) -> None:
        before = await tool.backend.get_configuration(key)
        changed = tool.backend.change_configuration(key, "-1")
        await tool.ask(changed, "Rejected", "CALLERROR PropertyConstraintViolation")
        assert await tool.backend.get_configuration(key) == before
        await tool.expect_nothing()

    examine(tmp_path, script)
