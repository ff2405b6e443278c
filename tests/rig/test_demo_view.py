"""What `make run` shows and how it judges, without running it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from agent.control.rendering import plain
from agent.control.views import LinkView, PendingView, StatusView
from agent.settings.installer import Change
from agent.vocabulary.events import ChargingState, Condition
from agent.vocabulary.ids import MANAGEMENT, STATION, ConnectorId, TransactionId, UpstreamId
from agent.vocabulary.inputs import Registration
from agent.vocabulary.moments import Moment
from agent.vocabulary.overview import ConnectorOverview, ForeignId, StationOverview, UpstreamOverview
from agent.vocabulary.upstreams import Role
from tests.rig.backend import ScriptedBackend
from tests.rig.demo_story import verdict
from tests.rig.demo_view import Screen, table, view
from tests.rig.ledger import RECEIVED, SENT

PRIMARY = UpstreamId("primary-1")
NAMES = {"management": "management", "primary-1": "primary"}

PENDING = PendingView((Change("set primary ws://n as D", "me"),), UpstreamId("primary-1"))


def status() -> Any:
    transaction = TransactionId("t")
    condition = Condition(STATION, Moment(1, 0), plugged=True, transaction=transaction, charging=ChargingState.CHARGING)
    connector = ConnectorOverview(
        ConnectorId(1),
        "CHARGING",
        condition,
        transaction,
        (ForeignId(MANAGEMENT, "1000"), ForeignId(PRIMARY, None)),
        power_w=11012.4,
        energy_wh=321,
        limit_a=16.0,
        limit_reason="hardware",
    )
    upstreams = (
        UpstreamOverview(MANAGEMENT, "Management", Role.DATA_AND_CONTROL, True, Registration.ACCEPTED),
        UpstreamOverview(PRIMARY, "Demo", Role.BILLING, False, Registration.UNKNOWN),
    )
    links = (LinkView(MANAGEMENT, "ws://m", "D"), LinkView(PRIMARY, "ws://p", "D", queued=3, detail="refused: 401"))
    return plain(StatusView(StationOverview((connector,), upstreams), links, pending=PENDING))


def test_view_shows_what_is_asked_of_it() -> None:
    text = "\n".join(view(json.loads(json.dumps(status())), NAMES))
    for part in (
        "connector 1",
        "Charging",
        "11012 W",
        "321 Wh",
        "limit 16 A (hardware)",
        "management 1000",
        "primary ...",
    ):
        assert part in text
    assert "refused: 401, Unknown, 3 queued" in text
    assert "connected, Accepted, 0 queued" in text
    assert "pending  set primary ws://n" in text


def test_view_of_an_agent_that_is_away() -> None:
    assert view(None, NAMES) == ["station  not running"]


def test_screen_without_a_terminal_prints_lines_now_and_then() -> None:
    stream = io.StringIO()
    screen = Screen(stream)
    for second in range(10):
        screen.show(["view"], float(second))
    screen.say("done", "+")
    assert stream.getvalue() == "  | view\n  | view\n+ done\n"


def test_screen_on_a_terminal_draws_over_its_view() -> None:
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    screen = Screen(stream)
    screen.show(["one", "two"], 0.0)
    screen.say("said")
    assert "\x1b[2A\x1b[J" in stream.getvalue()
    assert stream.getvalue().endswith("said\n")


def told(name: str, identity: int, meter_stop: int = 1500) -> ScriptedBackend:
    backend = ScriptedBackend(name, first_transaction_id=identity)
    start = {"connectorId": 1, "idTag": "04", "meterStart": 1000, "timestamp": "2026-01-01T00:00:00.000Z"}
    stop = {
        "transactionId": identity,
        "meterStop": meter_stop,
        "timestamp": "2026-01-01T00:10:00.000Z",
        "reason": "Remote",
    }
    for message_id, action, payload, answer in (
        ("s", "StartTransaction", start, {"transactionId": identity, "idTagInfo": {"status": "Accepted"}}),
        ("e", "StopTransaction", stop, {}),
    ):
        backend.ledger.add(1.0, RECEIVED, json.dumps([2, message_id, action, payload]))
        backend.ledger.add(1.0, SENT, json.dumps([3, message_id, answer]))
    return backend


def test_the_same_session_at_both_is_right() -> None:
    backends = told("management", 1000), told("primary", 2000)
    assert verdict(backends, backends[1]) == []
    text = "\n".join(table(backends, backends[1]))
    assert "role            Data & Control  Billing" in text
    assert "500 Wh" in text
    assert "1 / 1" in text


@pytest.mark.parametrize(
    ("primary", "words"),
    [
        (told("primary", 2000, meter_stop=1501), "different sessions"),
        (ScriptedBackend("primary", first_transaction_id=2000), "0 starts and 0 stops"),
    ],
)
def test_anything_else_is_wrong(primary: ScriptedBackend, words: str) -> None:
    assert any(words in reason for reason in verdict((told("management", 1000), primary), primary))


def test_an_operator_that_is_told_the_card_is_wrong() -> None:
    primary = told("primary", 2000)
    assert any("was told a card" in reason for reason in verdict((primary, told("operator-1", 3000)), primary))


def test_no_energy_is_wrong() -> None:
    primary = told("primary", 2000, meter_stop=1000)
    reasons = verdict((told("management", 1000, meter_stop=1000), primary), primary)
    assert reasons == ["no energy flowed"]
