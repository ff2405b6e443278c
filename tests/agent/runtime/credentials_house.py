"""The keeper of the credentials with upstreams of its own, for tests: what it is asked, and what it posts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from agent.credentials.choice import Choice
from agent.credentials.requests import Answer, Request
from agent.credentials.worker import answer
from agent.runtime.clock import Clock, TimeSource
from agent.runtime.credentials import Credentials, Keeping
from agent.settings.addresses import SecurityProfile, UpstreamAddress
from agent.vocabulary.commands import CredentialCommand, ResultStatus
from agent.vocabulary.effects import HandleCredentials
from agent.vocabulary.ids import MANAGEMENT, Secret, UpstreamId
from agent.vocabulary.inputs import CredentialsAnswered, CredentialsInForce, Input, SecurityEventSeen
from agent.vocabulary.options import StationOptions, UpstreamOptions
from agent.vocabulary.security import SecurityEventKind
from tests.rig.virtual_time import wall_ms

PRIMARY = UpstreamId("primary-1")
MANAGED = UpstreamAddress(
    MANAGEMENT, "M", "ws://m.example/ocpp", "CP1", SecurityProfile.BASIC, Secret("provisioned 1234")
)
OPERATED = replace(MANAGED, id=PRIMARY, name="P", url="ws://p.example/ocpp")
NAMES = count(1)
"""Names are never used twice, not even by the next life."""
STATION = StationOptions((), {}, serial_number="SN1")


@dataclass
class House:
    """One keeper; its child process is a function of this process."""

    state: Path
    addresses: Sequence[UpstreamAddress] = (MANAGED, OPERATED)
    station: StationOptions = STATION
    cpo_name: str = "Rig CPO"
    posted: list[Input] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    time_known: bool = True
    calls: int = 0

    def __post_init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.clock = Clock(1, loop.time)
        if self.time_known:
            self.clock.offer(TimeSource.NTP, wall_ms())
        self.ask_child = answer
        keeping = Keeping(
            self.state,
            self.station,
            self.clock,
            self.posted.append,
            lambda event, **values: self.told.append(f"{event} {values}"),
            lambda upstream: UpstreamOptions(cpo_name=self.cpo_name),
            self.new_name,
            self._ask,
        )
        self.keeper = Credentials(self.addresses, keeping)

    def new_name(self) -> str:
        return f"key{next(NAMES)}"

    def _ask(self, request: Request) -> Answer:
        return self.ask_child(request)

    def choice(self, upstream: UpstreamId = PRIMARY) -> Choice:
        found = self.keeper.accesses(upstream)
        assert isinstance(found, Choice)
        return found

    def opened(self, anchor: str = "") -> None:
        """The primary is dialled, and a link opens."""
        self.choice().begin()
        self.choice().worked(anchor)

    def failed(self, cause: str, status: int | None) -> None:
        """The primary is dialled, which comes to nothing."""
        self.choice().begin()
        self.choice().refused(cause, status)

    async def ask(self, command: CredentialCommand, upstream: UpstreamId = PRIMARY) -> CredentialsAnswered:
        """Ask and wait for the answer."""
        self.calls += 1
        call = self.calls
        self.keeper(HandleCredentials(upstream, call, command))
        await self.settled()
        (found,) = (one for one in self.answers if one.call == call)
        return found

    async def status(self, command: CredentialCommand, upstream: UpstreamId = PRIMARY) -> ResultStatus:
        """Ask, and what it came to."""
        return (await self.ask(command, upstream)).result.status

    async def settled(self) -> None:
        """Everything that was put on a desk is done."""
        for desk in self.keeper.desks.values():
            await desk.done()

    @property
    def answers(self) -> list[CredentialsAnswered]:
        return [one for one in self.posted if isinstance(one, CredentialsAnswered)]

    @property
    def events(self) -> list[SecurityEventKind]:
        return [one.kind for one in self.posted if isinstance(one, SecurityEventSeen)]

    @property
    def in_force(self) -> list[tuple[UpstreamId, int]]:
        return [(one.upstream, one.security_profile) for one in self.posted if isinstance(one, CredentialsInForce)]


@asynccontextmanager
async def living(house: House) -> AsyncIterator[House]:
    """The desks work until the block ends."""
    house.keeper.begin()
    tasks = [asyncio.ensure_future(desk.run()) for desk in house.keeper.desks.values()]
    try:
        yield house
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
