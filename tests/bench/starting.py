"""Budgets 1 and 2: from the start of the process to both BootNotifications, and the round trip of a request; the agent
beside a station made of the `ocpp` package as shipped, in turns, before the same two backends."""

from __future__ import annotations

import asyncio
import statistics
from dataclasses import dataclass
from typing import Any

from tests.bench.house import House, house
from tests.bench.process import Process
from tests.bench.report import Figure, Say, milliseconds, p50, p99

STARTS, CALLS, WARM_UP = 10, 2_000, 100
SETTLED_S = 3.0
MOST_START, START_STRETCH = 1.0, 0.6
MOST_TRIP, P50_MS, P99_MS = 0.4, 0.20, 0.45


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """One request. Compared by identity, to be a key."""

    name: str
    action: str
    payload: dict[str, Any]


MESSAGES = (
    Message("ChangeAvailability", "ChangeAvailability", {"connectorId": 1, "type": "Operative"}),
    Message("GetConfiguration of a key", "GetConfiguration", {"key": ["HeartbeatInterval"]}),
    Message("GetConfiguration of all keys", "GetConfiguration", {}),
)
"""From the shortest to the longest."""


@dataclass(frozen=True, slots=True)
class Trips:
    """Round trips of one message in seconds: the first of the process, and those behind the warm-up."""

    first_s: float
    later_s: list[float]


async def start_up(say: Say, quick: bool) -> list[Figure]:
    """Budget 1."""
    ours: list[float] = []
    peers: list[float] = []
    async with house() as whole:
        for start in (whole.agent, whole.peer):
            await _booted(whole, await start())
        for number in range(4 if quick else STARTS):
            ours.append(await _booted(whole, await whole.agent()))
            peers.append(await _booted(whole, await whole.peer()))
            if number % 5 == 0:
                say(f"start {number + 1}: agent {ours[-1] * 1000:.0f} ms, peer {peers[-1] * 1000:.0f} ms")
    ratio = statistics.median(ours) / statistics.median(peers)
    text = f"{ratio:.2f} x; {_start_text(ours)}, peer {_start_text(peers)}"
    target = f"<= {MOST_START} x peer (stretch {START_STRETCH} x)"
    return [Figure("1", "process start to BootNotification at both", target, text, ratio <= MOST_START)]


async def round_trip(say: Say, quick: bool) -> list[Figure]:
    """Budget 2: the answer awaited, one request at a time; the shortest message, a common one and the longest."""
    calls = CALLS // 4 if quick else CALLS
    async with house() as whole:
        ours = await _all_trips(whole, await whole.agent(), calls)
        peers = await _all_trips(whole, await whole.peer(), calls)
    figures: list[Figure] = []
    for message in MESSAGES:
        mine, other = ours[message], peers[message]
        say(f"{message.name}: agent {milliseconds(mine.later_s)}, peer {milliseconds(other.later_s)}")
        figures += _trip_figures(message, mine, other)
    return figures


def _trip_figures(message: Message, ours: Trips, peers: Trips) -> list[Figure]:
    ratio = p50(ours.later_s) / p50(peers.later_s)
    kept = p50(ours.later_s) <= P50_MS and p99(ours.later_s) <= P99_MS
    peer = f"peer {milliseconds(peers.later_s)}"
    return [
        Figure("2", f"{message.name}, p50 beside the peer's", f"<= {MOST_TRIP} x peer", f"{ratio:.2f} x; {peer}",
               ratio <= MOST_TRIP),
        Figure("2", f"{message.name}, round trip", f"p50 {P50_MS:.2f}, p99 {P99_MS:.2f} ms",
               milliseconds(ours.later_s), kept),
        Figure("2", f"{message.name}, the very first", "no first-use cost", f"{ours.first_s * 1000:.2f} ms, peer "
               f"{peers.first_s * 1000:.2f} ms"),
    ]  # fmt: skip


async def _booted(whole: House, process: Process) -> float:
    seconds = await whole.booted() - process.begun_s
    await asyncio.sleep(0.2)
    await whole.stop(process)
    return seconds


async def _all_trips(whole: House, process: Process, calls: int) -> dict[Message, Trips]:
    """The first of each kind before any other is repeated, so that nothing is warm for it."""
    await whole.booted()
    await asyncio.sleep(SETTLED_S)
    first = {message: await whole.management.ask(message.action, message.payload) for message in MESSAGES}
    trips: dict[Message, Trips] = {}
    for message in MESSAGES:
        later = [await whole.management.ask(message.action, message.payload) for _ in range(WARM_UP + calls)]
        trips[message] = Trips(first[message], later[WARM_UP:])
    await whole.stop(process)
    return trips


def _start_text(samples_s: list[float]) -> str:
    return f"median {statistics.median(samples_s) * 1000:.0f}, best {min(samples_s) * 1000:.0f} ms"
