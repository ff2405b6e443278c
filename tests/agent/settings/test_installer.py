from __future__ import annotations

from dataclasses import replace

import pytest

from agent.settings.addresses import SecurityProfile, UpstreamAddress
from agent.settings.installer import Change, InstallerSettings, parse_installer, render_installer, toml_text
from agent.settings.problems import SettingsError
from agent.vocabulary.ids import Secret, UpstreamId

PRIMARY = UpstreamAddress(
    UpstreamId("primary-3"),
    'Operator "one" \\ ü',
    "wss://cpms.example/ocpp",
    "CP/1#?",
    SecurityProfile.TLS_BASIC,
    trust="primary-3.pem",
)
OPERATOR = replace(PRIMARY, id=UpstreamId("operator-7"), name="Energy", trust="operator-7.pem")
FORMER = replace(PRIMARY, id=UpstreamId("primary-1"), name="Former", trust="system")


@pytest.mark.parametrize(
    "settings",
    [
        InstallerSettings(),
        InstallerSettings(
            PRIMARY, 3, "0123abcd", changes=(Change("set primary", "stationctl (root)", 17), Change("and", at_ms=None))
        ),
        InstallerSettings(PRIMARY, 3, operators=(OPERATOR, FORMER), operators_made=7),
        InstallerSettings(None, 3, operators=(replace(PRIMARY, id=UpstreamId("primary-3")), OPERATOR)),
        InstallerSettings(OPERATOR, 3, operators=(PRIMARY,), operators_made=7),
        InstallerSettings(
            replace(
                PRIMARY,
                security=SecurityProfile.MUTUAL_TLS,
                certificate="primary-3.pem",
                key="primary-3.key",
                interface="wwan0",
                proxy="http://proxy:3128",
            )
        ),
    ],
)
def test_what_is_written_is_read_back(settings: InstallerSettings) -> None:
    assert parse_installer("active.toml", render_installer(settings)) == settings


def test_a_password_is_never_written_into_the_settings() -> None:
    secret = replace(PRIMARY, password=Secret("canary-canary-canary"), proxy_login=Secret("canary:canary"))
    text = render_installer(InstallerSettings(secret))
    assert "canary" not in text


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('id = "primary-3"', 'id = "management"', "active.toml:8: primary.id"),
        ('trust = "primary-3.pem"', 'trust = "../management.pem"', "active.toml:13: primary.trust"),
        ("security = 2", "security = 4", "active.toml:12: primary.security"),
        ("security = 2", 'security = 2\nkey = "../x.key"', "active.toml:13: primary.key"),
        ("security = 2", 'security = 2\ninterface = "a b"', "active.toml:13: primary.interface: has a blank"),
        ("security = 2", 'security = 2\nproxy = "proxy"', "active.toml:13: primary.proxy"),
        ("wss://cpms", "wss:// cpms", "active.toml:10: primary.url: has a blank or invisible character (space)"),
        ("format = 1", "format = 2", "active.toml:2: format"),
        ('billing = "primary-3"', 'billing = "operator-9"', "active.toml:5: billing"),
        ("primaries_made", "primaries_maid", "did you mean primaries_made"),
    ],
)
def test_a_bad_field_is_told_with_its_line(old: str, new: str, expected: str) -> None:
    text = render_installer(InstallerSettings(PRIMARY, 3))
    assert old in text
    with pytest.raises(SettingsError) as caught:
        parse_installer("active.toml", text.replace(old, new))
    assert expected in str(caught.value)


def test_a_text_cannot_leave_its_quotes() -> None:
    assert toml_text('a"\nb = 1\u2028\x7f') == '"a\\"\\U0000000Ab = 1\\U00002028\\U0000007F"'
