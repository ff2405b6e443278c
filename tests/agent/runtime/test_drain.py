"""A reboot by order waits for the Billing upstream, with an end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent.runtime.drain import LINGER_S, LONGEST_S, Drain
from agent.runtime.inline_writer import InlineWriter
from agent.store.database import Database
from agent.store.store import Store
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.records import Acknowledge
from tests.rig.sessions import render, session
from tests.rig.virtual_time import now_s, run_virtual

P = UpstreamId("primary")


def draining(
    folder: Path, delivered_after_s: float | None, wanted: bool = True, called_off_s: float | None = None
) -> float:
    """A session waits for the Billing upstream; how long the drain takes if it is delivered so much later."""

    async def story() -> float:
        store = Store(Database(folder / "state.db"), render)
        store.open("boot-1")
        writer = InlineWriter(store, lambda given: None, lambda upstream: None)
        for record in session((P,), 0, samples=0, online=False):
            writer.submit(record)
        drain = Drain(writer, P, lambda event, **fields: None)
        assert await drain.view() is None
        drain.order(wanted)
        before = await drain.view()
        assert (before is not None and before.busy and before.waiting > 0) is wanted
        began_s = now_s()
        task = asyncio.create_task(drain.run())
        if called_off_s is not None:
            await asyncio.sleep(called_off_s)
            drain.order(False)
        if delivered_after_s is not None:
            await asyncio.sleep(delivered_after_s)
            seen = await drain.view()
            assert seen is not None
            assert (seen.left_s, seen.busy) == (round(LONGEST_S - delivered_after_s), False)
            while (row := await writer.head(P)) is not None:
                writer.submit(Record((Acknowledge(P, row.message_id),), True))
        await task
        took_s = now_s() - began_s
        await writer.close()
        return took_s

    return run_virtual(story())


@pytest.mark.rule("two-upstreams.RC03")
def test_it_ends_when_everything_is_delivered(tmp_path: Path) -> None:
    assert draining(tmp_path, 40.0) == pytest.approx(40 + LINGER_S, abs=1.5)


@pytest.mark.rule("two-upstreams.RC03")
def test_it_ends_after_ten_minutes_whatever_is_left(tmp_path: Path) -> None:
    assert draining(tmp_path, None) == pytest.approx(600 + LINGER_S, abs=1.5)


def test_an_order_without_it_waits_for_nothing(tmp_path: Path) -> None:
    assert draining(tmp_path, None, wanted=False) == 0


def test_a_later_order_without_it_ends_it(tmp_path: Path) -> None:
    assert draining(tmp_path, None, called_off_s=30.0) == pytest.approx(30, abs=1.5)
