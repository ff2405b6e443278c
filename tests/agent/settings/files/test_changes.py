"""Further operators and the Billing role: staged one on top of the other, applied together by the next boot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent.settings.files import (
    discard_pending,
    load,
    stage_billing,
    stage_operator,
    stage_operator_removal,
    stage_primary,
    stage_removal,
)
from agent.settings.installer import MOST_OPERATORS
from agent.settings.locations import Locations
from agent.settings.problems import SettingsError
from agent.settings.settings import Settings
from agent.vocabulary.ids import MANAGEMENT, Secret
from agent.vocabulary.upstreams import Role, UpstreamKind
from tests.agent.settings.files.test_staging import PEM, REQUEST, PowerCut, content, copy_folder, cut_at
from tests.agent.settings.files.test_staging import locations as locations

ENERGY = replace(REQUEST, url="wss://energy.example/", name="Energy", password=Secret("canary-of-energy"))
SERVICE = replace(ENERGY, url="wss://service.example/", name="Service")


def operator(number: int) -> object:
    return replace(ENERGY, url=f"wss://o{number}.example/", name=f"Operator {number}")


def names(settings: Settings) -> list[str]:
    return [f"{one.id} {one.name} {settings.role(one.id).value}" for one in settings.upstreams]


def refused(match: str, change: Callable[[], object], locations: Locations) -> None:
    before = content(locations)
    with pytest.raises(SettingsError, match=match):
        change()
    assert content(locations) == before


@pytest.mark.rule("product.P7")
@pytest.mark.rule("two-upstreams.RC12")
def test_operators_come_and_go_one_by_one_with_all_that_is_theirs(locations: Locations) -> None:
    stage_primary(locations, "boot1", REQUEST)
    stage_operator(locations, "boot1", ENERGY)
    staged = stage_operator(locations, "boot1", replace(SERVICE, changed_by="Ann", changed_at_ms=17))
    assert [change.what.split()[0] for change in staged.changes] == ["set", "add", "add"]
    assert (staged.changes[-1].by, staged.changes[-1].at_ms) == ("Ann", 17)
    assert names(load(locations, "boot1")) == ["management Management billing"]
    settings = load(locations, "boot2")
    assert names(settings) == [
        "management Management data_and_control",
        "primary-1 Operator billing",
        "operator-1 Energy data_and_control",
        "operator-2 Service data_and_control",
    ]
    energy, service = settings.operators
    assert energy.password == Secret("canary-of-energy")
    assert Path(energy.trust).read_text() == PEM
    assert settings.kind(energy.id) is UpstreamKind.OPERATOR

    stage_operator_removal(locations, "boot2", "energy", "delete")
    after = load(locations, "boot3")
    assert (after.primary, after.operators) == (settings.primary, (service,))
    stage_operator(locations, "boot3", ENERGY)
    assert names(load(locations, "boot4"))[-1] == "operator-3 Energy data_and_control"


@pytest.mark.rule("product.P7")
@pytest.mark.rule("product.A8")
def test_a_swap_of_the_primary_leaves_management_and_operators_as_they_are(locations: Locations) -> None:
    stage_primary(locations, "boot1", REQUEST)
    stage_operator(locations, "boot1", ENERGY)
    before = load(locations, "boot2")
    stage_removal(locations, "boot2", "delete")
    stage_primary(locations, "boot2", replace(SERVICE, name="Other"))
    after = load(locations, "boot3")
    assert after.factory.management == before.factory.management
    assert after.operators == before.operators
    assert after.billing == "primary-2"


@pytest.mark.rule("product.P7")
def test_a_fifth_operator_is_refused_and_a_primary_that_lost_billing_counts(locations: Locations) -> None:
    stage_primary(locations, "boot1", REQUEST)
    for number in range(MOST_OPERATORS):
        stage_operator(locations, "boot1", operator(number))  # type: ignore[arg-type]
    load(locations, "boot2")
    refused("remove one first", lambda: stage_operator(locations, "boot2", SERVICE), locations)
    refused("billing: would leave 5", lambda: stage_billing(locations, "boot2", "management"), locations)
    stage_operator_removal(locations, "boot2", "operator-2", "delete")
    stage_billing(locations, "boot2", "management")
    settings = load(locations, "boot3")
    assert (settings.billing, settings.primary, len(settings.operators)) == (MANAGEMENT, None, 4)
    refused("operator: there are 4", lambda: stage_operator(locations, "boot3", SERVICE), locations)


@pytest.mark.rule("product.P1")
@pytest.mark.rule("product.P2")
def test_billing_moves_among_the_listed_and_nothing_else_changes(locations: Locations) -> None:
    stage_primary(locations, "boot1", REQUEST)
    stage_operator(locations, "boot1", ENERGY)
    first = load(locations, "boot2")
    stage_billing(locations, "boot2", "Energy")
    assert names(load(locations, "boot2")) == names(first), "staged, not applied"
    second = load(locations, "boot3")
    assert names(second) == [
        "management Management data_and_control",
        "operator-1 Energy billing",
        "primary-1 Operator data_and_control",
    ]
    assert second.kind(second.billing) is UpstreamKind.PRIMARY
    assert set(second.upstreams) == set(first.upstreams)
    stage_billing(locations, "boot3", "management")
    third = load(locations, "boot4")
    assert [third.role(one.id) for one in third.upstreams].count(Role.BILLING) == 1
    assert third.billing == MANAGEMENT
    assert {one.id for one in third.operators} == {"primary-1", "operator-1"}
    stage_operator_removal(locations, "boot4", "primary-1", "delete")
    assert [one.id for one in load(locations, "boot5").operators] == ["operator-1"]


@pytest.mark.rule("product.P2")
def test_billing_is_refused_to_whom_is_not_listed(locations: Locations) -> None:
    stage_operator(locations, "boot1", ENERGY)
    load(locations, "boot2")
    refused('"operator-9" is no upstream', lambda: stage_billing(locations, "boot2", "operator-9"), locations)
    refused("Billing already", lambda: stage_billing(locations, "boot2", "Management"), locations)


def test_changes_that_undo_each_other_leave_nothing_staged(locations: Locations) -> None:
    stage_operator(locations, "boot1", ENERGY)
    load(locations, "boot2")
    stage_billing(locations, "boot2", "Energy")
    stage_billing(locations, "boot2", "management")
    assert load(locations, "boot2").pending is None
    assert load(locations, "boot3").billing == MANAGEMENT


@pytest.mark.rule("two-upstreams.RC11")
@pytest.mark.rule("product.A4")
@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"url": "wss://energy.example"}, "url: .*Energy"),
        ({"url": "wss://cpms.example:443/"}, "url: .*Operator"),
        ({"url": "wss://management.example/ocpp", "identity": "W-0001"}, "url: .*Management"),
        ({"name": "ENERGY"}, "name: .*another upstream"),
        ({"name": "management"}, "name: .*another upstream"),
    ],
)
def test_an_address_or_name_that_another_has_is_refused(
    locations: Locations, changes: dict[str, str], match: str
) -> None:
    stage_primary(locations, "boot1", REQUEST)
    stage_operator(locations, "boot1", ENERGY)
    refused(match, lambda: stage_operator(locations, "boot1", replace(SERVICE, **changes)), locations)  # type: ignore[arg-type]


@pytest.mark.rule("product.A6")
@pytest.mark.parametrize("word", ["", "Delete", "yes"])
def test_an_operator_is_removed_by_the_word_alone(locations: Locations, word: str) -> None:
    stage_operator(locations, "boot1", ENERGY)
    refused("delete", lambda: stage_operator_removal(locations, "boot1", "Energy", word), locations)
    refused("no further operator", lambda: stage_operator_removal(locations, "boot1", "Nobody", "delete"), locations)
    stage_primary(locations, "boot1", REQUEST)
    refused("remove-primary", lambda: stage_operator_removal(locations, "boot1", "primary-1", "delete"), locations)


@pytest.mark.rule("product.A2")
def test_an_operator_that_cannot_be_used_is_left_out_and_the_others_stay(locations: Locations) -> None:
    stage_primary(locations, "boot1", REQUEST)
    stage_operator(locations, "boot1", ENERGY)
    stage_operator(locations, "boot1", SERVICE)
    load(locations, "boot2")
    active = Path(locations.settings) / "active.toml"
    text = active.read_text().split("# sha256")[0].replace("wss://energy.example/", "wss://cpms.example/")
    active.write_text(text)
    settings = load(locations, "boot2")
    assert settings.usable
    assert [one.id for one in settings.upstreams] == [MANAGEMENT, "primary-1", "operator-2"]
    assert "operator-1.url" in str(settings.problems[0])


def test_where_the_settings_cannot_be_read_no_operator_is_added_to_nothing(locations: Locations) -> None:
    stage_primary(locations, "boot1", REQUEST)
    load(locations, "boot2")
    (Path(locations.settings) / "active.toml").write_text("billing = ?")
    for change in (
        lambda: stage_operator(locations, "boot2", ENERGY),
        lambda: stage_billing(locations, "boot2", "management"),
    ):
        refused("cannot be read", change, locations)


@pytest.mark.rule("product.P1")
@pytest.mark.rule("product.P2")
def test_a_power_cut_at_any_call_while_billing_moves_leaves_exactly_one(
    locations: Locations, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage_primary(locations, "boot1", REQUEST)
    stage_operator(locations, "boot1", ENERGY)
    before = set(load(locations, "boot2").upstreams)
    outcomes: set[str] = set()
    for call in range(1, 60):
        place = replace(locations, settings=f"{locations.settings}-{call}")
        copy_folder(Path(locations.settings), Path(place.settings))
        with monkeypatch.context() as patch:
            done = cut_at(call, patch)
            try:
                stage_billing(place, "boot2", "operator-1")
                load(place, "boot3")
            except PowerCut:
                pass
            else:
                assert len(done) == call - 1
                break
        settings = load(place, "boot4")
        assert settings.usable
        assert {(one.id, one.url) for one in settings.upstreams} == {(one.id, one.url) for one in before}
        assert [settings.role(one.id) for one in settings.upstreams].count(Role.BILLING) == 1
        outcomes.add(settings.billing)
    assert outcomes == {"primary-1", "operator-1"}


@pytest.mark.rule("product.V4")
def test_the_longest_address_that_is_accepted_is_applied(locations: Locations) -> None:
    url = f"wss://energy.example/{'a' * 480}"
    long = replace(ENERGY, url=url, identity="C" * 48, changed_by="n" * 200)
    stage_operator(locations, "boot1", long)
    settings = load(locations, "boot2")
    assert settings.problems == ()
    assert [one.url for one in settings.operators] == [url]


def test_secrets_of_what_was_staged_and_taken_back_do_not_stay(locations: Locations) -> None:
    """Else whoever stages and discards for years fills the disk, and in the end no password can be read."""
    stage_primary(locations, "boot1", REQUEST)
    load(locations, "boot2")
    before = content(locations)
    with_roots = replace(ENERGY, trust_pem=PEM)
    stage_operator(locations, "boot2", with_roots)
    assert discard_pending(locations)
    assert content(locations) == before
    stage_operator(locations, "boot2", with_roots)
    stage_operator_removal(locations, "boot2", "energy", "delete")
    assert content(locations) == before
    stage_operator(locations, "boot2", with_roots)
    stage_operator(locations, "boot2", SERVICE)
    stage_operator_removal(locations, "boot2", "energy", "delete")
    settings = load(locations, "boot3")
    assert [(one.name, one.password) for one in settings.operators] == [("Service", SERVICE.password)]
    assert b"operator-1" not in content(locations)["credentials.toml"]


def test_nothing_is_forgotten_while_a_file_cannot_be_read(locations: Locations) -> None:
    stage_primary(locations, "boot1", REQUEST)
    load(locations, "boot2")
    stage_removal(locations, "boot2", "delete")
    load(locations, "boot3")
    for name in ("known", "previous"):
        (Path(locations.settings) / f"{name}.toml").write_text("torn")
    stage_operator(locations, "boot3", ENERGY)
    discard_pending(locations)
    assert b"primary-1" in content(locations)["credentials.toml"]


def test_a_name_that_looks_like_an_id_is_refused(locations: Locations) -> None:
    """The next operator would get that id, and who removes it by its id would remove this one."""
    refused(
        "name: .*written like the ids",
        lambda: stage_operator(locations, "boot1", replace(ENERGY, name="Operator-2")),
        locations,
    )
