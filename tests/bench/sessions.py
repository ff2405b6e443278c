"""Budgets 3 and 3b: sessions in the agent's real process, between hardware that confirms at once and two backends.

3: from the last confirmation of the hardware (lock, meter) to StartTransaction at a backend; the record is synced in
between. 3b: what else goes on while a sync takes five seconds, beside the same without it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise

from tests.bench.backend import BenchBackend
from tests.bench.house import House, house
from tests.bench.process import Process
from tests.bench.report import Figure, Say, milliseconds, p50

SESSIONS, WARM_UP = 200, 5
P50_MS, MAX_MS = 2.0, 6.0
STALL_S, CONNECTORS, PING_S, WATCHDOG_S = 5, 8, 0.02, 1.0
PAUSE_S = 0.02
SLACK_MS = 5.0
"""What a figure under the stall may be worse by and still counts as unchanged."""


async def start_of_session(say: Say, quick: bool) -> list[Figure]:
    """Budget 3."""
    count = SESSIONS // 4 if quick else SESSIONS
    delays: list[float] = []
    async with house(plant=False) as whole:
        process = await whole.bare_agent()
        await ready(whole)
        for number in range(WARM_UP + count):
            delays.append(await session(whole, process, number))
            if number % 50 == 0:
                say(f"session {number}")
    text = milliseconds(delays[WARM_UP:])
    kept = p50(delays[WARM_UP:]) <= P50_MS and max(delays[WARM_UP:]) * 1000 <= MAX_MS
    target = f"p50 {P50_MS:.0f} ms, max {MAX_MS:.0f} ms"
    return [Figure("3", f"confirmation to StartTransaction at both, {count} times", target, text, kept)]


@dataclass(slots=True)
class Calm:
    """What was seen in five seconds, stalled or not."""

    openings: list[float] = field(default_factory=list)
    pongs: list[float] = field(default_factory=list)
    own_ping_gap_s: float = 0.0
    feed_gap_s: float = 0.0


async def stalled_sync(say: Say, quick: bool) -> list[Figure]:
    """Budget 3b."""
    calm = await _observe(stall_s=0)
    say(f"without the stall: openings {milliseconds(calm.openings)}")
    stalled = await _observe(stall_s=STALL_S)
    say(f"with the stall: openings {milliseconds(stalled.openings)}")
    return [
        _compared("fault to contactor order, other connectors", calm.openings, stalled.openings),
        _compared("pong of the station to a backend's ping", calm.pongs, stalled.pongs),
        _gap("longest gap of the station's pings (every 1 s)", calm.own_ping_gap_s, stalled.own_ping_gap_s),
        _gap("longest gap of watchdog feeds (every 0.25 s)", calm.feed_gap_s, stalled.feed_gap_s),
    ]


async def ready(whole: House) -> None:
    await whole.booted()
    for backend in whole.backends:
        await _status(backend, "Available", 1)


async def session(whole: House, process: Process, number: int) -> float:
    """One session from plug to unplug; seconds from the last confirmation to the later StartTransaction."""
    process.tell("report")
    await _stamps(process)
    at_s = await begin(whole, process, number, 1)
    process.tell("report")
    confirmed_s = [seconds for what, _, seconds in await _stamps(process) if what == "confirmed" and seconds < at_s]
    await asyncio.sleep(PAUSE_S)
    process.tell("unplug 1")
    for backend in whole.backends:
        await backend.arrival("StopTransaction")
    await asyncio.sleep(PAUSE_S)
    return at_s - max(confirmed_s)


async def begin(whole: House, process: Process, number: int, connector: int) -> float:
    """Plug in and show a card; when the later of the two starts came."""
    process.tell(f"plug {connector}")
    for backend in whole.backends:
        await _status(backend, "Preparing", connector)
    process.tell(f"card {number}")
    return max([(await backend.arrival("StartTransaction")).at_s for backend in whole.backends])


async def _status(backend: BenchBackend, wanted: str, connector: int) -> None:
    while True:
        payload = (await backend.arrival("StatusNotification")).payload
        if (payload["connectorId"], payload["status"]) == (connector, wanted):
            return


async def _stamps(process: Process) -> list[tuple[str, int, float]]:
    stamps = []
    while line := await process.hear():
        what, connector, seconds = line.split()
        stamps.append((what, int(connector), float(seconds)))
    return stamps


async def _observe(stall_s: int) -> Calm:
    """Eight connectors charge; the stop of the first one is written, and meanwhile the others have faults."""
    async with house(CONNECTORS, plant=False, WebSocketPingInterval=1) as whole:
        process = await whole.bare_agent(watchdog_s=WATCHDOG_S)
        await ready(whole)
        for connector in range(1, CONNECTORS + 1):
            await begin(whole, process, connector, connector)
            for backend in whole.backends:
                await _status(backend, "Charging", connector)
        process.tell("report")
        await _stamps(process)
        loop = asyncio.get_running_loop()
        begin_s = loop.time()
        process.tell(f"stall {stall_s}")
        process.tell("unplug 1")
        seen = Calm()
        faults = asyncio.create_task(_faults(process))
        while loop.time() - begin_s < STALL_S:
            seen.pongs.append(await whole.primary.ping())
            await asyncio.sleep(PING_S)
        await faults
        end_s = loop.time()
        process.tell("report")
        seen.openings = _openings(await _stamps(process))
        seen.own_ping_gap_s = _longest_gap(whole.primary.pings, begin_s, end_s)
        seen.feed_gap_s = _longest_gap(process.signs.feeds, begin_s, end_s)
    return seen


async def _faults(process: Process) -> None:
    for connector in range(2, CONNECTORS + 1):
        await asyncio.sleep(0.5)
        process.tell(f"fault {connector}")


def _openings(stamps: list[tuple[str, int, float]]) -> list[float]:
    faults = {connector: seconds for what, connector, seconds in stamps if what == "fault"}
    opened = {connector: seconds for what, connector, seconds in reversed(stamps) if what == "opened"}
    return [opened[connector] - seconds for connector, seconds in faults.items()]


def _longest_gap(times_s: list[float], begin_s: float, end_s: float) -> float:
    within = [begin_s, *(at_s for at_s in times_s if begin_s < at_s < end_s), end_s]
    return max(later - earlier for earlier, later in pairwise(within))


def _compared(what: str, calm: list[float], stalled: list[float]) -> Figure:
    text = f"{milliseconds(stalled)}; without the stall {milliseconds(calm)}"
    return Figure("3b", what, "unchanged by a 5 s sync", text, p50(stalled) - p50(calm) <= SLACK_MS)


def _gap(what: str, calm_s: float, stalled_s: float) -> Figure:
    text = f"{stalled_s:.2f} s; without the stall {calm_s:.2f} s"
    return Figure("3b", what, "unchanged by a 5 s sync", text, stalled_s - calm_s <= 0.1)
