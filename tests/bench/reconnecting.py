"""Budget 9: from a TCP reset by the backend to the next handshake, with no jitter; what the other upstream notices."""

from __future__ import annotations

import asyncio

from tests.bench.backend import BenchBackend
from tests.bench.house import house
from tests.bench.report import Figure, Say, milliseconds, p50, p99

RESETS, LONGEST_MS, RECONNECT_S = 15, 50.0, 20.0
REQUEST = {"key": ["HeartbeatInterval"]}
NOTICED = 1.5
"""The other upstream notices nothing if its p99 stays below so many times that of a quiet time, and half a ms more."""


async def reconnect(say: Say, quick: bool) -> list[Figure]:
    """Heartbeats come every second here, so that each new link has proved itself before it is cut again."""
    times: list[float] = []
    async with house(plant=False, heartbeat_s=1) as whole:
        await whole.bare_agent("--no-jitter")
        await whole.booted()
        await asyncio.sleep(2)
        quiet = await _asked(whole.management, asyncio.sleep(3))
        resets = asyncio.create_task(_resets(whole.primary, 4 if quick else RESETS, times))
        noisy = await _asked(whole.management, resets)
        say(f"{len(times)} resets; {milliseconds(times)}")
    calm = p99(noisy) <= NOTICED * p99(quiet) + 0.5
    text = f"p50 {p50(noisy):.2f}, p99 {p99(noisy):.2f} ms; quiet p50 {p50(quiet):.2f}, p99 {p99(quiet):.2f} ms"
    kept = max(times) * 1000 <= LONGEST_MS
    return [
        Figure("9", "RST to the next handshake, no jitter", f"<= {LONGEST_MS:.0f} ms", milliseconds(times), kept),
        Figure("9", "round trips of the other upstream meanwhile", "unchanged", text, calm),
    ]


async def _asked(backend: BenchBackend, until: object) -> list[float]:
    """Round trips, one after the other with a short pause, until something has ended."""
    ending = asyncio.ensure_future(until)  # type: ignore[call-overload]
    trips = []
    while not ending.done():
        trips.append(await backend.ask("GetConfiguration", REQUEST))
        await asyncio.sleep(0.002)
    await ending
    return trips


async def _resets(backend: BenchBackend, count: int, times: list[float]) -> None:
    for _ in range(count):
        backend.forget()
        await backend.arrival("Heartbeat")
        await asyncio.sleep(0.1)
        backend.connected.clear()
        begin_s = backend.reset()
        async with asyncio.timeout(RECONNECT_S):
            await backend.connected.wait()
        times.append(backend.handshakes[-1] - begin_s)
