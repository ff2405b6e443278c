"""Budget 4: the round trip of one upstream while the other one stalls, or floods the station as fast as it is read."""

from __future__ import annotations

import asyncio
import json
from itertools import count

from tests.bench.backend import BenchBackend
from tests.bench.house import house
from tests.bench.report import Figure, Say, milliseconds, p99

CALLS, WARM_UP, SETTLED_S = 1_500, 200, 3.0
SPACING_S = 0.005
"""Between two requests: somebody who asks now and then, and not a flood of its own."""
MOST = 1.2
REQUEST = ("GetConfiguration", {"key": ["HeartbeatInterval"]})


async def misery(say: Say, quick: bool) -> list[Figure]:
    """Beside one that is well, one that takes no bytes, and one that sends without waiting."""
    calls = CALLS // 3 if quick else CALLS
    async with house() as whole:
        await whole.agent()
        await whole.booted()
        await asyncio.sleep(SETTLED_S)
        await _trips(whole.primary, WARM_UP)
        well = await _trips(whole.primary, calls)
        say(f"beside one that is well: {milliseconds(well)}")
        flooding = asyncio.create_task(_flood(whole.management))
        flooded = await _trips(whole.primary, calls)
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)
        say(f"beside a flood: {milliseconds(flooded)}")
        whole.management.stall()
        stalled = await _trips(whole.primary, calls)
        say(f"beside one that stalls: {milliseconds(stalled)}")
    return [
        _figure("a flooding upstream: p99 of the other", well, flooded),
        _figure("a stalled upstream: p99 of the other", well, stalled),
    ]


def _figure(what: str, well: list[float], found: list[float]) -> Figure:
    ratio = p99(found) / p99(well)
    text = f"{ratio:.2f} x; {milliseconds(found)}, else {milliseconds(well)}"
    return Figure("4", what, f"<= {MOST} x", text, ratio <= MOST)


async def _trips(backend: BenchBackend, calls: int) -> list[float]:
    found = []
    for _ in range(calls):
        found.append(await backend.ask(*REQUEST))
        await asyncio.sleep(SPACING_S)
    return found


async def _flood(backend: BenchBackend) -> None:
    """Calls and answers that nobody asked for, as many as the socket takes."""
    for number in count():
        await backend.send(json.dumps([2, f"flood-{number}", *REQUEST]))
        await backend.send('[3,"nobody-asked",{}]')
        await asyncio.sleep(0)  # the other backend lives in this process
