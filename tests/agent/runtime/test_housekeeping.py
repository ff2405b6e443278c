"""The time is marked, and the days of removed upstreams are counted only where it is known who was removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.runtime.housekeeping import keep_time
from agent.runtime.inline_writer import InlineWriter
from agent.store.database import Database
from agent.store.retention import DAY_MS, KEPT_DAYS
from agent.store.store import Store
from agent.vocabulary.ids import UpstreamId
from tests.rig.sessions import render, session
from tests.rig.virtual_time import run_virtual

NOON = 1_790_000_000_000
OLD = UpstreamId("primary-of-old")


@pytest.mark.rule("two-upstreams.RC04")
@pytest.mark.parametrize(("usable", "kept"), [(True, 0), (False, 3)])
def test_what_a_removed_upstream_never_got_goes_after_its_time(tmp_path: Path, usable: bool, kept: int) -> None:
    class Configured:
        upstreams = ()

    settings = Configured()
    settings.usable = usable  # type: ignore[attr-defined]

    async def story() -> None:
        store = Store(Database(tmp_path / "state.db"), render)
        store.open("boot-1")
        writer = InlineWriter(store, lambda given: None, lambda upstream: None)
        for record in session((OLD,), 0, samples=1, online=False):
            writer.submit(record)
        for day in range(KEPT_DAYS + 1):
            await keep_time(writer, settings, NOON + day * DAY_MS)  # type: ignore[arg-type]
        assert store.depth(OLD) == kept
        await writer.close()
        again = Store(Database(tmp_path / "state.db"), render)
        assert again.open("boot-2").last_wall_ms == NOON + KEPT_DAYS * DAY_MS
        again.close()

    run_virtual(story())
