"""Budget 7: a long queue of offline transactions, put into the store through its own door, and how it is drained.

A message costs some turns between two threads and two processes, so that on a machine which is busy with other things
the speed says little; what a message costs the processor is beside it. The agent's real process brings the queue to two
backends at once: first without disturbance, which gives the speed, then, with a shorter queue, killed again and again
on the way. The frames that came tell what was lost, reordered or resent.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from agent.app import DATABASE
from agent.ocpp.dialect import DIALECTS
from agent.store.database import Database
from agent.store.store import Store
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import MANAGEMENT, UpstreamId
from agent.vocabulary.options import StationOptions
from agent.vocabulary.records import Enqueue
from tests.agent.station.driver import connector
from tests.bench.backend import BenchBackend
from tests.bench.house import House, house
from tests.bench.report import Figure, Say
from tests.rig.sessions import session

UPSTREAMS = (MANAGEMENT, UpstreamId("primary-1"))
TRANSACTIONS, KILLED_TRANSACTIONS = 10_000, 1_000
KILLS = 5
LEAST_PER_S = 1_000.0
STUCK_S = 60.0
BATCH = 500
DRAINED = frozenset({"StartTransaction", "StopTransaction"})

Queued = dict[UpstreamId, list[str]]
"""The message ids of each upstream in their order."""


async def drain(say: Say, quick: bool) -> list[Figure]:
    """Both."""
    shorter = 10 if quick else 1
    return [*await _undisturbed(say, TRANSACTIONS // shorter), *await _killed(say, KILLED_TRANSACTIONS // shorter)]


async def _undisturbed(say: Say, transactions: int) -> list[Figure]:
    async with house(plant=False) as whole:
        queued = _fill(Path(whole.places.base, "state", DATABASE), transactions)
        say(f"{transactions:,} transactions wait")
        _keep_frames(whole)
        process = await whole.bare_agent()
        await _until(whole, 2 * transactions)
        cpu_us = process.cpu_s * 1e6 / (4 * transactions)
        kept = [not _findings(b, queued[u], 0) for u, b in zip(UPSTREAMS, whole.backends, strict=True)]
        speeds = [_per_second(b) for b in whole.backends]
        ends = [(_per_second(b, 0.0, 0.1), _per_second(b, 0.9, 1.0)) for b in whole.backends]
    what = f"{transactions:,} offline transactions, two upstreams"
    text = f"{2 * transactions:,} messages each, all there and in order: {'yes' if all(kept) else 'NO'}"
    speed = ", ".join(f"{each:,.0f}" for each in speeds) + "/s at once; first and last tenth "
    speed += ", ".join(f"{first:,.0f} and {last:,.0f}" for first, last in ends)
    load = f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    return [
        Figure("7", what, "kept", text, all(kept)),
        Figure("7", "drain of them", f">= {LEAST_PER_S:,.0f} messages/s each", speed, min(speeds) >= LEAST_PER_S),
        Figure("7", "processor time of the agent for each message", "", f"{cpu_us:.0f} us, start included; {load}"),
    ]


async def _killed(say: Say, transactions: int) -> list[Figure]:
    async with house(plant=False) as whole:
        queued = _fill(Path(whole.places.base, "state", DATABASE), transactions)
        _keep_frames(whole)
        for number in range(1, KILLS + 1):
            process = await whole.bare_agent()
            await _until(whole, 2 * transactions * number // (KILLS + 1))
            await whole.kill(process)
            say(f"killed; {[len(_drained(b)) for b in whole.backends]} messages have come")
        await whole.bare_agent()
        await _until(whole, 2 * transactions, [queued[u][-1] for u in UPSTREAMS])
        found = [_findings(b, queued[u], KILLS) for u, b in zip(UPSTREAMS, whole.backends, strict=True)]
        resent = [len(_drained(b)) - 2 * transactions for b in whole.backends]
    text = f"{KILLS} kills, resent {resent[0]} and {resent[1]}; " + (
        " ".join(text for each in found for text in each) or "nothing else differs"
    )
    what, target = f"a kill in the drain, {transactions:,} transactions", "nothing lost, <= 1 resent, as it was"
    return [Figure("7", what, target, text, not any(found))]


def _fill(path: Path, transactions: int) -> Queued:
    """Sessions of which nobody was told, with the frames of the dialect; the message ids as they have to come."""
    dialect = DIALECTS["ocpp1.6"](StationOptions((connector(1),), {}))
    store = Store(Database(path), lambda _, event, *more: dialect.frame(event, *more))  # type: ignore[arg-type]
    store.open("bench-0")
    queued: Queued = {upstream: [] for upstream in UPSTREAMS}
    waiting: list[Record] = []
    for number in range(transactions):
        waiting += session(UPSTREAMS, number, samples=0, online=False)
        if len(waiting) >= BATCH or number == transactions - 1:
            store.commit(waiting)
            for entry in (entry for record in waiting for entry in record.entries):
                if isinstance(entry, Enqueue):
                    queued[entry.upstream].append(entry.message_id)
            waiting = []
    store.close()
    return queued


def _keep_frames(whole: House) -> None:
    for backend in whole.backends:
        backend.frames = []


def _drained(backend: BenchBackend) -> list[tuple[float, str]]:
    """What came of the queue: when, and the frame."""
    return [(at_s, text) for at_s, text in backend.frames or () if _action(text) in DRAINED]


async def _until(whole: House, count: int, last: Sequence[str] = ()) -> None:
    """Wait for so many messages at both, and for these ids. Raises TimeoutError when none comes any more."""
    seen, waited_s = 0, 0.0
    while True:
        frames = [backend.frames or [] for backend in whole.backends]
        arrived = all(_holds(each, wanted) for each, wanted in zip(frames, last, strict=bool(last)))
        if arrived and min(map(len, frames)) >= count and min(len(_drained(b)) for b in whole.backends) >= count:
            return
        total = sum(map(len, frames))
        waited_s = 0.0 if total > seen else waited_s + 0.02
        if waited_s > STUCK_S:
            raise TimeoutError(f"stuck at {[len(_drained(b)) for b in whole.backends]} of {count} messages")
        seen = total
        await asyncio.sleep(0.02)


def _holds(frames: list[tuple[float, str]], message_id: str) -> bool:
    return any(message_id in text for _, text in frames[-50:])


def _findings(backend: BenchBackend, queued: list[str], kills: int) -> list[str]:
    """What differs from the queue, in words; empty: nothing. A frame may come twice running, once for each kill."""
    came = [text for _, text in _drained(backend)]
    ids = [json.loads(text)[1] for text in came]
    found = []
    once = [first for first, after in pairwise([*ids, ""]) if first != after]
    if once != queued:
        found.append(f"lost {len(set(queued) - set(ids))}, else not in order;")
    if len(came) - len(once) > kills:
        found.append(f"{len(came) - len(once)} were sent twice;")
    if any(before != after for before, after in pairwise(came) if _id(before) == _id(after)):
        found.append("sent again with other bytes;")
    return found


def _per_second(backend: BenchBackend, first: float = 0.0, last: float = 1.0) -> float:
    """Messages a second over this part of the drain."""
    times = [at_s for at_s, _ in _drained(backend)]
    part = times[round(first * len(times)) : max(2, round(last * len(times)))]
    return (len(part) - 1) / (part[-1] - part[0])


def _action(text: str) -> str:
    return str(json.loads(text)[2])


def _id(text: str) -> str:
    return str(json.loads(text)[1])
