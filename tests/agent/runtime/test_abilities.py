"""What local people can do: a disk that is slow to take their change holds up nothing else."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.control.protocol import Export, RefusedError
from agent.runtime.abilities import Surroundings, make_abilities
from agent.runtime.inline_writer import InlineWriter
from agent.runtime.settings_desk import SettingsDesk
from agent.settings import files
from agent.settings.factory import parse_factory
from agent.settings.locations import Locations
from agent.settings.settings import Settings, UpstreamRequest
from agent.store.database import Database
from agent.store.store import Store
from agent.vocabulary.effects import Record
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import SecurityEventSeen
from agent.vocabulary.records import LogSecurityEvent
from agent.vocabulary.security import SecurityEvent, SecurityEventKind
from tests.rig.rig_options import RigOptions
from tests.rig.sessions import moment, render, session

PATIENCE_S = 5.0
REQUEST = UpstreamRequest("ws://operator.example/ocpp", "CP1", 0)


def local(folder: Path, **more: Any) -> Any:
    """The abilities of a station of which only the settings matter, and what is given."""
    settings = Settings(parse_factory("factory.toml", RigOptions().factory("ws://management.example/ocpp")), None)
    nothing: Any = None
    locations = Locations(settings=str(folder))
    around = Surroundings(settings, (), False, *[nothing] * 8, dump_inputs=nothing, tell=lambda *_, **__: None)
    clock = more.get("clock")
    desk = SettingsDesk(locations, "boot1", settings, lambda: clock.now().wall_ms if clock else None, around.tell)
    return make_abilities(replace(around, **more), desk)


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
        clock: Any = SimpleNamespace(now=lambda: moment(1, 5))
        able = local(tmp_path, clock=clock)
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


def test_the_security_log_is_shown_with_its_chain_and_cleared_with_a_line_that_says_so(tmp_path: Path) -> None:
    async def main() -> None:
        store = Store(Database(tmp_path / "state.db"), render)
        store.open("boot-1")
        event = SecurityEvent(SecurityEventKind.RESET_OR_REBOOT, moment(1, 5))
        store.commit([Record((LogSecurityEvent(event),), True)])
        posted: list[object] = []
        writer = InlineWriter(store, lambda given: None, lambda upstream: None)
        able = local(tmp_path, writer=writer, post=posted.append)
        view = await able.security_log(10)
        assert ([line.event for line in view.lines], view.check.holds) == ([event], True)
        await able.clear_security_log()
        assert (await able.security_log(10)).lines == ()
        assert posted == [SecurityEventSeen(SecurityEventKind.SECURITY_LOG_WAS_CLEARED, "stationctl")]
        await writer.close()

    asyncio.run(main())


def test_the_inputs_are_written_beside_the_event_loop(tmp_path: Path) -> None:
    async def main() -> None:
        threads: list[int] = []

        def write() -> str:
            threads.append(threading.get_ident())
            return "00000001.jsonl"

        able = local(tmp_path, dump_inputs=lambda: asyncio.to_thread(write))
        assert await able.dump_inputs() == "00000001.jsonl"
        assert threads != [threading.get_ident()]

    asyncio.run(main())


@pytest.mark.rule("two-upstreams.RC04")
def test_what_a_removed_upstream_has_not_got_is_exported_and_who_is_not_known_is_named(tmp_path: Path) -> None:
    async def main() -> None:
        store = Store(Database(tmp_path / "state.db"), render)
        store.open("boot-1")
        store.commit(list(session((UpstreamId("primary-1"),), 0, samples=0, online=False)))
        writer = InlineWriter(store, lambda given: None, lambda upstream: None)
        able = local(tmp_path, writer=writer)  # management is the only upstream of its settings
        rows = await able.export(Export("primary-1"))
        assert [(row.message, row.card) for row in rows] == [("start", "04***"), ("stop", "04***")]
        with pytest.raises(RefusedError, match="primary-1") as refused:
            await able.export(Export("primary-2"))
        assert refused.value.problems[0].field == "upstream"
        await writer.close()

    asyncio.run(main())
