"""The services in a settings file: read back as written, and everything that cannot be meant is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.settings.addresses import SecurityProfile, UpstreamAddress
from agent.settings.installer import InstallerSettings, parse_installer, render_installer
from agent.settings.problems import SettingsError
from agent.settings.services import ServiceSettings, check_card, check_route
from agent.vocabulary.ids import MANAGEMENT, ConnectorId, IdToken, UpstreamId
from agent.vocabulary.services import CardServices, RouteBy, RouteRule, Services

OPERATOR = UpstreamAddress(UpstreamId("operator-1"), "Roaming", "wss://r.example/", "CP1", SecurityProfile.TLS_BASIC)
FULL = ServiceSettings(
    {MANAGEMENT: Services(online=False), OPERATOR.id: Services(True, True)},
    CardServices(
        (
            RouteRule(RouteBy.CONNECTOR, "2", OPERATOR.id),
            RouteRule(RouteBy.EVSE, "DE*ABC*E1", OPERATOR.id),
            RouteRule(RouteBy.TOKEN_PREFIX, "04A1", MANAGEMENT),
            RouteRule(RouteBy.CONTRACT, "DE-8AA-CA2B3C4D5-N", OPERATOR.id),
        ),
        {ConnectorId(1): "DE*ABC*E1"},
        (IdToken("04A1B2C3D4E5F6"),),
        OPERATOR.id,
    ),
)


@pytest.mark.rule("product.H3")
def test_what_is_written_is_read_back() -> None:
    settings = InstallerSettings(operators=(OPERATOR,), operators_made=1, services=FULL)
    assert parse_installer("active.toml", render_installer(settings)) == settings
    plain = InstallerSettings(operators=(OPERATOR,), operators_made=1)
    assert "services" not in render_installer(plain)
    assert parse_installer("active.toml", render_installer(plain)).services == ServiceSettings()


def test_what_names_an_upstream_that_is_there_no_more_falls_away() -> None:
    left = FULL.only([MANAGEMENT])
    assert set(left.asked) == {MANAGEMENT}
    assert [rule.value for rule in left.settled.routes] == ["04A1"]
    assert left.settled.reservations is None
    assert left.settled.cards == FULL.settled.cards
    text = render_installer(InstallerSettings(operators=(OPERATOR,), operators_made=1, services=FULL))
    gone = text.replace('id = "operator-1"', 'id = "operator-2"')
    assert parse_installer("active.toml", gone).services == left


@pytest.mark.rule("product.H3")
@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('[[services.asked]]\nupstream = "management"\nbroadcast = true\n', "broadcast"),
        ('[[services.route]]\nby = "moon"\nvalue = "1"\nupstream = "management"\n', "by"),
        ('[[services.route]]\nby = "connector"\nvalue = "x"\nupstream = "management"\n', "value"),
        ('[[services.card]]\nid = "08A1B2C3"\n', "id"),
        ('[[services.evse]]\nconnector = 0\nid = "DE*ABC*E1"\n', "connector"),
        ("[services]\nbroadcast = true\n", "broadcast"),
    ],
)
def test_a_file_that_cannot_be_meant_is_told_with_its_field(text: str, field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_installer("active.toml", f"format = 1\n{text}")
    assert [problem.field.rpartition(".")[2] for problem in caught.value.problems] == [field]
    assert all(problem.remedy for problem in caught.value.problems)


@given(st.text(max_size=40))
def test_no_complaint_quotes_a_card_or_a_contract(text: str) -> None:
    for complaint in (
        check_card(text),
        check_route(RouteBy.TOKEN_PREFIX, text),
        check_route(RouteBy.CONTRACT, text),
    ):
        if complaint is not None and len(text) > 3:
            assert text not in complaint.message
