"""Budget 14b: a full archive of diagnostics is uploaded in a session, and the round trips of budget 2 beside it.

The agent's real process, with its log and its record of inputs full, brings the file to a server of this machine that
takes it slowly; meanwhile the backend asks what it asks in budget 2, one request at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tests.bench.house import House, house
from tests.bench.report import Figure, Say, milliseconds
from tests.bench.sessions import begin, ready, session
from tests.bench.starting import MESSAGES

FILLING_SESSIONS, UPLOADS, CALM_CALLS = 200, 5, 300
PIECE, PAUSE_S = 4096, 0.01
"""The server takes so much, and rests so long: about 400 kB/s, a good cellular link."""


@dataclass(slots=True)
class Place:
    """A server of files: what it was brought, in bytes."""

    port: int = 0
    sizes: list[int] = field(default_factory=list)


async def upload(say: Say, quick: bool) -> list[Figure]:
    """Budget 14b."""
    async with house(plant=False, transfers='allow = ["http", "loopback"]') as whole, _place() as place:
        process = await whole.bare_agent()
        await ready(whole)
        for number in range(FILLING_SESSIONS // 10 if quick else FILLING_SESSIONS):
            await session(whole, process, number)
        say("log and inputs are full")
        await begin(whole, process, 0xFFFF, 1)
        calm = await _asked(whole, CALM_CALLS)
        beside: dict[str, list[float]] = {message.name: [] for message in MESSAGES}
        took = [await _uploaded(whole, place, number, beside) for number in range(2 if quick else UPLOADS)]
    size = place.sizes[-1]
    figures = [Figure("14b", f"GetLog of a full archive ({size:,} bytes)", "", f"{milliseconds(took)} until Uploaded")]
    for name, samples in beside.items():
        text = f"{milliseconds(samples)}, {len(samples)} calls; without it {milliseconds(calm[name])}"
        figures.append(Figure("14b", f"{name} meanwhile", "as in budget 2", text))
    return figures


async def _asked(whole: House, calls: int) -> dict[str, list[float]]:
    return {m.name: [await whole.management.ask(m.action, m.payload) for _ in range(calls)] for m in MESSAGES}


async def _uploaded(whole: House, place: Place, number: int, beside: dict[str, list[float]]) -> float:
    """One GetLog; the requests beside it go on until its last status has come. Seconds until then."""
    loop = asyncio.get_running_loop()
    log = {"remoteLocation": f"http://127.0.0.1:{place.port}/"}
    begin_s = loop.time()
    await whole.management.ask("GetLog", {"log": log, "logType": "DiagnosticsLog", "requestId": number})
    done = asyncio.create_task(_last_status(whole))
    while not done.done():
        for message in MESSAGES:
            beside[message.name].append(await whole.management.ask(message.action, message.payload))
    status = done.result()
    assert status == "Uploaded", status
    return loop.time() - begin_s


async def _last_status(whole: House) -> str:
    while True:
        status = str((await whole.management.arrival("LogStatusNotification")).payload["status"])
        if status != "Uploading":
            return status


@contextlib.asynccontextmanager
async def _place() -> AsyncIterator[Place]:
    place = Place()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length:")[2].split()[0])
        left = length
        while left:
            left -= len(await reader.read(min(PIECE, left)))
            await asyncio.sleep(PAUSE_S)
        place.sizes.append(length)
        writer.write(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0, limit=PIECE)
    place.port = server.sockets[0].getsockname()[1]
    async with server:
        yield place
