"""Real WebSocket servers as backends, and the world of an upstream task, for tests on virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from agent.links.address import Endpoint
from agent.links.dialler import Dialler
from agent.links.ports import Connect, Ports
from agent.links.upstream import UpstreamTask
from agent.ocpp.v16.dialect import V16
from agent.vocabulary.effects import Note
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import Input
from agent.vocabulary.options import StationOptions, UpstreamOptions
from agent.vocabulary.outbox import NoticeRow, OutboxRow
from tests.rig.virtual_time import cancelled, now_s
from tests.rig.web_socket_pair import server_on_loopback

CONFIRMATIONS: dict[str, dict[str, Any]] = {
    "BootNotification": {"status": "Accepted", "currentTime": "2026-05-28T20:26:40Z", "interval": 300},
    "Heartbeat": {"currentTime": "2026-05-28T20:26:40Z"},
    "Authorize": {"idTagInfo": {"status": "Accepted"}},
    "StartTransaction": {"transactionId": 7, "idTagInfo": {"status": "Accepted"}},
}
Answering = Callable[["Backend", ServerConnection, list[Any]], Awaitable[None]]


@dataclass
class Backend:
    """A scripted backend: keeps what came (with its time), answers as `answering` says."""

    answering: Answering | None = None
    frames: list[tuple[float, list[Any]]] = field(default_factory=list)
    connections: list[ServerConnection] = field(default_factory=list)
    closes: list[tuple[float, int | None]] = field(default_factory=list)
    port: int = 0

    async def handle(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        try:
            async for message in connection:
                frame = json.loads(message)
                self.frames.append((now_s(), frame))
                if frame[0] == 2:
                    await (self.answering or Backend.confirm)(self, connection, frame)
        except ConnectionClosed:
            pass
        finally:
            self.closes.append((now_s(), connection.close_code))

    async def confirm(self, connection: ServerConnection, frame: list[Any]) -> None:
        """Answer a call as a friendly backend does."""
        await connection.send(json.dumps([3, frame[1], CONFIRMATIONS.get(frame[2], {})]))

    @property
    def connection(self) -> ServerConnection:
        return self.connections[-1]

    def calls(self, action: str) -> list[float]:
        """The times at which a call of that name came."""
        return [at for at, frame in self.frames if frame[0] == 2 and frame[2] == action]

    def answer_to(self, message_id: str) -> list[Any] | None:
        """The answer to a call of this backend."""
        return next((frame for _, frame in self.frames if frame[0] in (3, 4) and frame[1] == message_id), None)


class NoticeQueue:
    """The security events that wait for an upstream."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.rows: list[NoticeRow] = []

    async def head(self) -> NoticeRow | None:
        return self.rows[0] if self.rows else None

    def show(self, *rows: NoticeRow) -> None:
        self.rows = list(rows)
        self.changed.set()


@dataclass
class World:
    """Everything an upstream task touches; what the station is told is kept with its time."""

    options: UpstreamOptions = field(default_factory=UpstreamOptions)
    inputs: list[tuple[float, Input]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    times: list[tuple[int, bool]] = field(default_factory=list)
    row: OutboxRow | None = None
    offset_ms: int | None = None
    crowded: list[bool] = field(default_factory=list)
    """What the next questions about the upstream's lane are answered; then: it has room."""
    on_post: Callable[[Input], None] = lambda given: None

    def __post_init__(self) -> None:
        self.changed = asyncio.Event()
        self.notices = NoticeQueue()

    @property
    def monotonic_ms(self) -> int:
        return round(asyncio.get_running_loop().time() * 1000)

    def post(self, given: Input) -> None:
        self.inputs.append((now_s(), given))
        self.on_post(given)

    async def head(self) -> OutboxRow | None:
        return self.row

    def enqueue(self, row: OutboxRow | None) -> None:
        self.row = row
        self.changed.set()

    def posted(self, kind: type) -> list[Any]:
        """The inputs of one kind."""
        return [given for _, given in self.inputs if isinstance(given, kind)]


class _Mind:
    def __init__(self, world: World) -> None:
        self._world = world

    def post(self, given: Input) -> None:
        self._world.post(given)

    def crowded(self, upstream: UpstreamId) -> bool:
        return self._world.crowded.pop(0) if self._world.crowded else False

    def options(self, upstream: UpstreamId) -> UpstreamOptions:
        return self._world.options


def task_of(world: World, connect: Connect, name: str = "primary", authenticated: bool = False) -> UpstreamTask:
    """An upstream task in that world."""
    ids = count(1)
    ports = Ports(
        mind=_Mind(world),
        outbox=world,
        clock=world,
        connect=connect,
        on_time=lambda upstream, wall_ms, believed: world.times.append((wall_ms, believed)),
        note=world.notes.append,
        chance=lambda: 0.5,
        new_id=lambda: f"{name}-{next(ids)}",
        notices=world.notices,
        authenticated=lambda: authenticated,
    )
    return UpstreamTask(UpstreamId(name), V16(StationOptions(connectors=(), readers={}, vendor="V", model="M")), ports)


@asynccontextmanager
async def running(task: UpstreamTask) -> AsyncIterator[asyncio.Task[None]]:
    """The task runs inside the block."""
    running_task = asyncio.create_task(task.run(), name="upstream")
    try:
        yield running_task
    finally:
        await cancelled(running_task)


@asynccontextmanager
async def upstream(
    backend: Backend | None = None,
    world: World | None = None,
    identity: str = "CP1",
    name: str = "primary",
    **server: Any,
) -> AsyncIterator[tuple[UpstreamTask, World, Backend]]:
    """A backend on loopback and a running task that dials it."""
    backend, world = backend or Backend(), world or World()
    server.setdefault("subprotocols", ["ocpp1.6"])
    async with server_on_loopback(backend.handle, **server) as (_, port):
        backend.port = port
        task = task_of(world, Dialler(Endpoint(f"ws://127.0.0.1:{port}/ocpp", identity), "ocpp1.6"), name)
        async with running(task):
            yield task, world, backend
