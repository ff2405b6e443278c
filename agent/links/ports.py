"""What the links need of the rest of the agent, and of the network: protocols of a few methods each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from agent.vocabulary.effects import Note
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import Input
from agent.vocabulary.options import UpstreamOptions
from agent.vocabulary.outbox import NoticeRow, OutboxRow
from agent.vocabulary.security import SecurityEventKind

Row = TypeVar("Row", covariant=True)


class Mind(Protocol):
    """The engine's door, and the present options of an upstream."""

    def post(self, given: Input) -> None:
        """Take an input. Never waits."""

    def crowded(self, upstream: UpstreamId) -> bool:
        """So much of this upstream waits to be handled that it must not be read on in this turn of the loop."""

    def options(self, upstream: UpstreamId) -> UpstreamOptions:
        """The options as they are now."""


class Clock(Protocol):
    """Monotonic time, and the wall time as far as it is known."""

    @property
    def monotonic_ms(self) -> int:
        """Milliseconds of this boot."""

    @property
    def offset_ms(self) -> int | None:
        """Wall minus monotonic time; None while unknown."""


class Queue(Protocol[Row]):
    """A queue of one upstream, of which only the head is ever shown."""

    async def head(self) -> Row | None:
        """The oldest row that is not done."""

    @property
    def changed(self) -> asyncio.Event:
        """Set whenever the head may have changed; the upstream task clears it before it asks for the head."""


class Outbox(Queue[OutboxRow], Protocol):
    """The outbox of one upstream; its head is neither done nor parked."""


class Notices(Queue[NoticeRow], Protocol):
    """The security events that one upstream is still to be told."""


class Link(Protocol):
    """One open WebSocket connection. Every method raises `LinkLost` once it is gone."""

    async def receive(self) -> str | bytes:
        """The next message; bytes where it was not UTF-8 text."""

    def charge(self, units: int) -> bool:
        """What the last message cost beyond its frame (see `Allowance`); true if the peer is not read for a while."""

    async def send(self, text: str) -> None:
        """Send a text message."""

    async def ping(self, deadline_s: float) -> None:
        """Ping and wait for the pong; raises `LinkLost` after the deadline."""

    async def close(self, code: int, why: str) -> None:
        """Close in order, within a few seconds; never raises."""


CUT: Final = 1006
"""Code of a connection that ended without a closing handshake; never sent (RFC 6455 7.4.1)."""


GOING_AWAY: Final = 1001
"""The station restarts, and comes back (RFC 6455 7.4.1)."""
GOODBYE: Final = 1000
"""There is nothing more to say, for good."""


class LinkLost(Exception):
    """The connection is gone; the text says how, in plain words."""

    def __init__(self, how: str, code: int | None = None) -> None:
        """`code`: with which code the peer closed the WebSocket, or `CUT`; None: the station ended it."""
        super().__init__(how)
        self.code = code


@dataclass
class LinkRefused(Exception):
    """No connection came about. `cause` is one of the closed list that the page explains."""

    cause: str
    """`resolve`, `connect`, `proxy`, `timeout`, `tls`, `http`, `redirect`, `subprotocol`, `address` or `handshake`."""
    detail: str
    http_status: int | None = None
    security: SecurityEventKind | None = None
    """The security event that TLS failing so is."""

    def __str__(self) -> str:
        return f"{self.cause}: {self.detail}"


Connect = Callable[[], Awaitable[Link]]
"""Dial once. Raises `LinkRefused`."""
OnTime = Callable[[UpstreamId, int, bool], None]
"""An upstream told the time: its id, wall time in milliseconds, and whether its link is authenticated."""
TakeNote = Callable[[Note], None]
"""A line for the log and the page."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The world of an upstream task."""

    mind: Mind
    outbox: Outbox
    clock: Clock
    connect: Connect
    on_time: OnTime
    note: TakeNote
    chance: Callable[[], float]
    """Numbers from 0 up to 1, for the backoff."""
    new_id: Callable[[], str]
    """A new UUIDv4 as text."""
    notices: Notices | None = None
    """Security events that this upstream is to be told; None: it is told of none."""
    dials: Callable[[], str] = lambda: ""
    """The endpoint that is dialled at present: a backend may have raised the security profile of the settings."""
    proven: Callable[[], None] = lambda: None
    """The station is registered on the present link, and a call was answered there. Called often."""
    leaves_with: int = GOING_AWAY
    """Close code of a link that the station ends in order."""
    authenticated: Callable[[], bool] = lambda: False
    """The server proves who it is by TLS, on the links that are dialled at present."""
