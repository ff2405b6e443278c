"""The keeper of the credentials: performs what upstreams ask about passwords, profiles and certificates.

Theory of operation
-------------------
Each upstream has a *desk*: a queue, and a task that works it off, so that none waits for another. What changes is on
the disk before it is answered (`CredentialsAnswered`). Attempts to dial tell their outcome to the upstream's `Choice`,
which changes at once and is written down by the desk after. Everything that takes time (disk, child process) happens
beside the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.credentials.access import Accesses
from agent.credentials.child import ask
from agent.credentials.choice import Choice, News, Surroundings
from agent.credentials.folder import MANUFACTURER, CredentialsFolder
from agent.credentials.requests import Answer, Request
from agent.host.clock import RELEASED_MS
from agent.runtime.clock import Clock
from agent.runtime.credentials_desk import Desk
from agent.runtime.credentials_world import World
from agent.settings.addresses import UpstreamAddress
from agent.settings.validate import normal_url
from agent.vocabulary.commands import Result, ResultStatus
from agent.vocabulary.effects import HandleCredentials
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import CredentialsAnswered, CredentialsInForce, Input, SecurityEventSeen
from agent.vocabulary.options import StationOptions, UpstreamOptions
from agent.vocabulary.security import SecurityEventKind

LONGEST_QUEUE = 16
"""More than an upstream can have on its way; what comes on top is refused at once."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """What the keeper needs of the agent."""

    state: str | Path
    """The state folder."""
    station: StationOptions
    clock: Clock
    post: Callable[[Input], None]
    tell: Callable[..., None]
    """The log."""
    options: Callable[[UpstreamId], UpstreamOptions]
    new_name: Callable[[], str]
    """A new UUIDv4 as text."""
    ask: Callable[[Request], Answer] = ask
    """The child process."""
    boot_id: str = ""
    """Of the system: what is staged in one is tried in the next."""


class Credentials:
    """All desks. Called by the engine; returns at once."""

    def __init__(self, addresses: Sequence[UpstreamAddress], keeping: Keeping) -> None:
        self._keeping = keeping
        self._choices: dict[UpstreamId, Choice] = {}
        self._desks: dict[UpstreamId, Desk] = {}
        manufacturer = CredentialsFolder(keeping.state, MANUFACTURER)
        for address in addresses:
            self._add(address, manufacturer)

    def __call__(self, effect: HandleCredentials) -> None:
        """Take a permitted command. Answers by `CredentialsAnswered`, never within this call."""
        desk = self._desks.get(effect.upstream)
        if desk is None or desk.waiting >= LONGEST_QUEUE:
            refusal = Result(ResultStatus.REJECTED, "too many requests about credentials at once")
            answer = CredentialsAnswered(effect.upstream, effect.call, refusal)
            asyncio.get_running_loop().call_soon(self._keeping.post, answer)
            return
        desk.put(effect)

    def accesses(self, upstream: UpstreamId) -> Accesses:
        """The credentials of one upstream, for its dialler."""
        return self._choices[upstream]

    def teller(self, upstream: UpstreamId) -> Callable[[SecurityEventKind, str], None]:
        """Takes the security events of an upstream's dialler."""
        return lambda kind, text: self._keeping.post(SecurityEventSeen(kind, text, upstream))

    def registered(self, upstream: UpstreamId) -> None:
        """The station is accepted on the present link of this upstream. Called often."""
        self._desks[upstream].registered()

    def wall_ms(self) -> int | None:
        """Wall time, None while unknown."""
        return self._keeping.clock.now().wall_ms

    def begin(self) -> None:
        """Tell with which profile each upstream is dialled. Called once, when the engine takes inputs."""
        for upstream, choice in self._choices.items():
            self._keeping.post(CredentialsInForce(upstream, choice.profile, choice.present().url))

    @property
    def desks(self) -> Mapping[UpstreamId, Desk]:
        """The desks, each with a task to be run."""
        return self._desks

    def places(self) -> Mapping[UpstreamId, frozenset[tuple[str, str]]]:
        """Normal URL and identity of where each upstream is dialled now, and of where it has asked to be."""
        return {
            upstream: frozenset(
                (normal_url(url), choice.address.identity)
                for url in (choice.present().url, choice.holdings.moving_to)
                if url
            )
            for upstream, choice in self._choices.items()
        }

    def _taken(self, but: UpstreamId) -> frozenset[tuple[str, str]]:
        return frozenset(place for upstream, held in self.places().items() if upstream != but for place in held)

    def _add(self, address: UpstreamAddress, manufacturer: CredentialsFolder) -> None:
        keeping, upstream = self._keeping, address.id
        folder = CredentialsFolder(keeping.state, upstream)
        holdings, problem = folder.load()
        if problem:
            keeping.tell("credentials.problem", upstream=upstream, problem=problem)

        def changed(news: News) -> None:
            self._desks[upstream].changed(news)

        around = Surroundings(changed, self.wall_ms, keeping.boot_id, keeping.station.additional_root_check)
        choice = Choice(address, holdings, folder, around)
        world = World(
            post=keeping.post,
            note=lambda text: keeping.tell("credentials.note", upstream=upstream, text=text),
            wall_ms=self.wall_ms,
            cpo_name=lambda: keeping.options(upstream).cpo_name,
            ask=keeping.ask,
            new_name=keeping.new_name,
            boot_id=keeping.boot_id,
            taken=lambda: self._taken(but=upstream),
            serial_number=keeping.station.serial_number,
            released_ms=RELEASED_MS,
            single_root=keeping.station.additional_root_check,
        )
        self._choices[upstream] = choice
        self._desks[upstream] = Desk(choice, manufacturer, world)
