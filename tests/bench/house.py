"""The surroundings of a bench: places, a factory file, a primary in force, two backends, the plant, the agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from agent.settings.files import stage_primary
from agent.settings.locations import Locations
from agent.settings.settings import UpstreamRequest
from agent.vocabulary.ids import Secret
from tests.bench.backend import BenchBackend
from tests.bench.process import Process
from tests.rig.certificates import Authority, make_authority, server_context
from tests.rig.demo_house import Places, PlantProcess, free_port, make_places
from tests.rig.rig_options import RigOptions

PASSWORD = "a-password-of-a-bench"
PLUGGED_S = 20.0


@dataclass(slots=True)
class House:
    """One station's surroundings."""

    places: Places
    management: BenchBackend
    primary: BenchBackend
    plant: PlantProcess | None = None
    boots: int = 0
    _running: list[Process] = field(default_factory=list)

    @property
    def backends(self) -> tuple[BenchBackend, BenchBackend]:
        return (self.management, self.primary)

    async def agent(self, *, watchdog_s: float = 10.0) -> Process:
        """The agent as it is, on the plant's ports, in a new boot of the system."""
        return await self._start(["-m", "agent"], watchdog_s)

    async def bare_agent(self, *options: str, watchdog_s: float = 10.0) -> Process:
        """The agent without buses, driven by lines; see `tests.bench.station`."""
        return await self._start(["-m", "tests.bench.station", *options], watchdog_s)

    async def peer(self) -> Process:
        """The station made of the `ocpp` package."""
        urls = [backend.url for backend in self.backends]
        return await self._run(["-m", "tests.bench.peer", *urls], 10.0)

    async def booted(self) -> float:
        """When the later of the two BootNotifications came."""
        arrivals = [await backend.arrival("BootNotification") for backend in self.backends]
        return max(arrival.at_s for arrival in arrivals)

    async def stop(self, process: Process) -> None:
        """End a process and forget what it said."""
        self._running.remove(process)
        await process.stop()
        for backend in self.backends:
            backend.forget()

    async def kill(self, process: Process) -> None:
        """End a process without its having a say."""
        self._running.remove(process)
        await process.kill()

    async def close(self) -> None:
        """End everything that still runs."""
        for process in tuple(self._running):
            await self.stop(process)
        if self.plant is not None:
            await self.plant.stop()
        self.places.remove()

    async def _start(self, arguments: list[str], watchdog_s: float) -> Process:
        self.boots += 1
        places = ["--run", str(self.places.run), "--boot-id", f"bench-{self.boots}", "--crash-limit", "0"]
        return await self._run([*arguments, *self.places.arguments(), *places], watchdog_s)

    async def _run(self, arguments: list[str], watchdog_s: float) -> Process:
        process = await Process.start(arguments, self.places.agent_log, watchdog_s)
        self._running.append(process)
        return process


@asynccontextmanager
async def house(
    connectors: int = 2,
    *,
    plant: bool = True,
    tls: bool = False,
    heartbeat_s: int = 300,
    transfers: str = "",
    **keys: Any,
) -> AsyncIterator[House]:
    """Everything but the agent, started. `transfers`: that section of the factory file; `keys`: for both upstreams."""
    authority = make_authority() if tls else None
    context = server_context(authority) if authority else None
    places = make_places()
    async with (
        BenchBackend(1000, tls=context, heartbeat_s=heartbeat_s) as management,
        BenchBackend(2000, tls=context, heartbeat_s=heartbeat_s) as primary,
    ):
        whole = House(places, management, primary)
        _write_settings(whole, connectors, authority, keys, transfers)
        try:
            if plant:
                whole.plant = PlantProcess(places, f"127.0.0.1:{free_port(0)}")
                await whole.plant.start()
            yield whole
        finally:
            await whole.close()


async def charge(whole: House, connector: int) -> None:
    """Let a session begin at the plant and wait until the contactor is closed."""
    assert whole.plant is not None
    await whole.plant.post(f"/v1/connectors/{connector}/plug_in", amps=16, phases=3, soc=10)
    await asyncio.sleep(1)
    await whole.plant.post("/v1/cards", id_token=f"04A1B2C3D4E5F{connector}")
    for _ in range(round(PLUGGED_S / 0.2)):
        if (await whole.plant.state())["connectors"][connector - 1]["contactor"]["closed"]:
            return
        await asyncio.sleep(0.2)
    raise TimeoutError(f"connector {connector} does not charge")


def _write_settings(
    whole: House, connectors: int, authority: Authority | None, keys: dict[str, Any], transfers: str
) -> None:
    """The factory file, and a primary that the first boot puts in force."""
    places = whole.places
    root = places.base / "root.pem"
    access = {} if authority is None else {"security": 2, "password": PASSWORD, "trust": str(root)}
    options = RigOptions(
        connectors=connectors, management=access, management_keys=keys, primary_keys=keys, transfers=transfers
    )
    text = options.factory(whole.management.url)
    for port in ("bus1", "reader1"):
        text = text.replace(f'port = "{port}"', f'port = "{places.base}/ports/{port}"')
    if authority is not None:
        root.write_text(authority.root_pem)
    places.factory.write_text(text)
    locations = Locations(
        str(places.factory), str(places.base / "settings"), str(places.base / "state"), str(places.run)
    )
    trust = authority.root_pem if authority else ""
    password = Secret(PASSWORD) if authority else None
    request = UpstreamRequest(whole.primary.url, "CP1", 2 if authority else 0, password, trust, "Primary", "bench")
    stage_primary(locations, "bench-0", request)
