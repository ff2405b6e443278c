"""Configuration keys: the table, the texts of values, and what a text may mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from agent.ocpp.v16 import keys
from agent.ocpp.v16.keys import KEYS, StationFacts
from agent.vocabulary.options import OPTION_BY_NAME, OPTIONS, Kind, OptionValue, Selection, StationOptions
from hal.api import Measurand, Phase

Station = Callable[..., StationOptions]


@pytest.fixture
def facts(make_station: Station) -> StationFacts:
    return StationFacts.of(make_station())


def test_every_option_has_one_key_and_every_key_one_source() -> None:
    assert sorted(key.option for key in KEYS if key.option) == sorted(OPTION_BY_NAME)
    assert all((key.option is None) != (key.constant is None) for key in KEYS)
    assert len({key.name.casefold() for key in KEYS}) == len(KEYS)
    assert all(len(key.name) <= 50 for key in KEYS)


@pytest.mark.rule("ocpp16.T03")
@pytest.mark.parametrize("name", ["HeartbeatInterval", "heartbeatinterval", "HEARTBEATINTERVAL", " HeartbeatInterval "])
def test_names_are_compared_without_case(name: str) -> None:
    key = keys.find(name)
    assert key is not None
    assert key.name == "HeartbeatInterval"
    assert keys.find("Heartbeat") is None


@pytest.mark.rule("ocpp16.K02")
@pytest.mark.rule("ocpp16.K07")
@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        ("stop_on_invalid", "true", True),
        ("stop_on_invalid", " FALSE ", False),
        ("sample_interval_s", " 60 ", 60),
        ("sample_interval_s", "0", 0),
        ("sampled_measurands", "", ()),
        (
            "sampled_measurands",
            " Energy.Active.Import.Register , Voltage.L1,Voltage.L2-N",
            (
                Selection(Measurand.ENERGY_ACTIVE_IMPORT),
                Selection(Measurand.VOLTAGE, Phase.L1),
                Selection(Measurand.VOLTAGE, Phase.L2),
            ),
        ),
        ("connector_phase_rotation", "0.RST, 1.RTS", "0.RST,1.RTS"),
        ("connector_phase_rotation", "", ""),
        ("cpo_name", " Example Charging ", "Example Charging"),
        ("cpo_name", "", ""),
    ],
)
def test_a_text_means_a_value(facts: StationFacts, option: str, text: str, value: OptionValue) -> None:
    assert keys.read_value(OPTION_BY_NAME[option], text, facts) == value


@pytest.mark.rule("ocpp16.K05")
@pytest.mark.rule("ocpp16.K07")
@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("stop_on_invalid", "1"),
        ("stop_on_invalid", "yes"),
        ("sample_interval_s", "-1"),
        ("sample_interval_s", "10.0"),
        ("sample_interval_s", "+5"),
        ("sample_interval_s", ""),
        ("sample_interval_s", "1e3"),
        ("sample_interval_s", "٣"),
        ("sample_interval_s", "9" * 400),
        ("heartbeat_interval_s", "0"),
        ("transaction_attempts", "0"),
        ("message_timeout_s", "4"),
        ("sampled_measurands", "Energy.Active.Import.Register,Energy.Active.Import.Register"),
        ("sampled_measurands", "Energy.Active.Import.Register,RPM"),
        ("sampled_measurands", "Temperature"),
        ("sampled_measurands", "Voltage.L9"),
        ("sampled_measurands", "Current.Import.L1-N"),
        ("sampled_measurands", "voltage"),
        ("sampled_measurands", ",Voltage"),
        ("connector_phase_rotation", "3.RST"),
        ("connector_phase_rotation", "1.RST,1.RTS"),
        ("connector_phase_rotation", "1.XYZ"),
        ("connector_phase_rotation", "1.RST,"),
        ("cpo_name", "x" * 65),
        ("cpo_name", "two\nlines"),
        ("authorization_key", "a key of sixteen or more"),
    ],
)
def test_a_text_that_means_nothing_is_refused(facts: StationFacts, option: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        keys.read_value(OPTION_BY_NAME[option], text, facts)


def test_a_secret_is_not_read_as_an_option(facts: StationFacts) -> None:
    with pytest.raises(ValueError, match="secret") as found:
        keys.read_value(OPTION_BY_NAME["authorization_key"], "topsecret", facts)
    assert "topsecret" not in str(found.value)


@pytest.mark.parametrize("option", [row for row in OPTIONS if row.kind is Kind.INTEGER], ids=lambda row: row.name)
def test_bounds_are_those_of_the_option(facts: StationFacts, option) -> None:  # type: ignore[no-untyped-def]
    for good in (option.minimum, option.maximum):
        assert keys.read_value(option, str(good), facts) == good
    for bad in (option.minimum - 1, option.maximum + 1):
        with pytest.raises(ValueError, match="not within"):
            keys.read_value(option, str(bad), facts)


@pytest.mark.rule("ocpp16.K02")
def test_values_are_written_as_they_are_read(facts: StationFacts) -> None:
    for name, value, text in [
        ("stop_on_invalid", True, "true"),
        ("sample_interval_s", 60, "60"),
        ("sampled_measurands", (Selection(Measurand.VOLTAGE, Phase.L1),), "Voltage.L1"),
        ("sampled_measurands", (), ""),
        ("connector_phase_rotation", "", "0.RST,1.RST,2.RST"),
    ]:
        key = next(key for key in KEYS if key.option == name)
        assert keys.value_text(key, value, facts) == text
        if value:
            assert keys.read_value(OPTION_BY_NAME[name], text, facts) == value


@pytest.mark.rule("ocpp16.K06")
def test_a_secret_has_no_text(facts: StationFacts) -> None:
    key = keys.find("AuthorizationKey")
    assert key is not None
    assert keys.value_text(key, "topsecret", facts) is None


def test_constants_come_from_the_hardware(make_station: Station) -> None:
    facts = StationFacts.of(make_station(3))
    texts = {key.name: keys.constant_text(key, facts) for key in KEYS if key.constant}
    assert texts["NumberOfConnectors"] == "3"
    assert texts["ConnectorPhaseRotationMaxLength"] == "4"
    everything = "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger"
    assert texts["SupportedFeatureProfiles"] == everything
    assert texts["AdditionalRootCertificateCheck"] == "false"
    assert texts["CertificateSignedMaxChainSize"] == "10000"
    assert int(texts["CertificateStoreMaxLength"] or 0) >= 2
    checked = StationFacts.of(replace(make_station(), additional_root_check=True))
    assert keys.constant_text(keys.KEYS[0], checked) == "true"
    unlock = keys.find("UnlockConnectorOnEVSideDisconnect")
    assert unlock is not None
    assert keys.constant_text(unlock, facts) is None
    assert keys.constant_text(unlock, StationFacts.of(make_station(captive=True))) == "false"
