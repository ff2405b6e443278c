"""The whole agent in one process on virtual time, between a plant in this process and two scripted backends.

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
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

from agent.settings.addresses import SecurityProfile, UpstreamAddress
from agent.settings.factory import parse_factory
from agent.settings.settings import Settings
from agent.vocabulary.ids import UpstreamId
from hal.simulator.plant import Plant
from hal.simulator.settings import from_factory
from tests.rig.agent_in_process import AgentInProcess, Life
from tests.rig.backend import ScriptedBackend
from tests.rig.crash_store import CrashStore
from tests.rig.driver import Driver
from tests.rig.fuse import Fuse
from tests.rig.link_cutter import LinkCutter
from tests.rig.oracle import Commit, World, check
from tests.rig.oracle_plant import Limits
from tests.rig.rig_options import RigOptions
from tests.rig.virtual_time import until, wall_ms

PRIMARY = UpstreamId("primary-1")
QUIET_S = 5.0


class StationRig(Driver):
    """One station with its surroundings."""

    def __init__(
        self,
        folder: Path,
        options: RigOptions | None = None,
        *,
        seed: int = 1,
        fuse: Fuse | None = None,
        defects: Mapping[str, Any] | None = None,
    ) -> None:
        self.options = options or RigOptions()
        self.management = ScriptedBackend("management", first_transaction_id=1000)
        self.primary = ScriptedBackend("primary", first_transaction_id=2000)
        self.cutters = {b.name: LinkCutter(self._port_of(b)) for b in self.backends}
        self.store = CrashStore(folder / "state", self._synced)
        self.commits: list[Commit] = []
        """Starts of transactions as they came onto the disk."""
        self.boot = 0
        self.lives: list[AgentInProcess] = []
        self.plant = Plant(from_factory(self.options.factory("ws://127.0.0.1:1")), rng=random.Random(seed))
        self.zero_s = 0.0
        """Loop time at plant time 0."""
        self._zero_wall_ms = 0
        self._folder = folder
        self._chance = random.Random(seed)
        self._fuse = fuse
        self._defects = dict(defects or {})
        self._after: CrashStore | None = None
        self._watching = False
        """The store of the present life is open."""
        self._known_starts: set[str] = set()
        self._stack = AsyncExitStack()

    @property
    def backends(self) -> tuple[ScriptedBackend, ...]:
        """Those that are configured, management first."""
        return (self.management, self.primary) if self.options.primary else (self.management,)

    @property
    def billing(self) -> ScriptedBackend:
        """The one that authorises."""
        return self.backends[-1]

    async def __aenter__(self) -> Self:
        for backend in self.backends:
            await self._stack.enter_async_context(backend)
            await self._stack.enter_async_context(self.cutters[backend.name])
        self.plant.sync()
        self.zero_s = asyncio.get_running_loop().time() - self.plant.time_s
        self._zero_wall_ms = wall_ms() - round(self.plant.time_s * 1000)
        running = asyncio.ensure_future(self.plant.run())
        self._stack.push_async_callback(_ended, running)
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.lives:
            await self._vanish()
        await self._stack.aclose()

    @property
    def agent(self) -> AgentInProcess:
        """The present life of the agent."""
        return self.lives[-1]

    def start(self, *, new_boot: bool = True) -> None:
        """Start the agent; by default in a new boot of the system. The fuse, if any, is for the first life only."""
        self.boot += 1 if new_boot else 0
        fuse = self._fuse if not self.lives else None
        life = Life(
            self.settings(),
            self.store,
            self.plant.port_factory,
            self._folder / "run",
            f"boot{self.boot}",
            self._chance,
            fuse,
            self._defects,
        )
        if fuse is not None:
            fuse.on_blow.append(self._lose_power)
        self._watching = False
        self.lives.append(AgentInProcess(life))
        self._watching = True
        self.agent.start()

    async def stop(self) -> int:
        """End the agent in order; its exit status."""
        return await self.agent.stop()

    async def power_cut(self, chance: random.Random | None = None, *, off_s: float = 10.0) -> None:
        """The supply fails (now, unless the fuse did it already), comes back, and the agent starts in a new boot."""
        if self._after is None:
            self._lose_power(chance)
        assert self._after is not None
        await self._vanish()
        self.store, self._after = self._after, None
        await asyncio.sleep(off_s)
        self.plant.set_power(True)
        self.start()

    async def kill(self, *, down_s: float = 1.0) -> None:
        """The process dies; a moment later it is started again in the same boot."""
        self.agent.freeze()
        after = self.store.kill()
        await self._vanish()
        self.store = after
        await asyncio.sleep(down_s)
        self.start(new_boot=False)

    def settings(self) -> Settings:
        """What the agent starts with."""
        factory = parse_factory("factory.toml", self.options.factory(self._url("management")))
        if not self.options.primary:
            return Settings(factory, None)
        address = UpstreamAddress(PRIMARY, "Primary", self._url("primary"), "CP1", SecurityProfile.UNSECURED)
        return Settings(factory, address)

    async def ready(self, within_s: float = 60.0) -> None:
        """Until every backend knows every connector."""
        connectors = range(1, self.options.connectors + 1)

        def known() -> bool:
            return all(b.ledger.status(c) for b in self.backends for c in connectors)

        await self.until(known, within_s=within_s, what="statuses of all connectors at all backends")

    async def until(self, condition: Callable[[], object], *, within_s: float, what: str = "") -> float:
        """As `virtual_time.until`; fails at once if the agent has died."""

        def alive_and_true() -> object:
            assert not self.agent.status, f"the agent died:\n{self.agent.log}"
            return condition()

        try:
            return await until(alive_and_true, within_s=within_s, what=what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.story()}") from None

    def story(self, last: int = 40) -> str:
        """The last frames of each backend and the last lines of the log, for a failed assertion."""
        lines = []
        for backend in self.backends:
            lines.append(f"{backend.name}:")
            lines += [
                f"  {f.at_s - self.zero_s:9.3f} {f.direction:<3} {f.text[:200]}" for f in backend.ledger.frames[-last:]
            ]
        return "\n".join([*lines, "log:", *self.agent.log.splitlines()[-last:]])

    async def until_status(self, status: str, connector: int = 1, within_s: float = 60.0) -> float:
        """Until every connected backend was last told this status."""

        def told() -> bool:
            return all(b.ledger.status(connector) == status for b in self.backends if b.connected.is_set())

        return await self.until(told, within_s=within_s, what=f"connector {connector} {status} at all backends")

    async def until_delivered(self, sessions: int, within_s: float = 600.0) -> float:
        """Until every backend has answered so many starts and stops, then a little longer for what must not come."""

        def delivered() -> bool:
            stops = [[s for s in b.ledger.stops() if s.answered] for b in self.backends]
            return all(len(found) >= sessions for found in stops)

        took_s = await self.until(delivered, within_s=within_s, what=f"{sessions} sessions delivered")
        await asyncio.sleep(QUIET_S)
        return took_s

    def world(self, **changes: Any) -> World:
        """What the oracle needs."""
        self.plant.sync()
        sockets = frozenset() if self.options.captive_cable else frozenset(range(1, self.options.connectors + 1))
        values: dict[str, Any] = {
            "happenings": list(self.plant.history),
            "ledgers": {b.name: b.ledger for b in self.backends},
            "billing": self.billing.name,
            "ended_s": self.plant.time_s,
            "ledger_zero_s": self.zero_s,
            "wall_zero_ms": self._zero_wall_ms,
            "commits": self.commits,
            "limits": Limits(sockets=sockets),
        }
        return World(**(values | changes))

    def check(self, **changes: Any) -> None:
        """Raise AssertionError with everything that the oracle finds; `changes` as the fields of `World`."""
        check(self.world(**changes))

    def _port_of(self, backend: ScriptedBackend) -> Callable[[], int]:
        return lambda: backend.port

    def _url(self, name: str) -> str:
        return f"ws://127.0.0.1:{self.cutters[name].port}/ocpp"

    def _lose_power(self, chance: random.Random | None = None) -> None:
        """Everything stops at this instant; what the disk holds is kept aside."""
        self.plant.set_power(False)
        self.agent.freeze()
        self._after = self.store.cut(chance)

    async def _vanish(self) -> None:
        for cutter in self.cutters.values():
            cutter.cut()
        await self.agent.vanish()

    def _synced(self) -> None:
        """A sync of the disk: note the transactions whose start is on it now."""
        at_s = asyncio.get_running_loop().time() - self.zero_s
        for transaction, connector in self.agent.stored_transactions() if self._watching else ():
            if transaction not in self._known_starts:
                self._known_starts.add(transaction)
                self.commits.append(Commit(at_s, connector))


async def _ended(task: asyncio.Future[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
