"""A conversation under test: a station that only lists what it is told, a clock that only moves by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from agent.links.conversation import Conversation
from agent.ocpp.v16.dialect import V16
from agent.vocabulary.ids import TransactionId, UpstreamId
from agent.vocabulary.inputs import Input, UpstreamChanged
from agent.vocabulary.options import StationOptions, UpstreamOptions
from agent.vocabulary.outbox import OutboxRow, RowKind

UPSTREAM = UpstreamId("primary")
WALL = "2026-05-28T20:26:40.000Z"


def row(message_id: str = "m1", kind: RowKind = RowKind.START, attempts: int = 0, written: bool = True) -> OutboxRow:
    """A row of the outbox with a frame that any backend would take."""
    frame = json.dumps([2, message_id, "StartTransaction", {}], separators=(",", ":")) if written else None
    return OutboxRow(message_id, frame, TransactionId("t"), kind, attempts)


@dataclass
class Talk:
    """Drives one conversation and reads what it wants said."""

    options: UpstreamOptions = field(default_factory=UpstreamOptions)
    now_ms: int = 0
    rows_to_come: bool = False

    def __post_init__(self) -> None:
        ids = count(1)
        dialect = V16(StationOptions(connectors=(), readers={}, vendor="V", model="M"))
        self.talk = Conversation(
            UPSTREAM,
            dialect,
            lambda: self.options,
            lambda: None,
            lambda: f"own-{next(ids)}",
            lambda: self.rows_to_come,
        )

    def sent(self) -> list[list[Any]]:
        """The frames that left since the last look."""
        texts = self.talk.output.texts
        return [json.loads(texts.popleft()) for _ in range(len(texts))]

    def actions(self) -> list[str]:
        """The own calls that left since the last look, by name."""
        return [frame[2] for frame in self.sent() if frame[0] == 2]

    def inputs(self) -> list[Input]:
        """What the station was told since the last look."""
        inputs = self.talk.output.inputs
        return [inputs.popleft() for _ in range(len(inputs))]

    def news(self) -> list[Input]:
        """As `inputs`, without the state of the upstream."""
        return [given for given in self.inputs() if not isinstance(given, UpstreamChanged)]

    def comes(self, *frame: Any) -> None:
        """A frame from the peer."""
        self.talk.receive(json.dumps(frame), self.now_ms)

    def answer(self, payload: dict[str, Any] | None = None) -> list[Any]:
        """The peer answers the last own call; returns that call."""
        call = next(frame for frame in reversed(self.sent()) if frame[0] == 2)
        self.comes(3, call[1], payload or {})
        return list(call)

    def wait(self, seconds: float) -> None:
        """Time passes, deadline by deadline."""
        end_ms = self.now_ms + round(1000 * seconds)
        while (deadline := self.talk.next_deadline()) is not None and deadline <= end_ms:
            assert deadline >= self.now_ms
            self.now_ms = max(self.now_ms, deadline)
            self.talk.advance(self.now_ms)
            after = self.talk.next_deadline()
            assert after is None or after > self.now_ms, "a deadline that does nothing would spin"
        self.now_ms = end_ms
        self.talk.advance(self.now_ms)

    def boot(self, status: str = "Accepted", interval: int = 300) -> Talk:
        """Connect, and have the boot answered."""
        self.talk.connected(self.now_ms)
        self.answer({"status": status, "currentTime": WALL, "interval": interval})
        return self


@pytest.fixture
def talk() -> Talk:
    return Talk()


@pytest.fixture
def booted() -> Talk:
    ready = Talk().boot()
    ready.inputs()
    ready.talk.output.times.clear()
    return ready
