"""`[privacy]` of the factory file."""

from __future__ import annotations

import pytest

from agent.settings.factory import Factory, parse_factory
from agent.settings.problems import SettingsError
from agent.vocabulary.privacy import DEFAULT_PRIVACY, IdTagPolicy
from agent.vocabulary.upstreams import UpstreamKind
from tests.rig.rig_options import RigOptions


def factory(section: str) -> Factory:
    return parse_factory("factory.toml", RigOptions().factory("ws://management.example/ocpp") + section)


def test_nothing_said_is_the_default() -> None:
    assert factory("").privacy == factory("[privacy]\n").privacy == DEFAULT_PRIVACY


@pytest.mark.parametrize("policy", IdTagPolicy)
def test_each_policy_can_be_chosen_for_management_and_for_operators(policy: IdTagPolicy) -> None:
    chosen = factory(f'[privacy]\nmanagement = "{policy.value}"\noperator = "{policy.value}"\n').privacy
    assert chosen == {
        UpstreamKind.MANAGEMENT: policy,
        UpstreamKind.PRIMARY: IdTagPolicy.FULL,
        UpstreamKind.OPERATOR: policy,
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('management = "none"', "use one of: full, pseudonym, no-idtag, status-only"),
        ('primary = "no-idtag"', "privacy.primary: is not a known field"),
    ],
)
def test_what_cannot_be_chosen_is_told(line: str, expected: str) -> None:
    with pytest.raises(SettingsError, match=expected):
        factory(f"[privacy]\n{line}\n")
