"""The contract of every dialect: each event renders, each command parses, none of it by chance."""

from __future__ import annotations

import json

import pytest

from agent.ocpp.dialect import DIALECTS, Dialect
from agent.ocpp.exchange import Refusal
from agent.ocpp.wire import Call, read
from agent.vocabulary.events import (
    Condition,
    ReadingContext,
    Sample,
    StopReason,
    TransactionSampled,
    TransactionStarted,
    TransactionStopped,
    Trigger,
)
from agent.vocabulary.ids import STATION, ConnectorId, EvseAddress, EvseId, IdToken, TransactionId
from agent.vocabulary.moments import Moment
from agent.vocabulary.options import StationOptions

AT = Moment(1, 0, 1_780_000_000_000)
WHERE = EvseAddress(EvseId(1), ConnectorId(1))
TX = TransactionId("t")


@pytest.fixture(params=sorted(DIALECTS))
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return DIALECTS[request.param](StationOptions(connectors=(), readers={}, vendor="V", model="M"))


def test_the_subprotocol_is_the_name(dialect: Dialect) -> None:
    assert dialect.subprotocol in DIALECTS


@pytest.mark.parametrize(
    "event",
    [
        TransactionStarted(TX, WHERE, IdToken("A"), AT, 0, Trigger.AUTHORIZED),
        TransactionSampled(TX, WHERE, Sample(AT, 1, (), ReadingContext.SAMPLE_PERIODIC)),
        TransactionSampled(None, WHERE, Sample(AT, 1, (), ReadingContext.SAMPLE_CLOCK)),
        TransactionStopped(TX, WHERE, AT, 2, StopReason.REMOTE, Trigger.REMOTE_STOP),
    ],
)
def test_every_event_renders_to_a_call_with_the_given_id(dialect: Dialect, event) -> None:  # type: ignore[no-untyped-def]
    text = dialect.frame(event, "the-id", "1", None)
    assert text is not None
    frame = read(text)
    assert isinstance(frame, Call)
    assert frame.message_id == "the-id"


def test_own_messages_are_calls(dialect: Dialect) -> None:
    board = dialect.status_board()
    board.seen(Condition(STATION, AT))
    board.listen(0, all_of_them=True)
    status = board.peek()
    assert status is not None
    texts = [
        dialect.boot("1"),
        dialect.heartbeat("1"),
        dialect.authorize(IdToken("A"), "1"),
        dialect.status(status, "1", None),
    ]
    assert all(isinstance(read(text), Call) for text in texts)


def test_parsing_is_total(dialect: Dialect) -> None:
    for action in ("Reset", "GetConfiguration", "MakeCoffee", "RemoteStartTransaction", "ChangeConfiguration"):
        for payload in (
            {},
            {"key": [[]]},
            {"type": {}},
            {"idTag": None},
            {"connectorId": "x"},
            {"key": {}, "value": 1},
        ):
            found = dialect.parse(Call("1", action, json.loads(json.dumps(payload))), True)
            assert found is not None
            if action == "MakeCoffee":
                assert isinstance(found, Refusal)
