"""What local people can do: a disk that is slow to take their change holds up nothing else."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from agent.runtime.abilities import Surroundings, make_abilities
from agent.settings import files
from agent.settings.factory import parse_factory
from agent.settings.locations import Locations
from agent.settings.settings import PrimaryRequest, Settings
from tests.rig.rig_options import RigOptions

PATIENCE_S = 5.0
REQUEST = PrimaryRequest("ws://operator.example/ocpp", "CP1", 0)


def local(folder: Path) -> Any:
    """The abilities of a station of which only the settings matter."""
    settings = Settings(parse_factory("factory.toml", RigOptions().factory("ws://management.example/ocpp")), None)
    nothing: Any = None
    locations = Locations(settings=str(folder))
    around = Surroundings(
        locations, "boot1", settings, (), False, *[nothing] * 6, dump_inputs=nothing, tell=lambda *_, **__: None
    )
    return make_abilities(around)


@pytest.mark.parametrize(
    ("deed", "ask"),
    [
        ("stage_primary", lambda able: able.set_primary(REQUEST)),
        ("stage_removal", lambda able: able.remove_primary("delete", "me")),
        ("discard_pending", lambda able: able.discard_pending()),
    ],
)
def test_a_slow_disk_behind_a_staged_change_stops_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str, ask: Any
) -> None:
    begun, may_end = threading.Event(), threading.Event()
    others: list[object] = []

    def slow(*_: object) -> Any:
        begun.set()
        assert may_end.wait(PATIENCE_S), "the loop stood still"
        raise OSError("no matter what it would have been")

    monkeypatch.setattr(files, deed, slow)

    async def main() -> None:
        able = local(tmp_path)
        asked = asyncio.ensure_future(ask(able))
        assert await asyncio.to_thread(begun.wait, PATIENCE_S)
        second = asyncio.ensure_future(able.discard_pending())
        second.add_done_callback(others.append)
        await asyncio.sleep(0)
        assert not others, "one change after the other"
        may_end.set()
        with pytest.raises(OSError, match="no matter"):
            await asked
        await asyncio.gather(second, return_exceptions=True)

    asyncio.run(main())
