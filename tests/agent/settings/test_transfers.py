"""`[transfers]`: what the factory file allows of places for files."""

from __future__ import annotations

import pytest

from agent.settings.factory import parse_factory
from agent.settings.problems import SettingsError
from agent.settings.transfers import Allowance, protocols
from tests.rig.rig_options import RigOptions


def allowed(section: str) -> frozenset[Allowance]:
    return parse_factory("factory.toml", RigOptions(transfers=section).factory("ws://h.example")).transfers


def test_nothing_is_allowed_unless_the_file_says_so() -> None:
    assert allowed("") == frozenset()
    assert allowed("allow = []") == frozenset()


def test_each_is_allowed_by_its_name() -> None:
    assert allowed('allow = ["http", "ftp", "private", "link_local", "loopback"]') == frozenset(Allowance)
    assert allowed('allow = ["ftp"]') == {Allowance.FTP}


def test_the_protocols_are_told_in_the_words_of_ocpp() -> None:
    assert protocols(frozenset()) == ("FTPS", "HTTPS")
    assert protocols(frozenset(Allowance)) == ("FTP", "FTPS", "HTTP", "HTTPS")


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ('allow = ["sftp"]', '"sftp" is not known'),
        ('allow = "http"', '"http" is not a list'),
        ("allow = [1]", "1 is not known"),
        ("allows = []", "is not a known field"),
    ],
)
def test_what_is_not_understood_is_told(section: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        allowed(section)
