"""The composition root: safe mode, the control socket's abilities, and an end in order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.app import Agent
from agent.control.protocol import Sessions
from agent.runtime.context import make_store
from agent.runtime.supervision import EXIT_FAILED, EXIT_OK
from agent.vocabulary.ids import MANAGEMENT
from agent.vocabulary.inputs import Tick
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import run_virtual


def test_it_tells_what_the_boards_sources_leave_open_before_it_is_ready(tmp_path: Path) -> None:
    async def story() -> None:
        async with StationRig(tmp_path) as rig:
            await rig.ready()
            told = rig.agent.log
            assert "hardware.assumption: connector 1: assumed: fallback_zero" in told
            assert told.index("hardware.assumption") < told.index("agent.ready")

    run_virtual(story())


def test_a_bug_in_the_engine_ends_the_process_and_leaves_its_last_inputs(tmp_path: Path) -> None:
    async def story() -> None:
        async with StationRig(tmp_path) as rig:
            await rig.ready()

            def broken(*_: object) -> list[object]:
                raise ZeroDivisionError("a bug")

            rig.agent.agent.station.handle = broken  # type: ignore[method-assign,assignment]
            with pytest.raises(ZeroDivisionError):
                rig.agent.agent.post(Tick())
            assert await rig.agent.ended() == EXIT_FAILED
            assert "agent.failed: engine" in rig.agent.log
            assert "agent.inputs_dumped" in rig.agent.log

    run_virtual(story())


def test_a_stop_in_order_ends_with_success_and_leave_of_both_backends(tmp_path: Path) -> None:
    async def story() -> None:
        async with StationRig(tmp_path) as rig:
            await rig.ready()
            assert await rig.stop() == EXIT_OK

    run_virtual(story())


def test_safe_mode_dials_management_alone_and_refuses_cards(tmp_path: Path) -> None:
    async def story() -> None:
        async with StationRig(tmp_path) as rig:
            await rig.ready()
            await rig.stop()
            context = rig.agent.agent._context
            agent = Agent(replace(context, safe_mode=True, seams=replace(context.seams, make_store=make_store)))
            assert set(agent.upstreams) == {MANAGEMENT}
            assert "safe mode" in agent.start.options.charging_refused
            agent.store.close()

    run_virtual(story())


def test_the_control_socket_shows_the_station_and_refuses_an_unknown_connector(tmp_path: Path) -> None:
    async def story() -> None:
        async with StationRig(tmp_path) as rig:
            await rig.ready()
            rig.plug()
            rig.card()
            await rig.until_status("Charging")
            local = rig.agent.agent.abilities()
            status = await local.status()  # type: ignore[misc]
            links = {link.upstream: link for link in status.links}
            assert links[MANAGEMENT].detail.startswith("connected for ")
            assert status.overview.connectors[0].transaction is not None
            assert status.wall_ms is not None
            sessions = await local.sessions(Sessions(5))  # type: ignore[misc]
            assert len(sessions) == 1

    run_virtual(story())
