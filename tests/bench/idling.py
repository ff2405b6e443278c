"""Budgets 10, 11 and 12: memory, and processor time of an hour, from processes that are watched at the same time.

Budget 12 is of a station with one connector, once with nothing plugged in and once charging; 11 is of the same
composition with no buses at all, and 10 of a station with two connectors, one of them charging. All speak TLS to two
upstreams. Processor time is read to the nanosecond, so that a minute is enough.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from tests.bench.house import charge, house
from tests.bench.process import Process
from tests.bench.report import Figure, Say

WATCHED_S, WATCHED_QUICK_S, SETTLED_S = 60.0, 15.0, 10.0
MOST_MIB = 48.0
KINDS = ((1, False), (1, True), (1, True), (2, True))
"""Connectors, and whether there is a plant."""
CHARGING = 2
"""From this kind on, connector 1 charges."""
LIMITS: tuple[tuple[str, str, float | None], ...] = (
    ("11", "OCPP part, no buses", 0.3),
    ("12", "whole agent, nothing plugged in", 3.0),
    ("12", "whole agent, charging", 15.0),
    ("12", "the same with a second, idle connector", None),
)


async def hours(say: Say, quick: bool) -> list[Figure]:
    """All of them."""
    watched_s = WATCHED_QUICK_S if quick else WATCHED_S
    async with AsyncExitStack() as stack:
        houses = [await stack.enter_async_context(house(c, plant=plant, tls=True)) for c, plant in KINDS]
        processes = [await (whole.agent() if whole.plant else whole.bare_agent()) for whole in houses]
        for whole in houses:
            await whole.booted()
        for whole in houses[CHARGING:]:
            await charge(whole, 1)
        say(f"four agents run; they are watched for {watched_s:.0f} s")
        await asyncio.sleep(SETTLED_S)
        before = [process.cpu_s for process in processes]
        await asyncio.sleep(watched_s)
        hours_s = [(p.cpu_s - first) * 3600 / watched_s for p, first in zip(processes, before, strict=True)]
        return [*_memory(processes[-1]), *_processor(hours_s)]


def _memory(process: Process) -> list[Figure]:
    mib, mapped = process.resident_mib, process.has_mapped("cryptography")
    what, target = "RSS, two upstreams over TLS, 2 connectors", f"<= {MOST_MIB:.0f} MiB"
    return [
        Figure("10", what, target, f"{mib:.1f} MiB", mib <= MOST_MIB),
        Figure("10", "`cryptography` in the process", "no", "yes" if mapped else "no", not mapped),
    ]


def _processor(hours_s: list[float]) -> list[Figure]:
    figures = []
    for (budget, what, limit_s), hour_s in zip(LIMITS, hours_s, strict=True):
        kept = None if limit_s is None else hour_s <= limit_s
        target = "" if limit_s is None else f"<= {limit_s:g} s/h"
        figures.append(Figure(budget, f"CPU, {what}", target, f"{hour_s:.2f} s/h", kept))
    return figures
