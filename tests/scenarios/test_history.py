"""Sessions of the past: they move into the history file while the station lives on, and its owner may delete them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.control.protocol import DeleteSessions, RefusedError, Sessions
from agent.store import past
from agent.store.past import Deleted
from tests.rig.station_rig import StationRig
from tests.scenarios.acts import back, begin, end, play, wait


async def ask(rig: StationRig, wanted: Sessions | DeleteSessions) -> Any:
    """As `stationctl sessions` and `stationctl delete-sessions` do it."""
    able = rig.agent.agent.abilities()
    if isinstance(wanted, Sessions):
        return await able.sessions(wanted)  # type: ignore[misc]
    return await able.delete_sessions(wanted.before_ms, wanted.word)  # type: ignore[misc]


@pytest.mark.rule("product.N14")
def test_sessions_outlive_a_power_cut_and_a_kill_in_the_history_until_the_owner_deletes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "BATCH", 2)
    monkeypatch.setattr(past, "NEWEST_STAY", 1)
    monkeypatch.setattr(past, "_LOOK_AGAIN", 0)

    async def story(rig: StationRig) -> None:
        for number in range(3):
            await begin(rig)
            await end(rig, sessions=number + 1)
        await wait(10)
        store = rig.agent.agent.store
        assert len(store._database.rows("SELECT 1 FROM transactions")) == 1, "two of them have moved"
        before = await ask(rig, Sessions(10))
        assert len(before) == 3
        await back(rig, rig.power_cut())
        assert await ask(rig, Sessions(10)) == before
        await back(rig, rig.kill())
        assert await ask(rig, Sessions(10)) == before
        rest = await ask(rig, Sessions(10, before=before[0].transaction.id))
        assert rest == before[1:]
        middle = before[1].transaction.started_at.wall_ms
        assert await ask(rig, Sessions(10, until_ms=middle)) == before[2:]
        with pytest.raises(RefusedError, match="not known"):
            await ask(rig, Sessions(10, before="nobody's"))
        with pytest.raises(RefusedError, match="delete"):
            await ask(rig, DeleteSessions(middle, "yes"))
        assert await ask(rig, DeleteSessions(middle, "delete")) == Deleted(removed=1, kept=0)
        assert await ask(rig, Sessions(10)) == before[:2]

    play(tmp_path, story)
