"""Budgets 10, 11 and 12: memory, and processor time of an hour, from processes that are watched at the same time.

Three agents run: one on a plant with nothing plugged in, one on a plant where both connectors charge, and one with no
buses at all. All speak TLS to two upstreams. Processor time is read to the nanosecond, so that a minute is enough.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from tests.bench.house import charge, house
from tests.bench.report import Figure, Say

WATCHED_S, WATCHED_QUICK_S, SETTLED_S = 60.0, 15.0, 10.0
MOST_MIB = 48.0
MOST_BARE, MOST_IDLE, MOST_CHARGING = 0.3, 3.0, 15.0


async def hours(say: Say, quick: bool) -> list[Figure]:
    """All of them."""
    watched_s = WATCHED_QUICK_S if quick else WATCHED_S
    async with AsyncExitStack() as stack:
        houses = [await stack.enter_async_context(house(plant=plant, tls=True)) for plant in (True, True, False)]
        idle, charging = await houses[0].agent(), await houses[1].agent()
        bare = await houses[2].bare_agent()
        for whole in houses:
            await whole.booted()
        for connector in (1, 2):
            await charge(houses[1], connector)
        say(f"three agents run, two connectors of one charge; they are watched for {watched_s:.0f} s")
        await asyncio.sleep(SETTLED_S)
        processes = (bare, idle, charging)
        before = [process.cpu_s for process in processes]
        await asyncio.sleep(watched_s)
        spent = [process.cpu_s - first for process, first in zip(processes, before, strict=True)]
        mib, charging_mib = idle.resident_mib, charging.resident_mib
        free_of_it = not any(process.has_mapped("cryptography") for process in processes)
        whats = ("OCPP part, no buses", "whole agent, nothing plugged in", "whole agent, both connectors charge")
        limits = (MOST_BARE, MOST_IDLE, MOST_CHARGING)
        figures = [
            Figure("10", "RSS, two upstreams over TLS, 2 connectors", f"<= {MOST_MIB:.0f} MiB",
                   f"{mib:.1f} MiB idle, {charging_mib:.1f} MiB charging", max(mib, charging_mib) <= MOST_MIB),
            Figure("10", "`cryptography` in the process", "no", "no" if free_of_it else "yes", free_of_it),
        ]  # fmt: skip
        for budget, what, limit, seconds in zip(("11", "12", "12"), whats, limits, spent, strict=True):
            hour = seconds * 3600 / watched_s
            figures.append(Figure(budget, f"CPU, {what}", f"<= {limit:g} s/h", f"{hour:.2f} s/h", hour <= limit))
    return figures
