"""Budgets 5 and 6: what goes to the flash, by the counters of a loop device with a file system of its own.

5 is the bench of the store (`tests.bench.flash`). 6 is the whole agent on virtual time, with its plant in the same
process and nothing plugged in: an hour after ten minutes of settling. Time marks are counted apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from agent.store.database import PAGE_SIZE, WAL_BYTES, Database
from agent.store.frames import Render
from agent.store.store import Store
from tests.bench import flash
from tests.bench.report import Figure, Say
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import run_virtual

SETTLED_S, HOUR_S = 600.0, 3600.0
MOST_KB, MOST_SYNCS, STRETCH_KB = 40.0, 4.0, 20.0
SAMPLE_SYNCS = 10
"""Samples of ten minutes may be synced once a minute besides."""
PACES = (flash.Pace.MINUTE, flash.Pace.AT_ONCE)


class MarkedStore(Store):
    """Counts what each time mark writes to the device."""

    marks: list[int]
    disk: flash.Volume

    def mark_time(self, wall_ms: int) -> None:
        """As in the store; counted."""
        before = self.disk.written()
        super().mark_time(wall_ms)
        self.marks.append(self.disk.written() - before)


def session(say: Say) -> list[Figure]:
    """Budget 5."""
    what, target = (
        "flash of an online session, both upstreams",
        f"{MOST_KB:.0f} kB, {MOST_SYNCS:.0f} syncs (stretch {STRETCH_KB:.0f} kB)",
    )
    try:
        cost, riding = (flash.measure(PAGE_SIZE, WAL_BYTES // 1024, pace, 4096) for pace in PACES)
    except flash.NotMeasured as why:
        return [Figure("5", what, target, str(why))]
    text = f"{cost.kilobytes:.1f} kB, {cost.syncs:.1f} syncs, one a minute for samples among them"
    more = f"{riding.kilobytes:.1f} kB, {riding.syncs:.1f} syncs"
    kept = cost.kilobytes <= MOST_KB and cost.syncs <= MOST_SYNCS + SAMPLE_SYNCS
    return [Figure("5", what, target, text, kept), Figure("5", "the same with no time between samples", "", more)]


def quiet_hour(say: Say) -> list[Figure]:
    """Budget 6."""
    what, target = "flash of an idle hour, time marks apart", "0 bytes"
    try:
        with flash.volume(4096) as disk:
            written, marks = run_virtual(_hour(disk, say), real_limit_s=120)
    except flash.NotMeasured as why:
        return [Figure("6", what, target, str(why))]
    rest = written - sum(marks)
    mean = sum(marks) / max(1, len(marks))
    return [
        Figure("6", what, target, f"{rest} bytes", rest == 0),
        Figure(
            "6",
            "time marks of the hour",
            "12, small, in place",
            f"{len(marks)}, {mean:.0f} bytes each with what the file system notes about them",
        ),
    ]


async def _hour(disk: flash.Volume, say: Say) -> tuple[int, list[int]]:
    marks: list[int] = []
    stores: list[Store] = []

    def make_store(path: Path, render: Render, report: Callable[[str], None]) -> Store:
        store = MarkedStore(Database(path), render, report)
        store.marks, store.disk = marks, disk
        stores.append(store)
        return store

    options = RigOptions(connectors=2)
    async with StationRig(disk.path, options, defects={"make_store": make_store}, direct=True):
        await asyncio.sleep(SETTLED_S)
        marks.clear()
        before = disk.written()
        say("the agent has settled; an hour of virtual time begins")
        await asyncio.sleep(HOUR_S)
        written = disk.written() - before
    for store in stores:
        store.abandon()
    return written, marks
