"""What local people see and change about cards: services, decisions with their reasons, the outage mode."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agent.control.card_requests import Decisions, SetOutageMode
from agent.control.request_fields import RefusedError
from agent.runtime.card_desk import INERT, CardDesk
from agent.runtime.queries import Queries, T
from agent.settings.addresses import SecurityProfile, UpstreamAddress
from agent.settings.factory import parse_factory
from agent.settings.services import ServiceSettings
from agent.settings.settings import Settings
from agent.store.database import Database
from agent.store.store import Store
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import MANAGEMENT, ConnectorId, IdToken, UpstreamId
from agent.vocabulary.inputs import OutageModeRequested
from agent.vocabulary.outage import OutageMode
from agent.vocabulary.records import Asked, LadderStep
from agent.vocabulary.services import CardServices, RouteBy, RouteRule, Services
from tests.rig.rig_options import RigOptions
from tests.rig.sessions import moment, render

PRIMARY, ROAMING = UpstreamId("primary-1"), UpstreamId("operator-1")
SERVICES = ServiceSettings(
    {ROAMING: Services(True, True)},
    CardServices(
        (RouteRule(RouteBy.CONTRACT, "DE-8AA-CA2B3C4D5", ROAMING), RouteRule(RouteBy.CONNECTOR, "1", PRIMARY)),
        {ConnectorId(1): "DE*ABC*E1"},
        (IdToken("04A1B2C3D4E5F6"),),
        ROAMING,
    ),
)


class Writer(Queries):
    """Asks the store at once."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def ask(self, question: Callable[[Store], T]) -> T:
        """See `Queries`."""
        return question(self._store)


def address(upstream: UpstreamId, name: str) -> UpstreamAddress:
    return UpstreamAddress(upstream, name, f"ws://{upstream}.example/", "CP1", SecurityProfile.UNSECURED)


def desk(folder: Path, signed: bool = False, primary: bool = True) -> tuple[CardDesk, Store, list[object]]:
    factory = parse_factory("factory.toml", RigOptions().factory("ws://management.example/ocpp"))
    chosen = address(PRIMARY, "Operator") if primary else None
    settings = Settings(factory, chosen, operators=(address(ROAMING, "Roaming"),), services=SERVICES)
    store = Store(Database(folder / "state.db"), render)
    store.open("boot-1")
    posted: list[object] = []
    overview: Any = SimpleNamespace(outage_mode=OutageMode.DENY, free_vend_wh=0, signed_metering=signed)
    staging: Any = SimpleNamespace(pending=None, edit_services=None)
    return CardDesk(settings, staging, cast(Any, Writer(store)), lambda: overview, posted.append), store, posted


def test_services_are_told_by_name_and_with_no_card(tmp_path: Path) -> None:
    made, store, _ = desk(tmp_path)
    view = made.services()
    assert [(one.upstream, one.online, one.broadcast) for one in view.asked] == [
        (MANAGEMENT, False, False),
        (PRIMARY, True, False),
        (ROAMING, True, True),
    ]
    assert [(route.value, route.upstream) for route in view.routes] == [("DE***", "Roaming"), ("1", "Operator")]
    assert (view.reservations, view.cards, view.cards_note) == ("Roaming", ("04***",), INERT)
    assert view.evse_ids == {"1": "DE*ABC*E1"}
    store.close()
    (tmp_path / "alone").mkdir()
    alone, store, _ = desk(tmp_path / "alone", primary=False)
    assert alone.services().cards_note == ""
    store.close()


@pytest.mark.rule("product.H12")
def test_decisions_are_told_newest_first_with_their_reasons_and_by_connector(tmp_path: Path) -> None:
    made, store, _ = desk(tmp_path)
    asked = (Asked(PRIMARY, "Invalid", 100), Asked(ROAMING, "no answer", 10_000))
    steps = [
        LadderStep(
            moment(1, number), ConnectorId(place), "04***", "online", PRIMARY, 5, answer, "billing_answer", asked
        )
        for number, (place, answer) in enumerate([(1, "Accepted"), (2, "Blocked"), (1, "Invalid")])
    ]
    store.commit([Record((step,), True) for step in steps])
    found = asyncio.run(made.decisions(Decisions()))
    assert [one.step for one in found] == steps[::-1]
    assert [one.why for one in found] == [
        "Operator does not know this card (Roaming: no answer)",
        "Operator has blocked this card (Roaming: no answer)",
        "",
    ]
    assert [one.step for one in asyncio.run(made.decisions(Decisions(connector=2)))] == [steps[1]]
    assert [one.step for one in asyncio.run(made.decisions(Decisions(limit=1)))] == [steps[2]]
    store.close()


@pytest.mark.rule("product.outage")
def test_a_mode_is_asked_of_the_station_or_refused_with_a_remedy(tmp_path: Path) -> None:
    made, store, posted = desk(tmp_path)
    made.set_outage_mode(SetOutageMode(OutageMode.FREE_VEND, 5_000), "Ann")
    assert posted == [OutageModeRequested(OutageMode.FREE_VEND, "Ann", 5_000)]
    with pytest.raises(RefusedError, match="cap_wh"):
        made.set_outage_mode(SetOutageMode(OutageMode.DENY, 5_000), "Ann")
    store.close()
    (tmp_path / "signed").mkdir()
    strict, store, posted = desk(tmp_path / "signed", signed=True)
    with pytest.raises(RefusedError, match="signed metering"):
        strict.set_outage_mode(SetOutageMode(OutageMode.FREE_VEND), "Ann")
    strict.set_outage_mode(SetOutageMode(OutageMode.LOCAL_ONLY), "Ann")
    assert len(posted) == 1
    store.close()
