"""An upstream that is let go: every well-formed request gets the refusal of its own message, by the schema."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.ocpp.exchange import Ready, Refusal
from agent.ocpp.v16.dialect import V16
from agent.ocpp.v16.generate import SERVED
from agent.ocpp.wire import Call
from tests.agent.ocpp.v16.conftest import assert_valid, station
from tests.fuzz.schemas import request
from tests.fuzz.strategies import payloads

NOT_REFUSALS = {"Accepted", "Scheduled", "Unlocked"}


@pytest.mark.rule("two-upstreams.RC05")
@pytest.mark.parametrize("action", SERVED)
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_nothing_is_granted(action: str, data: st.DataObject) -> None:
    payload = data.draw(payloads(request(action), action))
    answer = V16(station()).retiring().parse(Call("1", action, payload), registered=True)
    assert isinstance(answer, Ready | Refusal)
    if isinstance(answer, Ready):
        assert_valid(f"{action}Response", answer.payload)
        assert answer.payload.get("status") not in NOT_REFUSALS


@pytest.mark.rule("two-upstreams.RC05")
def test_it_is_told_that_nothing_but_the_core_is_left(dialect: V16) -> None:
    retiring = dialect.retiring()
    answer = retiring.parse(Call("1", "GetConfiguration", {}), registered=True)
    assert isinstance(answer, Ready)
    told = {entry["key"]: entry["value"] for entry in answer.payload["configurationKey"]}
    assert told == {"NumberOfConnectors": "2", "SupportedFeatureProfiles": "Core"}
    asked = {"key": ["supportedfeatureprofiles", "HeartbeatInterval"]}
    answer = retiring.parse(Call("1", "GetConfiguration", asked), registered=True)
    assert isinstance(answer, Ready)
    assert answer.payload["unknownKey"] == ["HeartbeatInterval"]


def test_nonsense_gets_the_error_that_it_deserves(dialect: V16) -> None:
    assert isinstance(dialect.retiring().parse(Call("1", "Reset", {"type": 7}), registered=True), Refusal)
