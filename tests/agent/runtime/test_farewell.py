"""A restart by order waits for what is being delivered, and for nobody who does not answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.runtime.farewell import DELIVERY_S, take_leave
from agent.runtime.inline_writer import InlineWriter
from agent.store.database import Database
from agent.store.store import Store
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.records import Acknowledge
from tests.rig.sessions import render, session
from tests.rig.virtual_time import cancelled, now_s, run_virtual

M, P = UpstreamId("management"), UpstreamId("primary")


@dataclass
class Task:
    """An upstream's task, as far as it is asked about."""

    stage: str

    @property
    def state(self) -> Task:
        return self


async def no_drain() -> None:
    """No order wants anything delivered first."""


def leaving(folder: Path, stages: dict[UpstreamId, str], delivered_after_s: float | None) -> float:
    """A session waits for management; how long leaving takes if it is delivered so much later."""

    async def story() -> float:
        store = Store(Database(folder / "state.db"), render)
        store.open("boot-1")
        writer = InlineWriter(store, lambda given: None, lambda upstream: None)
        for record in session((M,), 0, samples=0, online=False):
            writer.submit(record)
        left = asyncio.Event()
        began_s = now_s()
        task = asyncio.create_task(
            take_leave(writer, {u: Task(stage) for u, stage in stages.items()}, no_drain, left.set)
        )
        if delivered_after_s is not None:
            await asyncio.sleep(delivered_after_s)
            while (row := await writer.head(M)) is not None:
                writer.submit(Record((Acknowledge(M, row.message_id),), True))
        await left.wait()
        took_s = now_s() - began_s
        await cancelled(task)
        await writer.close()
        return took_s

    return run_virtual(story())


def test_what_is_delivered_in_time_is_waited_for(tmp_path: Path) -> None:
    assert leaving(tmp_path, {M: "connected", P: "waiting"}, 1.0) == pytest.approx(1.0, abs=0.2)


def test_nobody_waits_longer_than_the_limit(tmp_path: Path) -> None:
    assert leaving(tmp_path, {M: "connected"}, None) == pytest.approx(DELIVERY_S, abs=0.2)


def test_whoever_is_not_connected_or_knows_everything_is_not_waited_for(tmp_path: Path) -> None:
    assert leaving(tmp_path, {M: "waiting", P: "connected"}, None) < 0.2
