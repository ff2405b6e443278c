"""The factory's key values become options, or a complaint that says which."""

from __future__ import annotations

import pytest

from agent.ocpp.v16.keys import StationFacts
from agent.runtime.setup import NOT_USABLE, SAFE_MODE, initial_options, prepare
from agent.settings.factory import parse_factory
from agent.settings.problems import SettingsError
from agent.settings.settings import Settings
from agent.vocabulary.feeds import FeedOptions, GridOptions
from agent.vocabulary.ids import MANAGEMENT, ConnectorId
from agent.vocabulary.options import Origin, UpstreamOptions
from agent.vocabulary.upstreams import Role
from hal.api import Capabilities, ContactorFeedback, ContactorKind, GridPlan, Measurand

FACTS = StationFacts(1, frozenset({Measurand.ENERGY_ACTIVE_IMPORT}), captive=False)
CAPABILITIES = Capabilities(ContactorKind.AUTONOMOUS, ContactorFeedback.STATE, None, False, None, False, (), 6, 32, 100)
FACTORY = """
[station]
vendor = "V"
model = "M"
[[bus]]
name = "bus1"
port = "/dev/ttyS1"
[[connector]]
id = 1
board = "viridian_epc2plus"
bus = "bus1"
maximum_current_a = 16
[connector.meter]
profile = "eastron_sdm630"
bus = "bus1"
[management]
url = "ws://127.0.0.1:1"
identity = "CP1"
[options.management]
HeartbeatInterval = 77
"""


def test_a_key_sets_its_option_with_the_factory_as_origin() -> None:
    complaints: list[str] = []
    values = {
        "heartbeatinterval": 120,
        "LocalPreAuthorize": True,
        "MeterValuesSampledData": "Energy.Active.Import.Register",
    }
    options = initial_options(values, FACTS, MANAGEMENT, complaints.append)
    assert (options.heartbeat_interval_s, options.local_pre_authorize) == (120, True)
    assert options.origin("heartbeat_interval_s") is Origin.FACTORY
    assert complaints == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NoSuchKey", 1),
        ("NumberOfConnectors", 3),
        ("HeartbeatInterval", "often"),
        ("HeartbeatInterval", -1),
        ("ResetRetries", 2),
        ("AuthorizationKey", "a key that is told nowhere"),
        ("SecurityProfile", 2),
    ],
)
def test_what_cannot_be_set_is_told_by_name_and_changes_nothing(name: str, value: str | int) -> None:
    complaints: list[str] = []
    assert initial_options({name: value}, FACTS, MANAGEMENT, complaints.append) == UpstreamOptions()
    assert len(complaints) == 1
    assert name in complaints[0]
    assert "told nowhere" not in complaints[0]


def test_without_a_primary_management_is_billing() -> None:
    start = prepare(Settings(parse_factory("factory.toml", FACTORY), None), {1: CAPABILITIES}, "1.2.3", False)
    assert [(u.id, u.role) for u in start.upstreams] == [(MANAGEMENT, Role.BILLING)]
    assert start.upstreams[0].options.heartbeat_interval_s == 77
    assert start.options.firmware_version == "1.2.3"
    assert start.options.charging_refused == ""


def test_safe_mode_and_unusable_settings_refuse_to_charge_and_say_why() -> None:
    settings = Settings(parse_factory("factory.toml", FACTORY), None)
    assert prepare(settings, {1: CAPABILITIES}, "", True).options.charging_refused == SAFE_MODE
    unusable = Settings(settings.factory, None, usable=False)
    assert prepare(unusable, {1: CAPABILITIES}, "", False).options.charging_refused == NOT_USABLE


def test_policies_of_the_factory_file_reach_the_station() -> None:
    policy = 'vendor = "V"\nfree_before_accepted = false\nadditional_root_check = true\n'
    settings = Settings(parse_factory("factory.toml", FACTORY.replace('vendor = "V"\n', policy)), None)
    options = prepare(settings, {1: CAPABILITIES}, "", False).options
    assert not options.free_before_accepted
    assert options.additional_root_check
    plain = Settings(parse_factory("factory.toml", FACTORY), None)
    options = prepare(plain, {1: CAPABILITIES}, "", False).options
    assert options.free_before_accepted
    assert not options.additional_root_check


@pytest.mark.rule("product.N5")
def test_what_bears_how_much_reaches_the_station_and_the_grid_meter_the_hardware() -> None:
    text = FACTORY.replace('model = "M"', 'model = "M"\nmaximum_current_a = 40') + (
        '[[feed]]\nname = "left"\nconnectors = [1]\nmaximum_current_a = 20\n'
        "[grid]\nfuse_current_a = 35\nsafe_current_a = 6\n"
        '[grid.meter]\nprofile = "eastron_sdm630"\nbus = "bus1"\nunit = 9\n'
    )
    settings = Settings(parse_factory("factory.toml", text), None)
    options = prepare(settings, {1: CAPABILITIES}, "1", safe_mode=False).options
    assert options.maximum_current_a == 40
    assert options.feeds == (FeedOptions("left", (ConnectorId(1),), 20),)
    assert options.grid == GridOptions(35, 6)
    assert settings.factory.hardware.grid == GridPlan("eastron_sdm630", "bus1", 9)


@pytest.mark.rule("product.N5")
@pytest.mark.parametrize(
    ("bus", "unit", "wanted"), [("other", 9, "the grid meter is on bus"), ("bus1", 3, "is a unit 2 times")]
)
def test_a_grid_meter_that_has_no_place_is_refused(bus: str, unit: int, wanted: str) -> None:
    text = FACTORY.replace('bus = "bus1"\n[management]', 'bus = "bus1"\nunit = 3\n[management]') + (
        "[grid]\nfuse_current_a = 35\nsafe_current_a = 6\n"
        f'[grid.meter]\nprofile = "eastron_sdm630"\nbus = "{bus}"\nunit = {unit}\n'
    )
    with pytest.raises(SettingsError, match=wanted):
        parse_factory("factory.toml", text)
