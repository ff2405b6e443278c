"""Edits of the services: staged whole, refused with field, value and remedy, cancelled without a trace."""

from __future__ import annotations

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
    stage_services,
)
from agent.settings.locations import Locations
from agent.settings.problems import SettingsError
from agent.settings.service_edits import (
    AddRoute,
    RemoveRoute,
    ServiceEdit,
    SetAsked,
    SetEvseId,
    SetReservations,
    StoreCard,
    asked_of,
)
from agent.settings.services import ServiceSettings
from agent.vocabulary.ids import MANAGEMENT, IdToken, Secret, UpstreamId
from agent.vocabulary.services import RouteBy, RouteRule, Services
from tests.agent.settings.files.test_staging import REQUEST, content
from tests.agent.settings.files.test_staging import locations as locations

ROAMING = replace(REQUEST, url="wss://roaming.example/", name="Roaming", password=Secret("canary-of-roaming"))
OPERATOR = UpstreamId("operator-1")
CARD = "04A1B2C3D4E5F6"


@pytest.fixture
def station(locations: Locations) -> Locations:
    stage_primary(locations, "boot1", REQUEST)
    stage_operator(locations, "boot1", ROAMING)
    load(locations, "boot2")
    return locations


def edit(station: Locations, *edits: ServiceEdit) -> ServiceSettings:
    for one in edits:
        staged = stage_services(station, "boot2", one, "Ann", 17)
    return staged.services


def refused(station: Locations, what: ServiceEdit, field: str, *words: str) -> None:
    before = content(station)
    with pytest.raises(SettingsError) as caught:
        stage_services(station, "boot2", what)
    (problem,) = caught.value.problems
    assert problem.field == field
    assert problem.remedy
    assert all(word in str(problem) for word in words), str(problem)
    assert content(station) == before, "nothing is written"


@pytest.mark.rule("product.H6")
def test_as_shipped_the_billing_upstream_alone_is_asked_and_that_follows_it(station: Locations) -> None:
    settings = load(station, "boot2")
    assert {one.id: asked_of(settings.services, one.id, settings.billing).online for one in settings.upstreams} == {
        MANAGEMENT: False,
        "primary-1": True,
        OPERATOR: False,
    }
    stage_billing(station, "boot2", "Roaming")
    settings = load(station, "boot3")
    assert [one.id for one in settings.upstreams if asked_of(settings.services, one.id, settings.billing).online] == [
        OPERATOR
    ]


@pytest.mark.rule("product.H3")
def test_broadcast_needs_online_and_goes_with_it(station: Locations) -> None:
    refused(station, SetAsked("Roaming", broadcast=True), "broadcast", "Roaming", "online on")
    refused(station, SetAsked("Roaming", online=False, broadcast=True), "broadcast", "online")
    assert edit(station, SetAsked("roaming", True, True)).asked[OPERATOR] == Services(True, True)
    assert edit(station, SetAsked(OPERATOR, online=False)).asked[OPERATOR] == Services(False, False)
    assert edit(station, SetAsked(OPERATOR, online=True)).asked[OPERATOR] == Services(True, False)


@pytest.mark.rule("product.H4")
def test_routes_are_an_ordered_list_of_what_can_be_asked(station: Locations) -> None:
    refused(
        station, AddRoute(RouteBy.CONNECTOR, "1", "Roaming"), "upstream", "online is off for Roaming", "--online on"
    )
    edit(station, SetAsked("Roaming", online=True))
    refused(station, AddRoute(RouteBy.CONNECTOR, "2", "Roaming"), "connector", "2", "use one of: 1")
    refused(station, AddRoute(RouteBy.CONNECTOR, "1", "Nobody"), "upstream", "Nobody", "Roaming (operator-1)")
    refused(station, AddRoute(RouteBy.EVSE, "DE*ABC*E1", "Roaming"), "evse", "DE*ABC*E1", "services evse")
    refused(station, AddRoute(RouteBy.CONTRACT, "DE-8AA", "Roaming"), "contract", "DE-8AA-CA2B3C4D5")
    after = edit(
        station,
        SetEvseId(1, "DE*ABC*E1"),
        AddRoute(RouteBy.CONNECTOR, "1", "Roaming"),
        AddRoute(RouteBy.EVSE, "de-abc-e1", "Roaming", first=True),
        AddRoute(RouteBy.TOKEN_PREFIX, "04", "Operator"),
    )
    assert [rule.by.value for rule in after.settled.routes] == ["evse", "connector", "token-prefix"]
    refused(station, AddRoute(RouteBy.EVSE, "DEABCE1", "Roaming"), "evse", "already")
    refused(station, SetEvseId(1, ""), "id", "route")
    refused(station, SetAsked("Roaming", online=False), "online", "route 1", "remove its routes")
    refused(station, RemoveRoute(4), "number", "4", "1 to 3")
    after = edit(station, RemoveRoute(2))
    assert after.settled.routes[1] == RouteRule(RouteBy.TOKEN_PREFIX, "04", UpstreamId("primary-1"))
    assert load(station, "boot3").services == after


def test_cards_of_the_charger_are_stored_once_and_never_told(station: Locations) -> None:
    refused(station, StoreCard("08A1B2C3"), "card", "random")
    refused(station, StoreCard("04 A1"), "card", "position 3")
    staged = stage_services(station, "boot2", StoreCard(CARD))
    assert staged.services.settled.cards == (IdToken(CARD),)
    assert CARD not in str([change.what for change in staged.changes])
    refused(station, StoreCard(CARD.lower()), "card", "already")
    refused(station, StoreCard("04FFFF", stored=False), "card", "not stored")
    assert edit(station, StoreCard(CARD.lower(), stored=False)).settled.cards == ()


@pytest.mark.rule("product.H10")
def test_reservations_may_belong_to_another_than_billing(station: Locations) -> None:
    assert edit(station, SetReservations("Roaming")).settled.reservations == OPERATOR
    refused(station, SetReservations("Moon"), "upstream", "Moon")
    assert edit(station, SetReservations("billing")).settled.reservations is None


def test_an_edit_that_is_cancelled_leaves_every_byte_and_one_that_is_undone_stages_nothing(station: Locations) -> None:
    before = content(station)
    edit(station, SetAsked("Roaming", True, True), StoreCard(CARD), SetReservations("Roaming"))
    assert set(content(station)) - set(before) == {"pending.toml"}, "one file is written"
    assert load(station, "boot2").services == ServiceSettings(), "nothing is in force before the next boot"
    assert discard_pending(station)
    assert content(station) == before
    edit(station, StoreCard(CARD))
    edit(station, StoreCard(CARD, stored=False))
    assert content(station) == before


@pytest.mark.rule("product.N11")
def test_with_an_operator_go_its_routes_and_its_services(station: Locations) -> None:
    edit(station, SetAsked("Roaming", True, True), AddRoute(RouteBy.CONNECTOR, "1", "Roaming"))
    load(station, "boot3")
    stage_operator_removal(station, "boot3", "Roaming", "delete")
    settings = load(station, "boot4")
    assert settings.services == ServiceSettings()
    assert Path(station.settings, "active.toml").exists()
