"""The whole agent in one process on virtual time, between a plant in this process and scripted backends.

Theory of operation
-------------------
Everything is the real thing but for three seams that the agent has anyway: the serial lines end in a plant of this
process, the writer commits inline, and time is the loop's. The database lies in a `CrashStore`, so that a power cut
leaves what a disk would hold. Between the agent and each backend stands a `LinkCutter`.

    async with StationRig(tmp_path) as rig:
        rig.plug(); rig.card("04A1"); await rig.until_status("Charging")
        await rig.power_cut(); ...
        rig.check()

`check` asks the oracle. A rig is used inside `run_virtual`.

With `direct`, agent and backends are joined by Unix sockets and there are no cutters: that is a little faster, and what
happens does not depend on how busy the machine is. A fuse blows once in the life of a rig, in whichever life of the
agent its boundary comes; from then on the agent is dead, and `recover` starts the next life.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any, Self

from agent.settings.settings import Settings
from hal.simulator.plant import Plant
from hal.simulator.settings import from_factory
from tests.rig.agent_in_process import AgentInProcess, Life, reboot_wanted
from tests.rig.backend import ScriptedBackend
from tests.rig.canaries import leaks
from tests.rig.crash_store import CrashStore
from tests.rig.driver import Driver
from tests.rig.fuse import End, Fuse, PowerCut
from tests.rig.ledger import Frame
from tests.rig.link_cutter import LinkCutter
from tests.rig.oracle import Commit, World, check
from tests.rig.oracle_plant import Limits
from tests.rig.parties import PRIMARY as PRIMARY
from tests.rig.parties import asked_beside_billing, make_backends, make_settings
from tests.rig.rig_options import RigOptions
from tests.rig.virtual_time import wall_ms
from tests.rig.waiting import Waiting
from tests.rig.witness import Witness


class StationRig(Driver, Waiting):
    """One station with its surroundings."""

    def __init__(
        self,
        folder: Path,
        options: RigOptions | None = None,
        *,
        seed: int = 1,
        fuse: Fuse | None = None,
        defects: Mapping[str, Any] | None = None,
        direct: bool = False,
    ) -> None:
        self.options = options or RigOptions()
        self.management, self.primary, *self.operators = make_backends(self.options, folder if direct else None)
        self.cutters = {} if direct else {b.name: LinkCutter(partial(getattr, b, "port")) for b in self.backends}
        self.store = CrashStore(folder / "state", self._synced, self._syncing)
        self._witness = Witness()
        self.boot = 0
        self.lives: list[AgentInProcess] = []
        self.plant = Plant(from_factory(self.options.factory("ws://127.0.0.1:1")), rng=random.Random(seed))
        self.zero_s = 0.0
        """Loop time at plant time 0."""
        self._zero_wall_ms = 0
        self._folder = folder
        self._chance = random.Random(seed)
        self._fuse = fuse
        if fuse is not None:
            fuse.on_blow.append(self._blown)
            fuse.is_unsynced = lambda: self.store.newly_written()
        for backend in self.backends:
            backend.on_frame = partial(self._arrived, backend.name)
        self._direct = direct
        self._defects = dict(defects or {})
        self._defects.pop("plant", _as_it_is)(self.plant)
        self._after: CrashStore | None = None
        self._watching = False
        """The store of the present life is open."""
        self._stack = AsyncExitStack()

    @property
    def backends(self) -> tuple[ScriptedBackend, ...]:
        """Those that are configured: management, the primary, further operators."""
        primary = (self.primary,) if self.options.primary else ()
        return (self.management, *primary, *self.operators)

    @property
    def commits(self) -> list[Commit]:
        """Starts of transactions as they came onto the disk."""
        return self._witness.commits

    @property
    def billing(self) -> ScriptedBackend:
        """The one that authorises."""
        return self.primary if self.options.primary else self.management

    async def __aenter__(self) -> Self:
        for backend in self.backends:
            await self._stack.enter_async_context(backend)
        for cutter in self.cutters.values():
            await self._stack.enter_async_context(cutter)
        self.plant.sync()
        self.zero_s = asyncio.get_running_loop().time() - self.plant.time_s
        self._zero_wall_ms = wall_ms() - round(self.plant.time_s * 1000)
        running = asyncio.ensure_future(self.plant.run())
        self._stack.push_async_callback(_ended, running)
        with suppress(PowerCut):
            self.start()
        return self

    async def __aexit__(self, failed: object, *_: object) -> None:
        if self.lives:
            await self._vanish()
        await self._stack.aclose()
        assert failed or not (found := leaks(self)), f"crossed over: {found}"

    @property
    def agent(self) -> AgentInProcess:
        """The present life of the agent."""
        return self.lives[-1]

    def start(self, *, new_boot: bool = True) -> None:
        """Start the agent; by default in a new boot of the system. Raises PowerCut if the fuse blows meanwhile."""
        self._witness.back(self._plant_s())
        self.boot += 1 if new_boot else 0
        life = Life(
            self.settings(),
            self.store,
            self.plant.port_factory,
            self._folder / "run",
            f"boot{self.boot}",
            self._chance,
            self._live_fuse,
            self._dial if self._direct else None,
            self._defects,
        )
        self._watching = False
        try:
            self.lives.append(AgentInProcess(life))
        except PowerCut:
            self.store.abandon()
            raise
        self._watching = True
        self.agent.start()

    def arm(self) -> None:
        """From now on the fuse counts and may blow."""
        if self._fuse is not None:
            self._fuse.armed = True

    async def stop(self) -> int:
        """End the agent in order; its exit status."""
        status = await self.agent.stop()
        self._witness.away(self._plant_s())
        return status

    async def restarted(self, *, down_s: float = 1.0) -> None:
        """Wait until the agent ends by itself (a Reset), and start it as the system does."""
        assert await self.agent.ended() == 0
        self._witness.away(self._plant_s())
        await asyncio.sleep(down_s)
        self.start(new_boot=reboot_wanted(self._folder / "run"))

    async def power_cut(self, chance: random.Random | None = None, *, off_s: float = 10.0) -> None:
        """The supply fails (now, unless the fuse did it already), comes back, and the agent starts in a new boot."""
        if self._after is None:
            self._lose_power(chance)
        await self._vanish()
        self.store, self._after = self._after or self.store, None
        await asyncio.sleep(off_s)
        reboot_wanted(self._folder / "run")
        self.plant.set_power(True)
        self.start()

    async def kill(self, *, down_s: float = 1.0, system: bool = False) -> None:
        """The process dies (now, unless the fuse did it already), or the whole `system`; it is started again."""
        if self._after is None:
            self._die(system)
        await self._vanish()
        self.store, self._after = self._after or self.store, None
        await asyncio.sleep(down_s)
        self.start(new_boot=reboot_wanted(self._folder / "run") or system)

    async def recover(self, *, down_s: float = 1.0) -> None:
        """After the fuse has blown: what fell is got up again."""
        assert self._fuse is not None
        await (self.kill(down_s=down_s) if self._fuse.end is End.KILL else self.power_cut(off_s=down_s))

    def settings(self) -> Settings:
        """What the agent starts with."""
        return make_settings(self.options, self._url)

    def world(self, **changes: Any) -> World:
        """What the oracle needs."""
        self.plant.sync()
        sockets = frozenset() if self.options.captive_cable else frozenset(range(1, self.options.connectors + 1))
        values: dict[str, Any] = {
            "happenings": list(self.plant.history),
            "ledgers": {b.name: b.ledger for b in self.backends},
            "billing": self.billing.name,
            "asked": asked_beside_billing(self.options),
            "ended_s": self.plant.time_s,
            "ledger_zero_s": self.zero_s,
            "wall_zero_ms": self._zero_wall_ms,
            "commits": self.commits,
            "pseudonymous": frozenset(backend.name for backend in self.operators),
            "outages": self._witness.outages,
            "limits": Limits(sockets=sockets),
        }
        return World(**(values | changes))

    def check(self, **changes: Any) -> None:
        """Raise AssertionError with everything that the oracle finds; `changes` as the fields of `World`."""
        check(self.world(**changes))

    def _url(self, name: str) -> str:
        where = f"{name}.example" if self._direct else f"127.0.0.1:{self.cutters[name].port}"
        return f"{self.options.scheme(name)}://{where}/ocpp"

    async def _dial(self, host: str, port: int) -> socket.socket:
        return await next(backend for backend in self.backends if backend.name in host).dial()

    @property
    def _live_fuse(self) -> Fuse | None:
        return None if self._fuse is None or self._fuse.blown else self._fuse

    def _blown(self) -> None:
        assert self._fuse is not None
        if self._fuse.end is End.KILL:
            self._die()
        else:
            self._lose_power(self._fuse.chance if self._fuse.end is End.TORN else None)
        self._cut_links()

    def _lose_power(self, chance: random.Random | None = None) -> None:
        """Everything stops at this instant; what the disk holds is kept aside."""
        self.plant.set_power(False)
        self._freeze()
        self._after = self.store.cut(chance)

    def _die(self, system: bool = False) -> None:
        """The process stops at this instant; everything written stays, or with the system only what was synced."""
        self._freeze()
        self._after = self.store.cut() if system else self.store.kill()

    def _freeze(self) -> None:
        self._witness.away(self._plant_s())
        if self.lives:
            self.agent.freeze()

    def _cut_links(self) -> None:
        for cutter in self.cutters.values():
            cutter.cut()
        for backend in self.backends if self._direct else ():
            backend.drop()

    async def _vanish(self) -> None:
        self._cut_links()
        if self.lives:
            await self.agent.vanish()

    def _plant_s(self) -> float:
        return asyncio.get_running_loop().time() - self.zero_s

    def _syncing(self) -> None:
        """Everything is written and about to be synced."""
        self._burn("disk.sync")

    def _burn(self, boundary: str) -> None:
        if self._live_fuse is not None:
            self._live_fuse.burn(boundary)

    def _arrived(self, backend: str, frame: Frame) -> None:
        with suppress(PowerCut):
            self._burn(f"{backend}.receives {frame.action or 'an answer'}")

    def _synced(self) -> None:
        if self._watching:
            self._witness.synced(self._plant_s(), self.agent.stored_transactions())


def _as_it_is(plant: Plant) -> None:
    """Nothing is spoilt."""


async def _ended(task: asyncio.Future[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
