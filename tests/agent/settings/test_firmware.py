"""`[firmware]`: who may update the station."""

from __future__ import annotations

import pytest

from agent.settings.factory import parse_factory
from agent.settings.problems import SettingsError
from agent.vocabulary.firmware import DEFAULT_POLICY, FirmwarePolicy, LegacyFirmware
from tests.rig.rig_options import RigOptions


def policy(section: str) -> FirmwarePolicy:
    return parse_factory("factory.toml", RigOptions(firmware=section).factory("ws://h.example")).firmware


def test_management_and_the_primary_may_unless_the_file_says_otherwise() -> None:
    assert policy("") == DEFAULT_POLICY == FirmwarePolicy(False, False, LegacyFirmware.PROFILE_0, True)


def test_every_field_counts() -> None:
    text = 'reserved_for_management = true\nlegacy = "always"\ntell_management = false'
    assert policy(text) == FirmwarePolicy(True, False, LegacyFirmware.ALWAYS, False)
    assert policy('operators_may_update = true\nlegacy = "never"').operators_may_update


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ("reserved_for_management = 1", "reserved_for_management"),
        ('legacy = "sometimes"', "legacy"),
        ("reserved = true", "reserved"),
        ("reserved_for_management = true\noperators_may_update = true", "let one of the two be false"),
    ],
)
def test_what_is_not_understood_is_told(section: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        policy(section)
