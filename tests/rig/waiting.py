"""What a scenario on `StationRig` waits for: each wait has its limit, and tells what was going on when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.rig.agent_in_process import AgentInProcess
from tests.rig.backend import ScriptedBackend
from tests.rig.rig_options import RigOptions
from tests.rig.virtual_time import until

QUIET_S = 5.0


class Waiting:
    """Base of the rig: waits on what backends were told and on what the agent has still to do."""

    options: RigOptions
    zero_s: float

    @property
    def backends(self) -> tuple[ScriptedBackend, ...]:
        """Those that are configured."""
        raise NotImplementedError

    @property
    def agent(self) -> AgentInProcess:
        """The present life of the agent."""
        raise NotImplementedError

    def closed(self, connector: int = 1) -> bool:
        """The contactor is closed right now."""
        raise NotImplementedError

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

    async def until_settled(self, within_s: float = 120.0) -> float:
        """Until every backend is connected, no transaction is open and nothing waits to be delivered."""

        def settled() -> bool:
            return all(b.connected.is_set() for b in self.backends) and not self.agent.unfinished()

        return await self.until(settled, within_s=within_s, what="everything ended and delivered")

    async def until_resumed(self, within_s: float = 30.0) -> float:
        """Until the present life charges on in a transaction of a former one, and everybody is connected again."""

        def resumed() -> bool:
            connected = all(b.connected.is_set() for b in self.backends)
            return connected and "resumed" in self.agent.log and self.closed()

        return await self.until(resumed, within_s=within_s, what="the session goes on")

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
