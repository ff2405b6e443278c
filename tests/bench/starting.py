"""Budgets 1 and 2: from the start of the process to both BootNotifications, and the round trip of a request; the agent
beside a station made of the `ocpp` package as shipped, in turns, before the same two backends."""

from __future__ import annotations

import asyncio
import statistics

from tests.bench.house import House, house
from tests.bench.process import Process
from tests.bench.report import Figure, Say, milliseconds, p50, p99

STARTS, CALLS, WARM_UP = 10, 2_000, 100
SETTLED_S = 3.0
REQUEST = {"key": ["HeartbeatInterval"]}
MOST_START, START_STRETCH = 1.0, 0.6
MOST_TRIP, P50_MS, P99_MS = 0.4, 0.20, 0.45


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
    """Budget 2: one key asked for, the answer awaited, one request at a time."""
    calls = CALLS // 4 if quick else CALLS
    async with house() as whole:
        ours = await _trips(whole, await whole.agent(), calls)
        say(f"agent {milliseconds(ours)}")
        peers = await _trips(whole, await whole.peer(), calls)
        say(f"peer {milliseconds(peers)}")
    ratio = p50(ours) / p50(peers)
    kept = p50(ours) <= P50_MS and p99(ours) <= P99_MS
    return [
        Figure("2", "GetConfiguration round trip, p50 beside the peer's", f"<= {MOST_TRIP} x peer",
               f"{ratio:.2f} x; peer {milliseconds(peers)}", ratio <= MOST_TRIP),
        Figure("2", "GetConfiguration round trip", f"p50 {P50_MS:.2f}, p99 {P99_MS:.2f} ms", milliseconds(ours), kept),
    ]  # fmt: skip


async def _booted(whole: House, process: Process) -> float:
    seconds = await whole.booted() - process.begun_s
    await asyncio.sleep(0.2)
    await whole.stop(process)
    return seconds


async def _trips(whole: House, process: Process, calls: int) -> list[float]:
    await whole.booted()
    await asyncio.sleep(SETTLED_S)
    trips = [await whole.management.ask("GetConfiguration", REQUEST) for _ in range(WARM_UP + calls)]
    await whole.stop(process)
    return trips[WARM_UP:]


def _start_text(samples_s: list[float]) -> str:
    return f"median {statistics.median(samples_s) * 1000:.0f}, best {min(samples_s) * 1000:.0f} ms"
