"""The desk of management's messages about operators by itself: whatever goes wrong, there is an answer."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from agent.control.views import Cost
from agent.runtime.operators_desk import OperatorsDesk, World
from agent.runtime.settings_desk import SettingsDesk
from agent.settings.files import load
from agent.settings.problems import SettingsError
from agent.settings.settings import UpstreamRequest
from agent.store.errors import StoreError
from agent.vocabulary.ids import MANAGEMENT, Secret, UpstreamId
from agent.vocabulary.inputs import Input, OperatorsAnswered
from agent.vocabulary.operators import AddOperator, HandleOperators, ListUpstreams, OperatorRequest, Place
from tests.agent.settings.files.test_staging import locations as locations


def answers(locations: Any, *requests: OperatorRequest) -> list[dict[str, Any]]:
    """What is answered while the store cannot be read."""
    posted: list[Input] = []
    all_answered = asyncio.Event()

    def post(given: Input) -> None:
        posted.append(given)
        if len(posted) == len(requests):
            all_answered.set()

    async def damaged() -> Cost:
        raise StoreError("the disk is gone")

    async def story() -> None:
        desk = SettingsDesk(locations, "boot1", load(locations, "boot1"), lambda: 1, lambda *_, **more: None, damaged)
        operators = OperatorsDesk(World(desk, damaged, post, lambda *_, **more: None))
        task = asyncio.create_task(operators.run())
        for number, request in enumerate(requests):
            operators(HandleOperators(MANAGEMENT, number, request))
        await asyncio.wait_for(all_answered.wait(), 10.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())
    return [json.loads(given.result.data) for given in posted if isinstance(given, OperatorsAnswered)]


@pytest.mark.rule("product.A13")
def test_a_store_that_cannot_be_read_leaves_no_request_without_an_answer(locations: Any, tmp_path: Path) -> None:
    place = Place("ws://energy.example/", "CS-1", "Energy")
    listed, added = answers(locations, ListUpstreams(), AddOperator(place))
    assert listed["status"] == "Rejected"
    assert added["status"] == "RebootRequired", "it is staged, whatever a reboot costs"
    assert load(locations, "boot2").operators[0].name == "Energy"


@pytest.mark.rule("two-upstreams.RC11")
def test_a_place_to_which_another_upstream_has_moved_by_itself_is_refused(locations: Any) -> None:
    """Two sessions with one identity would fight; the settings alone still say the old place."""
    settings = load(locations, "boot1")
    moved = {MANAGEMENT: frozenset({("wss://new.example", "CS-1")}), UpstreamId("primary-9"): frozenset({("x", "y")})}

    async def story() -> None:
        async def nothing() -> Cost:
            return Cost()

        told = lambda *_, **more: None  # noqa: E731
        desk = SettingsDesk(locations, "boot1", settings, lambda: 1, told, nothing, told, lambda: moved)
        with pytest.raises(SettingsError, match="already"):
            await desk.add_operator(UpstreamRequest("wss://NEW.example:443/", "CS-1", 2, Secret("long-enough")))
        other = UpstreamRequest("wss://new.example/", "CS-2", 2, Secret("long-enough"), name="Other")
        assert await desk.add_operator(other) is not None

    asyncio.run(story())


@pytest.mark.rule("product.A13")
def test_that_something_staged_was_discarded_is_told_with_who_did_it(locations: Any) -> None:
    """Else what the installer has staged before lunch is gone after it, and nobody knows why."""
    log: list[str] = []

    async def story() -> None:
        async def nothing() -> Cost:
            return Cost()

        def tell(event: str, **fields: object) -> None:
            log.append(f"{event} {fields}")

        desk = SettingsDesk(locations, "boot1", load(locations, "boot1"), lambda: 1, tell, nothing)
        await desk.add_operator(UpstreamRequest("ws://energy.example/", "CS-1", 0, name="Energy"))
        assert await desk.discard_pending("management")
        assert not await desk.discard_pending("management")

    asyncio.run(story())
    (line,) = [line for line in log if line.startswith("settings.discarded")]
    assert "ws://energy.example/" in line
    assert "management" in line
