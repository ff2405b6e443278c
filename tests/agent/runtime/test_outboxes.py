"""What waits for an upstream is shown to its task, and the bell rings for it alone."""

from __future__ import annotations

from pathlib import Path

from agent.runtime.inline_writer import InlineWriter
from agent.runtime.outboxes import Outboxes
from agent.store.database import Database
from agent.store.store import Store
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.records import DropNotice, EnqueueNotice
from agent.vocabulary.security import SecurityEvent, SecurityEventKind
from tests.rig.sessions import moment, render, session
from tests.rig.virtual_time import run_virtual

M, P = UpstreamId("management"), UpstreamId("primary")
EVENT = SecurityEvent(SecurityEventKind.RESET_OR_REBOOT, moment(1, 1_000))


def test_each_bell_rings_for_its_upstream_and_each_head_is_its_own(tmp_path: Path) -> None:
    async def story() -> None:
        outboxes = Outboxes()
        store = Store(Database(tmp_path / "state.db"), render)
        store.open("boot-1")
        writer = InlineWriter(store, lambda given: None, outboxes.ring)
        outboxes.open([M, P], writer)
        writer.submit(Record((EnqueueNotice(P, EVENT, "n1"), EnqueueNotice(UpstreamId("gone"), EVENT, "n2")), True))
        await outboxes.notices_of(P).changed.wait()
        row = await outboxes.notices_of(P).head()
        assert row is not None
        assert row.message_id == "n1"
        assert not outboxes.notices_of(M).changed.is_set()
        assert await outboxes.notices_of(M).head() is None
        for record in session((M,), 0, samples=0, online=False):
            writer.submit(record)
        await outboxes.of(M).changed.wait()
        head = await outboxes.of(M).head()
        assert head is not None
        outboxes.notices_of(P).changed.clear()
        writer.submit(Record((DropNotice(P, "n1"),), False))
        await outboxes.notices_of(P).changed.wait()
        assert await outboxes.notices_of(P).head() is None
        await writer.close()

    run_virtual(story())
