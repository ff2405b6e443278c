"""A station of real processes for scenarios: plant, agent and its supervisor, two scripted backends here.

Everything lies in one folder with a short path. The primary is staged before the first start, so that the first boot
has both upstreams. Real time cannot be avoided here; every wait is for a condition, with a deadline.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from agent.settings.files import stage_primary
from agent.settings.locations import Locations
from agent.settings.settings import UpstreamRequest
from hal.simulator.client import request
from tests.rig.backend import ScriptedBackend
from tests.rig.demo_house import Places, PlantProcess, free_port, status_or_none
from tests.rig.driver import CARD
from tests.rig.notify_supervisor import Plan, Runner
from tests.rig.oracle import World, check
from tests.rig.oracle_plant import Limits
from tests.rig.rig_options import RigOptions

POLL_S = 0.07
BEFORE = "before the first boot"


@dataclass(frozen=True, slots=True)
class PlantEvent:
    """One row of the plant's history, as the oracle wants it."""

    time_s: float
    connector: int
    kind: str
    value: bool | float | str


class RealHouse:
    """`async with RealHouse(RigOptions(), watchdog_s=10) as house:`."""

    def __init__(self, options: RigOptions, *, watchdog_s: float = 10.0) -> None:
        self.management = ScriptedBackend("management", first_transaction_id=1000)
        self.primary = ScriptedBackend("primary", first_transaction_id=2000)
        self.backends = (self.management, self.primary)
        self._options = options
        self._watchdog_s = watchdog_s
        self._places = Places(Path(tempfile.mkdtemp(prefix="stationd-")))
        self._stack = AsyncExitStack()
        self._zero_s = 0.0
        self._zero_wall_ms = 0

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        shutil.rmtree(self._places.base, ignore_errors=True)

    async def _start(self) -> None:
        places = self._places
        for folder in ("settings", "state", "run", "log", "ports"):
            (places.base / folder).mkdir()
        for backend in self.backends:
            await self._stack.enter_async_context(backend)
        text = self._options.factory(self.management.url)
        for line in ("bus1", "reader1"):
            text = text.replace(f'port = "{line}"', f'port = "{places.base}/ports/{line}"')
        places.factory.write_text(text, encoding="utf-8")
        locations = Locations(str(places.factory), f"{places.base}/settings", f"{places.base}/state", str(places.run))
        stage_primary(locations, BEFORE, self.primary_request())
        self.plant = PlantProcess(places, f"127.0.0.1:{free_port(0)}")
        self._stack.push_async_callback(self.plant.stop)
        await self.plant.start()
        await self._set_clocks()
        command = [sys.executable, "-m", "agent", *places.arguments(), "--crash-limit", "0"]
        plan = Plan(
            command,
            places.run,
            watchdog_s=self._watchdog_s,
            restart_s=0.05,
            output=places.agent_log,
            safe_off=places.safe_off(),
        )
        self.runner = await self._stack.enter_async_context(Runner(plan))

    def primary_request(self) -> UpstreamRequest:
        """What the installer set before the first boot."""
        return UpstreamRequest(self.primary.url, "CP1", name="Primary")

    async def _set_clocks(self) -> None:
        before_s = asyncio.get_running_loop().time()
        plant_s = (await self.plant.state())["time_s"]
        now_s = (before_s + asyncio.get_running_loop().time()) / 2
        self._zero_s = now_s - plant_s
        self._zero_wall_ms = round((time.time() - (asyncio.get_running_loop().time() - self._zero_s)) * 1000)

    @property
    def connected(self) -> list[ScriptedBackend]:
        """The backends that have the station on the line."""
        return [backend for backend in self.backends if backend.connected.is_set()]

    async def until(
        self, condition: Callable[[], object] | Callable[[], Awaitable[object]], within_s: float, what: str
    ) -> float:
        """Wait for a condition, polling; how long it took. AssertionError with the last words of the agent."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while True:
            held = condition()
            if await held if isinstance(held, Awaitable) else held:
                return loop.time() - began_s
            if loop.time() - began_s > within_s:
                raise AssertionError(f"not within {within_s:g} s: {what}\n{self.last_words()}")
            await asyncio.sleep(POLL_S)

    def last_words(self) -> str:
        """The end of the agent's log."""
        return "\n".join(self._places.agent_log.read_text(errors="replace").splitlines()[-40:])

    async def ready(self) -> None:
        """Until both backends know the connector."""
        await self.until(lambda: all(b.ledger.status(1) for b in self.backends), 20, "statuses at both backends")

    async def plug(self, **car: Any) -> None:
        """A car arrives."""
        await self.plant.post("/v1/connectors/1/plug_in", **car)

    async def unplug(self) -> None:
        """The car goes."""
        await self.plant.post("/v1/connectors/1/plug_out")

    async def card(self, token: str = CARD) -> None:
        """A card is held to the reader."""
        await self.plant.post("/v1/cards", id_token=token)

    async def connector(self) -> dict[str, Any]:
        """The connector as the plant has it."""
        found: dict[str, Any] = (await self.plant.state())["connectors"][0]
        return found

    async def closed(self) -> bool:
        """The contactor is closed."""
        return bool((await self.connector())["contactor"]["closed"])

    async def open(self) -> bool:
        """The contactor is open."""
        return not await self.closed()

    async def delivered(self) -> bool:
        """No session runs, nothing waits in any outbox, and every start that a backend holds has its answered stop."""
        status = await status_or_none(self._places)
        if status is None or any(link["queued"] for link in status["links"]):
            return False
        starts = {len(backend.ledger.starts()) for backend in self.backends}
        return starts == {sum(stop.answered for stop in backend.ledger.stops()) for backend in self.backends}

    async def history(self, kind: str, value: Any) -> list[float]:
        """Plant times at which something became this value."""
        return [event.time_s for event in await self._happenings() if (event.kind, event.value) == (kind, value)]

    async def check(self, limits: Limits, **oracle: Any) -> None:
        """Ask the oracle; `oracle` as the fields of `World`."""
        world = World(
            happenings=await self._happenings(),
            ledgers={backend.name: backend.ledger for backend in self.backends},
            billing=self.primary.name,
            ended_s=(await self.plant.state())["time_s"],
            ledger_zero_s=self._zero_s,
            wall_zero_ms=self._zero_wall_ms,
            limits=limits,
            **oracle,
        )
        check(world)

    async def _happenings(self) -> list[PlantEvent]:
        rows = (await asyncio.to_thread(request, self.plant.control, "GET", "/v1/history"))["events"]
        return [PlantEvent(row["time_s"], row["connector"], row["kind"], row["value"]) for row in rows]
