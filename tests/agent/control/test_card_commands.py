"""What people type and see about cards: services, decisions, the outage mode."""

from __future__ import annotations

from typing import Any

import pytest

from agent import stationctl
from agent.control.card_requests import CARD_COMMANDS, Decisions, EditServices, SetOutageMode
from agent.control.card_views import decisions_text, outage_text, services_text
from agent.control.protocol import parse_request
from agent.control.rendering import plain
from agent.control.request_fields import Fields, RefusedError
from agent.settings.service_edits import AddRoute, RemoveRoute, SetAsked, SetEvseId, SetReservations, StoreCard
from agent.vocabulary.ids import ConnectorId, UpstreamId
from agent.vocabulary.moments import Moment
from agent.vocabulary.outage import OutageMode
from agent.vocabulary.records import Asked, LadderStep
from agent.vocabulary.services import RouteBy
from tests.agent.test_stationctl import FakeAgent

STEP = LadderStep(
    Moment(1, 5, 1_793_491_200_000),
    ConnectorId(1),
    "04***",
    "online",
    UpstreamId("primary-1"),
    230,
    "Blocked",
    "billing_answer",
    (Asked(UpstreamId("primary-1"), "Blocked", 230), Asked(UpstreamId("operator-1"), "not reachable")),
    "broadcast",
)


@pytest.mark.parametrize(
    ("typed", "command", "edit"),
    [
        ("set Roaming --online on --broadcast off", "services-set", SetAsked("Roaming", True, False)),
        ("set Roaming --broadcast on", "services-set", SetAsked("Roaming", None, True)),
        ("reservations billing", "services-reservations", SetReservations("billing")),
        ("route add --connector 2 --ask Roaming", "services-route-add", AddRoute(RouteBy.CONNECTOR, "2", "Roaming")),
        (
            "route add --contract DE-8AA-CA2B3C4D5 --ask Roaming --first",
            "services-route-add",
            AddRoute(RouteBy.CONTRACT, "DE-8AA-CA2B3C4D5", "Roaming", True),
        ),
        ("route add --evse DE*ABC*E1 --ask X", "services-route-add", AddRoute(RouteBy.EVSE, "DE*ABC*E1", "X")),
        ("route add --token-prefix 04 --ask X", "services-route-add", AddRoute(RouteBy.TOKEN_PREFIX, "04", "X")),
        ("route remove 3", "services-route-remove", RemoveRoute(3)),
        ("evse 1 DE*ABC*E1", "services-evse", SetEvseId(1, "DE*ABC*E1")),
        ("evse 1", "services-evse", SetEvseId(1, "")),
        ("store-card 04A1B2", "services-card", StoreCard("04A1B2", True)),
        ("remove-card 04A1B2", "services-card", StoreCard("04A1B2", False)),
    ],
)
def test_what_is_typed_becomes_one_edit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, command: str, edit: object
) -> None:
    agent = FakeAgent()
    monkeypatch.setattr(stationctl, "Client", agent)
    assert stationctl.main(["services", *typed.split()]) == 0
    ((asked, fields),) = agent.asked
    assert asked == command
    assert CARD_COMMANDS[asked](Fields(dict(fields))) == EditServices(edit)  # type: ignore[arg-type]
    assert "stationctl reboot" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        (["outage-mode", "free-vend", "--energy", "5000"], ("outage-mode", {"mode": "free-vend", "cap_wh": 5000})),
        (["outage-mode", "deny"], ("outage-mode", {"mode": "deny"})),
        (["outage-mode"], ("services", {})),
        (["decisions", "--connector", "1"], ("decisions", {"limit": 20, "connector": 1})),
        (["services", "show"], ("services", {})),
    ],
)
def test_what_is_asked_for(monkeypatch: pytest.MonkeyPatch, typed: list[str], asked: tuple[str, Any]) -> None:
    agent = FakeAgent({} if "decisions" not in typed else [])
    monkeypatch.setattr(stationctl, "Client", agent)
    assert stationctl.main([*typed, "--json"]) == 0
    assert agent.asked == [asked]


def test_the_socket_takes_modes_and_decisions_and_refuses_the_rest() -> None:
    assert parse_request(b'{"command":"outage-mode","mode":"deny"}') == SetOutageMode(OutageMode.DENY)
    assert parse_request(b'{"command":"decisions","connector":2}') == Decisions(20, 2)
    for line in (
        b'{"command":"outage-mode","mode":"maybe"}',
        b'{"command":"services-set","upstream":"x","online":"perhaps"}',
        b'{"command":"services-route-add","by":"moon","value":"1","upstream":"x"}',
        b'{"command":"services-route-remove","number":0}',
    ):
        with pytest.raises(RefusedError):
            parse_request(line)


@pytest.mark.rule("product.H12")
def test_a_decision_is_shown_with_everybody_who_was_asked_and_why() -> None:
    text = decisions_text(plain([{"step": STEP, "why": "Operator has blocked this card"}]))
    assert text.splitlines()[1].split()[2:8] == ["1", "04***", "online", "billing_answer", "primary-1", "Blocked"]
    assert "Operator has blocked this card" in text
    assert text.splitlines()[3].split() == ["asked", "broadcast", "operator-1", "not", "reachable", "-"]
    assert decisions_text([]) == "No decisions."


def test_services_are_shown_with_what_is_staged_and_what_does_not_count() -> None:
    answer = {
        "asked": [{"upstream": "operator-1", "name": "Roaming", "online": True, "broadcast": False}],
        "routes": [{"number": 1, "by": "connector", "value": "2", "upstream": "Roaming"}],
        "reservations": "Operator",
        "evse_ids": {"1": "DE*ABC*E1"},
        "cards": ["04***"],
        "cards_note": "inert",
        "outage_mode": "free-vend",
        "free_vend_wh": 0,
        "pending": {"changes": [{"what": "route 1 removed"}]},
    }
    text = services_text(answer)
    for line in (
        "operator-1  Roaming  on      off",
        "04*** (inert)",
        "without an energy cap",
        "PENDING: route 1 removed",
    ):
        assert line in text
    assert outage_text({"outage_mode": "deny"}) == "deny"
    assert "Reservations: -" in services_text({})
