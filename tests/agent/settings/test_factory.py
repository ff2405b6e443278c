from __future__ import annotations

import pytest

from agent.settings.addresses import SecurityProfile
from agent.settings.factory import parse_factory
from agent.settings.problems import SettingsError
from agent.vocabulary.ids import MANAGEMENT, Secret
from agent.vocabulary.options import AfterPowerLoss, AuthorisePolicy
from agent.vocabulary.signing import SignedMetering
from hal.api import BusPlan

GOOD = """\
[station]
vendor = "Example"
model = "Wall 22"
serial_number = "W-0001"
after_power_loss = "resume"

[[bus]]
name = "bus1"
port = "/dev/ttyS1"

[[connector]]
id = 1
board = "viridian_epc2plus"
bus = "bus1"
unit = 101
maximum_current_a = 32
[connector.meter]
profile = "eastron_sdm72dm_v2"
bus = "bus1"
unit = 1

[[connector]]
id = 2
board = "phoenix_basic"
bus = "bus1"
unit = 102
maximum_current_a = 16
phases = 1
captive_cable = true
authorise = "free"
free_token = "FREE"
[connector.meter]
profile = "eastron_sdm630"
bus = "bus1"
unit = 2

[[reader]]
name = "reader1"
profile = "pn532_uart"
port = "/dev/ttyS2"

[management]
url = "wss://management.example/ocpp"
identity = "W-0001"
security = 2
password = "0123456789abcdef"

[options.management]
HeartbeatInterval = 300
[options.primary]
MeterValuesSampledData = "Energy.Active.Import.Register"
LocalPreAuthorize = false
"""


def problems(old: str, new: str) -> list[str]:
    assert old in GOOD
    with pytest.raises(SettingsError) as caught:
        parse_factory("factory.toml", GOOD.replace(old, new, 1))
    return [str(problem) for problem in caught.value.problems]


def test_a_connector_with_a_key_switch_reports_its_tag_and_wants_a_board_with_an_input() -> None:
    text = GOOD.replace('authorise = "free"\nfree_token = "FREE"', 'authorise = "key-input"\nfree_token = "KEY"')
    factory = parse_factory("factory.toml", text)
    assert factory.connectors[1].authorise is AuthorisePolicy.KEY_INPUT
    assert factory.connectors[1].free_token is not None
    assert [plan.key_input for plan in factory.hardware.connectors] == [False, True]


@pytest.mark.rule("ocpp16.X41")
def test_a_meter_may_have_to_sign() -> None:
    plain = parse_factory("factory.toml", GOOD)
    assert {one.signed for one in plain.connectors} == {SignedMetering.IF_POSSIBLE}
    text = GOOD.replace('profile = "eastron_sdm630"', 'profile = "iskra_wm3m4c"\nsigned = "required"')
    factory = parse_factory("factory.toml", text)
    assert [one.signed for one in factory.connectors] == [SignedMetering.IF_POSSIBLE, SignedMetering.REQUIRED]
    assert [plan.signing_required for plan in factory.hardware.connectors] == [False, True]
    wrong = problems('profile = "eastron_sdm630"', 'profile = "iskra_wm3m4c"\nsigned = "sometimes"')
    assert any("sometimes" in one and "if possible" in one for one in wrong)


def test_a_good_file_becomes_settings() -> None:
    factory = parse_factory("factory.toml", GOOD)
    assert factory.station.vendor == "Example"
    assert factory.station.after_power_loss is AfterPowerLoss.RESUME
    assert factory.hardware.buses == (BusPlan("bus1", "/dev/ttyS1"),)
    assert [(plan.id, plan.board_unit, plan.meter_unit) for plan in factory.hardware.connectors] == [
        (1, 101, 1),
        (2, 102, 2),
    ]
    assert factory.hardware.readers[0].connectors == (1, 2)
    assert factory.connectors[1].authorise is AuthorisePolicy.FREE
    assert factory.connectors[1].free_token is not None
    assert factory.connectors[0].free_token is None
    assert factory.management.id == MANAGEMENT
    assert factory.management.security is SecurityProfile.TLS_BASIC
    assert factory.management.password == Secret("0123456789abcdef")
    assert factory.initial_keys["management"] == {"HeartbeatInterval": 300}
    assert factory.initial_keys["primary"]["LocalPreAuthorize"] is False


