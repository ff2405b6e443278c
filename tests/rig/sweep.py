"""Sweeps: one tale, told again for every boundary between two effects, with a fuse that blows at this boundary.

Theory of operation
-------------------
A `Tale` is a scenario and the station it is told on. `counted` tells it once to the end and names what a fuse saw on
the way: every effect of the engine but its notes, every sync of the disk (when all is written and nothing counts yet),
and every frame that has reached a backend and is not answered yet. `visit` tells it with a fuse that blows at one of
them; then what fell is got up again, everything is delivered, the car leaves, and the oracle judges. Beyond its laws,
`visit` demands:

- every backend holds exactly the sessions whose start is on the disk: a synced one is not lost, an unsynced one is
  never told after a bare power cut;
- without any of them no energy flowed and the contactor never closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.rig.fuse import End, Fuse, PowerCut
from tests.rig.oracle_plant import tracks
from tests.rig.oracle_sessions import sessions_of
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import run_virtual

UNLOCKED_S = 4.0
"""After the recovery nobody touches anything for so long: the lock has to open, and what must not come would come."""
RESUMED_S = 3.0
"""A session that goes on does so for this long."""
DOWN_S = 2.0
"""How long supply or process stay away: longer than a car takes from an offer to closed contacts."""
UNLOCK_S = 3.0
"""How soon after the end of a transaction the lock has to be open here: sooner than the law says, to wait less."""
REAL_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Tale:
    """A scenario that can be cut anywhere."""

    name: str
    tell: Callable[[StationRig], Awaitable[None]]
    options: RigOptions
    armed: bool = True
    """False: it arms the fuse itself, where what is new begins."""
    resumes: bool = False
    """After the recovery the session goes on, until the car leaves."""
    judge: Callable[[StationRig], None] = lambda rig: None
    """What is demanded beyond that."""


def counted(folder: Path, tale: Tale, seed: int = 1) -> Fuse:
    """Tell the tale to its end; a fuse that has counted the boundaries on the way."""
    fuse = Fuse()
    play(folder, tale, fuse, seed)
    return fuse


def visit(folder: Path, tale: Tale, fuse: Fuse, seed: int = 1, defects: Mapping[str, Any] | None = None) -> None:
    """Tell the tale until the fuse blows, recover, and judge. Raises AssertionError that names the boundary."""
    try:
        play(folder, tale, fuse, seed, defects)
    except Exception as error:
        before = fuse.burnt[-1] if fuse.burnt else "the beginning"
        told = error if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
        raise AssertionError(f"{tale.name}, {fuse.end} at {fuse.at}, behind {before}:\n{told}") from error
    assert fuse.blown, f"{tale.name} has no boundary {fuse.at}"


def play(folder: Path, tale: Tale, fuse: Fuse, seed: int = 1, defects: Mapping[str, Any] | None = None) -> None:
    """Tell the tale with a fuse that may blow, and judge."""

    async def main() -> None:
        fuse.armed = tale.armed
        asyncio.get_running_loop().set_exception_handler(report)
        async with StationRig(folder, tale.options, seed=seed, fuse=fuse, defects=defects, direct=True) as rig:
            await _until_blown(rig, tale, fuse)
            synced = len(rig.commits)
            if fuse.blown:
                await rig.recover(down_s=DOWN_S)
                await _aftermath(rig, tale.resumes)
            _judge(rig, synced if fuse.blown and fuse.end is End.CUT else None)
            tale.judge(rig)

    run_virtual(main(), real_limit_s=REAL_LIMIT_S)


def report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The callback in which the power went is no mistake."""
    if not isinstance(context.get("exception"), PowerCut):
        loop.default_exception_handler(context)


async def _until_blown(rig: StationRig, tale: Tale, fuse: Fuse) -> None:
    """The tale, up to its end or to the instant at which the fuse blows."""
    blown = asyncio.Event()
    fuse.on_blow.append(blown.set)
    if fuse.blown:
        return
    telling = asyncio.ensure_future(tale.tell(rig))
    waiting = asyncio.ensure_future(blown.wait())
    await asyncio.wait({telling, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    while fuse.blown and not telling.done():  # again: `wait_for` of CPython 3.11 may swallow a cancellation
        telling.cancel()
        await asyncio.wait({telling}, timeout=0.1)
    if not fuse.blown:
        await telling
    elif not telling.cancelled():
        telling.exception()  # the tale dies with the agent, in whatever it was waiting for


async def _aftermath(rig: StationRig, resumes: bool) -> None:
    """What was begun is ended and delivered, the lock opens, and the connector is free for the next one."""
    if resumes:
        await asyncio.sleep(RESUMED_S)
    else:
        await rig.until_settled()
        await asyncio.sleep(UNLOCKED_S)
    rig.unplug()
    await rig.until_status("Available")
    await rig.until_settled()


def _judge(rig: StationRig, synced: int | None) -> None:
    """`synced`: starts that were on the disk when a bare power cut came, if one came."""
    limits = rig.world().limits
    rig.check(limits=replace(limits, unlock_s=UNLOCK_S))
    begun = len(rig.commits)
    assert synced in (None, begun), f"{synced} starts were synced before the power cut, and {begun} are known after it"
    for backend in rig.backends:
        told = len(sessions_of(backend.ledger))
        assert told == begun, f"{begun} transactions are on the disk, {backend.name} was told of {told}"
    if not begun:
        for track in tracks(rig.plant.history, rig.plant.time_s).values():
            assert not track.counted_wh(), f"{track.counted_wh()} Wh flowed, and no transaction was recorded"
            assert not track.times("contactor", True), "the contactor closed, and no transaction was recorded"
