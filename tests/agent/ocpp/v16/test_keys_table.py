"""Every configuration key as the standard has it: access, type, bounds, and how its values are written.

The table is written from the standard, not from the code: a key that the code has and the table lacks fails too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from agent.ocpp.exchange import Ready
from agent.ocpp.v16.dialect import V16
from agent.ocpp.v16.keys import KEYS, StationFacts
from agent.ocpp.v16.measurands import MEASURANDS
from agent.ocpp.wire import Call
from agent.vocabulary.commands import (
    OptionSeen,
    RaiseSecurityProfile,
    Result,
    ResultStatus,
    SetOption,
    SetOwnUrl,
    SetPassword,
)
from agent.vocabulary.options import OPTIONS, RESERVATION_SERVICE, Kind, StationOptions, UpstreamOptions
from hal.api import Phase

ENERGY = "Energy.Active.Import.Register"
BOOLEAN_GOOD = (("true", "true"), ("false", "false"), ("True", "true"), ("FALSE", "false"), (" true ", "true"))
BOOLEAN_BAD = ("", "1", "0", "yes", "on", "truee", "null")
NUMBER_BAD = ("", "-1", "10.0", "1e2", "0x10", "ten", "1 0", "+1", "\u0661", "2147483648", "9" * 30)
LIST_GOOD = (
    ("", ""),
    (ENERGY, ENERGY),
    (f" {ENERGY} , Voltage ", f"{ENERGY},Voltage"),
    ("Voltage.L1,Voltage.L2-N", "Voltage.L1,Voltage.L2"),
)
LIST_BAD = (
    f"{ENERGY},{ENERGY}",
    f"{ENERGY},RPM",
    "SoC",
    "Energy",
    "energy.active.import.register",
    f"{ENERGY};Voltage",
    ",",
    f"{ENERGY},",
    f"{ENERGY}.L1",
    "Voltage.N",
)


@dataclass(frozen=True)
class Row:
    """`good`: a text and how it is told afterwards. `bad`: texts that are Rejected."""

    name: str
    access: str
    good: tuple[tuple[str, str], ...] = ()
    bad: tuple[str, ...] = ()


def boolean(name: str) -> Row:
    return Row(name, "RW", BOOLEAN_GOOD, BOOLEAN_BAD)


def number(name: str, least: int, most: int) -> Row:
    good = ((str(least), str(least)), (str(most), str(most)), (f" {least} ", str(least)), (f"0{most}", str(most)))
    return Row(name, "RW", good, (*NUMBER_BAD, str(least - 1), str(most + 1)))


def measurands(name: str) -> Row:
    return Row(name, "RW", LIST_GOOD, LIST_BAD)


def fixed(name: str, value: str) -> Row:
    return Row(name, "R", ((value, value),))


TABLE = (
    fixed("AdditionalRootCertificateCheck", "false"),
    boolean("AllowOfflineTxForUnknownId"),
    boolean("AuthorizationCacheEnabled"),
    Row("AuthorizationKey", "W", (("0123456789abcdef" * 2, ""), ("a password of mine", "")), ("", "short", "x" * 41)),
    boolean("AuthorizeRemoteTxRequests"),
    fixed("CertificateSignedMaxChainSize", "10000"),
    fixed("CertificateStoreMaxLength", "16"),
    fixed("ChargeProfileMaxStackLevel", "99"),
    fixed("ChargingScheduleAllowedChargingRateUnit", "Current,Power"),
    fixed("ChargingScheduleMaxPeriods", "1000"),
    number("ClockAlignedDataInterval", 0, 86_400),
    number("ConnectionTimeOut", 0, 3_600),
    Row(
        "ConnectorPhaseRotation",
        "RW",
        (
            ("0.RST,1.RST,2.RTS", "0.RST,1.RST,2.RTS"),
            (" 1.NotApplicable , 2.Unknown", "1.NotApplicable,2.Unknown"),
            ("", "0.RST,1.RST,2.RST"),
        ),
        ("RST", "3.RST", "-1.RST", "1.RRR", "1.rst", "1.RST,1.RTS", "1.RST;2.RST", "1.RST,"),
    ),
    fixed("ConnectorPhaseRotationMaxLength", "3"),
    Row("CpoName", "RW", (("Example", "Example"), (" Example Ltd ", "Example Ltd"), ("", "")), ("x" * 65, "a\tb")),
    boolean("DisableSecurityEventNotifications"),
    fixed("GetConfigurationMaxKeys", "100"),
    number("HeartbeatInterval", 1, 86_400),
    boolean("LocalAuthListEnabled"),
    fixed("LocalAuthListMaxLength", "10000"),
    boolean("LocalAuthorizeOffline"),
    boolean("LocalPreAuthorize"),
    number("MaxEnergyOnInvalidId", 0, 1_000_000),
    fixed("MaxChargingProfilesInstalled", "100"),
    number("MessageTimeout", 5, 300),
    number("MeterValueSampleInterval", 0, 86_400),
    measurands("MeterValuesAlignedData"),
    fixed("MeterValuesAlignedDataMaxLength", "13"),
    measurands("MeterValuesSampledData"),
    fixed("MeterValuesSampledDataMaxLength", "13"),
    number("MinimumStatusDuration", 0, 86_400),
    fixed("NumberOfConnectors", "2"),
    fixed("ReserveConnectorZeroSupported", "true"),
    number("ResetRetries", 0, 100),
    Row("SecurityProfile", "RW", (("0", "0"), ("3", "0"), (" 2 ", "0")), (*NUMBER_BAD, "4")),
    fixed("SendLocalListMaxLength", "500"),
    fixed("StopTransactionMaxMeterValues", "100"),
    boolean("StopTransactionOnEVSideDisconnect"),
    boolean("StopTransactionOnInvalidId"),
    measurands("StopTxnAlignedData"),
    fixed("StopTxnAlignedDataMaxLength", "13"),
    measurands("StopTxnSampledData"),
    fixed("StopTxnSampledDataMaxLength", "13"),
    fixed("SupportedFeatureProfiles", "Core,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger"),
    fixed("SupportedFileTransferProtocols", "FTPS,HTTPS"),
    number("TransactionMessageAttempts", 1, 1_000),
    number("TransactionMessageRetryInterval", 0, 86_400),
    boolean("UnlockConnectorOnEVSideDisconnect"),
    number("WebSocketPingInterval", 0, 86_400),
    fixed("stationd.BillingUpstream", ""),
    boolean("stationd.BootOnReconnect"),
    number("stationd.FailsafeLimit", 0, 1000),
    number("stationd.FreeVendEnergy", 0, 1_000_000),
    fixed("stationd.FurtherOperators", ""),
    number("stationd.LimitLeaseSeconds", 0, 86400),
    Row("stationd.OwnUrl", "RW", (("wss://new.example/ocpp", ""),), ("", "http://x", "ws:/x")),
    boolean("stationd.ParkWholeSession"),
    fixed("stationd.PendingChange", ""),
    fixed("stationd.Primary", ""),
)
REQUIRED = {
    "AuthorizeRemoteTxRequests": "R|RW",
    "ClockAlignedDataInterval": "RW",
    "ConnectionTimeOut": "RW",
    "ConnectorPhaseRotation": "RW",
    "GetConfigurationMaxKeys": "R",
    "HeartbeatInterval": "RW",
    "LocalAuthorizeOffline": "RW",
    "LocalPreAuthorize": "RW",
    "MeterValuesAlignedData": "RW",
    "MeterValuesSampledData": "RW",
    "MeterValueSampleInterval": "RW",
    "NumberOfConnectors": "R",
    "ResetRetries": "RW",
    "StopTransactionOnInvalidId": "RW",
    "StopTxnAlignedData": "RW",
    "StopTxnSampledData": "RW",
    "SupportedFeatureProfiles": "R",
    "TransactionMessageAttempts": "RW",
    "TransactionMessageRetryInterval": "RW",
    "UnlockConnectorOnEVSideDisconnect": "R|RW",
}
"""Of the Core profile, with the access that an acceptance test asks for."""
GOOD = [(row, text, told) for row in TABLE for text, told in row.good]
BAD = [(row, text) for row in TABLE for text in row.bad]


def changed(dialect: V16, name: str, text: str) -> Any:
    return dialect.parse(Call("1", "ChangeConfiguration", {"key": name, "value": text}), True)


def told(dialect: V16, *asked: str, **written: Any) -> list[dict[str, Any]]:
    """What GetConfiguration answers to the upstream that may write everything."""
    station, options = StationOptions((), {}), UpstreamOptions()
    seen = tuple(
        OptionSeen(
            row.name,
            written.get(row.name, getattr(options, row.name, getattr(station, row.name, 0))),
            not row.writable,
        )
        for row in OPTIONS
        if row.kind is not Kind.SECRET
    )
    seen += (OptionSeen(RESERVATION_SERVICE, True, readonly=True),)
    result = Result(ResultStatus.ACCEPTED, options=seen)
    payload = dialect.answer(Call("1", "GetConfiguration", {"key": list(asked)}), result, 300)
    entries: list[dict[str, Any]] = payload["configurationKey"]
    return entries


@pytest.mark.rule("ocpp16.K10")
def test_the_keys_are_those_of_the_table() -> None:
    assert [row.name for row in TABLE] == [key.name for key in KEYS]
    assert sorted(REQUIRED) == sorted(REQUIRED.keys() & {row.name for row in TABLE})


@pytest.mark.rule("ocpp16.K10")
@pytest.mark.rule("ocpp16.K04")
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_access_is_as_told(dialect: V16, row: Row) -> None:
    (entry,) = told(dialect, row.name)
    assert entry["readonly"] is (row.access == "R")
    assert ("value" in entry) is (row.access != "W")
    if row.access == "R":
        found = changed(dialect, row.name, row.good[0][0])
        assert isinstance(found, Ready)
        assert found.payload == {"status": "Rejected"}
    assert row.access in REQUIRED.get(row.name, row.access).split("|")


@pytest.mark.rule("ocpp16.K02")
@pytest.mark.rule("ocpp16.K05")
@pytest.mark.rule("ocpp16.K07")
@pytest.mark.parametrize(("row", "text", "after"), GOOD, ids=[f"{row.name}={text}" for row, text, _ in GOOD])
def test_a_good_value_is_taken_and_told_in_its_own_form(dialect: V16, row: Row, text: str, after: str) -> None:
    if row.access == "R":
        assert told(dialect, row.name)[0]["value"] == after
        return
    command = changed(dialect, row.name, text)
    if isinstance(command, SetPassword | RaiseSecurityProfile | SetOwnUrl):
        assert told(dialect, row.name)[0].get("value", "") == after
        return
    assert isinstance(command, SetOption)
    if row.name == "HeartbeatInterval":
        assert str(command.value) == after  # what is told of it is the interval in force
    else:
        assert told(dialect, row.name, **{command.name: command.value})[0]["value"] == after


@pytest.mark.rule("ocpp16.K05")
@pytest.mark.rule("ocpp16.K07")
@pytest.mark.parametrize(("row", "text"), BAD, ids=[f"{row.name}={text[:20]!a}" for row, text in BAD])
def test_a_bad_value_is_rejected(dialect: V16, row: Row, text: str) -> None:
    found = changed(dialect, row.name, text)
    assert isinstance(found, Ready)
    assert found.payload == {"status": "Rejected"}


@pytest.mark.rule("ocpp16.K05")
def test_no_list_of_measurands_can_be_longer_than_its_published_length(dialect: V16, make_station: Any) -> None:
    facts = StationFacts.of(make_station())
    published = int(told(dialect, "MeterValuesSampledDataMaxLength")[0]["value"])
    names = [MEASURANDS[measurand][0] for measurand in facts.measurands]
    texts = [*names, *(f"{name}.{phase}" for name in names for phase in Phase)]
    taken = [text for text in texts if isinstance(changed(dialect, "MeterValuesSampledData", text), SetOption)]
    assert len(taken) == published
    assert isinstance(changed(dialect, "MeterValuesSampledData", ",".join(taken)), SetOption)


@pytest.mark.rule("ocpp16.K01")
@pytest.mark.rule("ocpp16.K03")
def test_all_is_told_for_an_empty_request_and_as_many_as_promised_by_name(dialect: V16) -> None:
    everything = told(dialect)
    assert [entry["key"] for entry in everything] == [row.name for row in TABLE if row.access != "W"]
    promised = int(next(entry["value"] for entry in everything if entry["key"] == "GetConfigurationMaxKeys"))
    asked = [entry["key"] for entry in everything][:promised]
    assert [entry["key"] for entry in told(dialect, *asked)] == asked


@pytest.mark.rule("ocpp16.K10")
def test_a_fixed_cable_is_never_unlocked_by_the_end_of_the_car(make_station: Any) -> None:
    dialect = V16(make_station(captive=True))
    (entry,) = told(dialect, "UnlockConnectorOnEVSideDisconnect")
    assert entry == {"key": "UnlockConnectorOnEVSideDisconnect", "readonly": True, "value": "false"}
    assert changed(dialect, "UnlockConnectorOnEVSideDisconnect", "true").payload == {"status": "Rejected"}