def test_the_password_is_printed_nowhere() -> None:
    assert "0123456789abcdef" not in repr(parse_factory("factory.toml", GOOD))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("unit = 101", "unit = 300", "factory.toml:15: connector[1].unit: 300 is not possible"),
        ("phases = 1", "phases = 2", "factory.toml:28: connector[2].phases: 2 is not possible"),
        (
            'after_power_loss = "resume"',
            'after_power_loss = "maybe"',
            'factory.toml:5: station.after_power_loss: "maybe"',
        ),
        ("captive_cable = true", "captive_cabel = true", "factory.toml:29: connector[2].captive_cabel: is not a known"),
        ('vendor = "Example"', f'vendor = "{"x" * 21}"', "factory.toml:2: station.vendor: has 21 characters"),
        ("unit = 2\n", "unit = 1\n", 'factory.toml:11: connector: "bus1 unit 1" is a unit 2 times'),
        ("id = 2", "id = 3", "factory.toml:11: connector: ids are [1, 3]"),
        ('free_token = "FREE"\n', "", "factory.toml:22: connector[2].free_token: is missing"),
        (
            'authorise = "free"\nfree_token = "FREE"',
            'authorise = "key-input"',
            "connector[2].free_token: is missing but a key",
        ),
        ('port = "/dev/ttyS2"', 'port = "/dev/ttyS1"', 'factory.toml:7: bus: "/dev/ttyS1" is a port 2 times'),
        ('identity = "W-0001"', 'identity = "W 0001"', "factory.toml:44: management.identity: has a blank"),
        ('password = "0123456789abcdef"', "", "factory.toml:42: management.password: is missing"),
        ("security = 2", "security = 0", "factory.toml:43: management.url: begins with wss:// but"),
        ("HeartbeatInterval = 300", "HeartbeatInterval = 3.5", "factory.toml:49: options.management.HeartbeatInterval"),
        (
            "[options.primary]",
            "[options.other]",
            "factory.toml:50: options.other: is not a known field; known here: management, operator, primary",
        ),
        (
            '[connector.meter]\nprofile = "eastron_sdm630"\nbus = "bus1"\nunit = 2\n',
            "",
            "connector[2].meter: is missing",
        ),
        ('profile = "pn532_uart"', 'profile = "../../etc/passwd"', "factory.toml:39: reader[1].profile"),
    ],
)
def test_a_bad_field_is_told_with_file_line_field_and_remedy(old: str, new: str, expected: str) -> None:
    found = problems(old, new)
    assert any(expected in problem for problem in found), found
    assert all("; " in problem for problem in found)


MUTUAL = 'security = 3\ncertificate = "own.pem"\nkey = "own.key"\n'
BASIC = 'security = 2\npassword = "0123456789abcdef"\n'


@pytest.mark.rule("product.H8")
def test_management_may_be_dialled_with_a_client_certificate() -> None:
    management = parse_factory("factory.toml", GOOD.replace(BASIC, MUTUAL)).management
    assert management.security is SecurityProfile.MUTUAL_TLS
    assert (management.certificate, management.key, management.password) == ("own.pem", "own.key", None)


@pytest.mark.rule("product.N9")
def test_management_may_have_an_interface_and_a_proxy() -> None:
    uplink = 'interface = "wwan0"\nproxy = "http://proxy:3128"\nproxy_login = "user:canary"\n'
    factory = parse_factory("factory.toml", GOOD.replace(BASIC, BASIC + uplink))
    assert factory.management.interface == "wwan0"
    assert factory.management.proxy == "http://proxy:3128"
    assert factory.management.proxy_login == Secret("user:canary")
    assert "canary" not in repr(factory)


@pytest.mark.rule("product.H7")
@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ("security = 3\n", "management.certificate: is missing but security profile 3"),
        (MUTUAL.replace('key = "own.key"\n', ""), "management.key: is missing"),
        (MUTUAL + 'password = "0123456789abcdef"\n', "factory.toml:48: management.password: is given but"),
        (BASIC + 'certificate = "own.pem"\nkey = "own.key"\n', "factory.toml:47: management.certificate: is given but"),
        (BASIC + 'interface = "eth 0"\n', "factory.toml:47: management.interface: has a blank"),
        (BASIC + 'proxy = "http://a:b@proxy:1"\n', "factory.toml:47: management.proxy: has a user or password"),
        (BASIC + 'proxy_login = "user:x"\n', "factory.toml:47: management.proxy_login: is given but"),
        (
            BASIC + 'proxy = "http://proxy:1"\nproxy_login = "user"\n',
            "factory.toml:48: management.proxy_login: is not user:password",
        ),
        (
            BASIC + 'proxy = "http://proxy:1"\nproxy_login = "a:b"\nproxy_login_file = "x"\n',
            "factory.toml:49: management.proxy_login_file: is given beside",
        ),
    ],
)
def test_what_does_not_fit_together_at_management_is_told(new: str, expected: str) -> None:
    found = problems(BASIC, new)
    assert len(found) == 1
    assert expected in found[0]


def test_the_station_says_whether_it_charges_for_nothing_before_anybody_knows_it() -> None:
    assert parse_factory("factory.toml", GOOD).station.free_before_accepted
    assert not parse_factory("factory.toml", GOOD).station.additional_root_check
    policy = 'vendor = "Example"\nfree_before_accepted = false\nadditional_root_check = true\n'
    station = parse_factory("factory.toml", GOOD.replace('vendor = "Example"\n', policy)).station
    assert not station.free_before_accepted
    assert station.additional_root_check


def test_a_bus_that_is_not_there_is_told() -> None:
    found = problems('bus = "bus1"\nunit = 101', 'bus = "bus2"\nunit = 101')
    assert 'the board of connector 1 is on bus "bus2"' in found[0]


def test_a_newer_format_is_refused() -> None:
    with pytest.raises(SettingsError, match="format"):
        parse_factory("factory.toml", "format = 2\n" + GOOD)


@pytest.mark.parametrize("section", ["[station]", "[management]"])
def test_a_missing_section_is_told(section: str) -> None:
    assert problems(section, "[other]")


def test_an_empty_file_names_everything_that_it_needs() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_factory("factory.toml", "")
    fields = {problem.field for problem in caught.value.problems}
    assert {"station", "management", "connector"} <= fields
