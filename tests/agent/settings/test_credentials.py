from __future__ import annotations

import pytest

from agent.settings.credentials import Passwords, parse_passwords, render_passwords
from agent.settings.problems import SettingsError
from agent.vocabulary.ids import MANAGEMENT, Secret, UpstreamId


def test_passwords_are_read_back() -> None:
    passwords = {MANAGEMENT: Secret('quo"te\\slash!'), UpstreamId("primary-1"): Secret("0123456789abcdef")}
    assert parse_passwords("credentials.toml", render_passwords(Passwords(passwords))) == Passwords(passwords)
    with_proxy = Passwords(passwords, {MANAGEMENT: Secret("user:pass:word")})
    assert parse_passwords("credentials.toml", render_passwords(with_proxy)) == with_proxy
    assert "user:pass" not in repr(with_proxy)


def test_no_message_quotes_a_password() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_passwords(
            "credentials.toml", 'format = 1\n[password]\nmanagement = "canary canary"\n[proxy]\nmanagement = "canary"\n'
        )
    assert "canary" not in str(caught.value)
    assert "credentials.toml:3: password.management" in str(caught.value)
    assert "credentials.toml:5: proxy.management" in str(caught.value)
