"""Lets a former upstream go: its old address and credentials serve for nothing but to deliver what it is owed.

Theory of operation
-------------------
Who was removed or replaced with records in its queue gets a link of its own after the reboot. It speaks through the
retiring dialect: the station boots there, tells that only the core is left and that every connector is Unavailable, and
refuses whatever is asked. The station itself does not know this upstream: of what comes from it only the fate of its
own records and its security events get through. When the queue is empty and no transaction that it knows of runs on
(one that was resumed, or that a signing meter has yet to end), or the link has had `LONGEST_MINUTES` of
running time over all lives of the agent, the link is closed with 1000 and the credentials are forgotten. What is left
then stays in the store for its ninety days, and is never given to anybody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from agent.links.ports import Mind
from agent.runtime.writer import Writer
from agent.vocabulary.effects import Effect, Publish
from agent.vocabulary.events import Condition, ConditionChanged
from agent.vocabulary.ids import STATION, ConnectorId, UpstreamId
from agent.vocabulary.inputs import Input, MessageAcknowledged, MessageFailed, SecurityEventSeen
from agent.vocabulary.moments import Moment
from agent.vocabulary.options import OPTION_BY_NAME, Origin, UpstreamOptions
from agent.vocabulary.records import Snapshot
from agent.vocabulary.security import SecurityEventKind
from agent.vocabulary.standing import Owed

LONGEST_MINUTES: Final = 72 * 60
"""A backend that is to be had at all is to be had within three days."""
LOOK_S: Final = 15.0
MARK_MINUTES: Final = 15
"""The running time is written down so often: a kill costs less than that, and the flash is spared."""
SETTLING_S: Final = 60.0
"""What the boot itself still has to say of transactions that were cut off is in the queue by then."""
_ITS_OWN: Final = (MessageAcknowledged, MessageFailed, SecurityEventSeen)


class RetiringMind:
    """The door of a retiring link to the rest of the agent (`agent.links.ports.Mind`)."""

    def __init__(self, mind: Mind, options: UpstreamOptions) -> None:
        self._mind = mind
        self._options = options

    def post(self, given: Input) -> None:
        """Lets through what became of its records, and what its link suffers. It has no voice in anything else."""
        if isinstance(given, _ITS_OWN):
            self._mind.post(given)

    def options(self, upstream: UpstreamId) -> UpstreamOptions:
        """As it had set them."""
        return self._options

    def crowded(self, upstream: UpstreamId) -> bool:
        """Its records wait in a lane of their own, as those of everybody."""
        return self._mind.crowded(upstream)


class Link(Protocol):
    """The task of the link (`agent.links.upstream.UpstreamTask`)."""

    def tell(self, effect: Effect) -> None:
        """Take an effect."""

    async def run(self) -> None:
        """Keep the link up until cancelled, then take leave."""


@dataclass(frozen=True, slots=True)
class Leave:
    """What letting one upstream go needs of the agent."""

    writer: Writer
    post: Callable[[Input], None]
    tell: Callable[..., None]
    """The log."""
    connectors: tuple[ConnectorId, ...]
    now: Callable[[], Moment]
    forget: Callable[[UpstreamId], None]
    """Remove its credentials. Raises OSError; called beside the event loop."""


class Leaver:
    """One former upstream. `run` is a kept task."""

    def __init__(self, upstream: UpstreamId, task: Link, leave: Leave) -> None:
        self._upstream = upstream
        self._task = task
        self._leave = leave

    async def run(self) -> None:
        """Deliver, say goodbye, forget; then wait to be cancelled."""
        leave, upstream = self._leave, self._upstream
        self._tell(await self._owed(), "is no longer configured; what it is owed is being delivered")
        for connector in (STATION, *leave.connectors):
            condition = Condition(connector, leave.now(), operative=False)
            self._task.tell(Publish(upstream, ConditionChanged(condition)))
        link = asyncio.ensure_future(self._task.run())
        try:
            await self._drain()
        finally:
            link.cancel()
            await asyncio.gather(link, return_exceptions=True)
        try:
            await asyncio.to_thread(leave.forget, upstream)
        except OSError as error:
            leave.tell("settings.problem", problem=f"the credentials of {upstream} could not be removed: {error}")
        self._tell(await self._owed(), "its link is closed and its credentials are forgotten")
        await asyncio.get_running_loop().create_future()

    async def _drain(self) -> None:
        """Return when nothing waits any more and no transaction that it knows of still runs, or the time is over."""
        writer, upstream, loop = self._leave.writer, self._upstream, asyncio.get_running_loop()
        before = await writer.ask(lambda store: store.archive.draining.minutes(upstream))
        began_s, marked = loop.time(), before
        while True:
            passed_s = loop.time() - began_s
            minutes = before + int(passed_s // 60)
            if minutes >= LONGEST_MINUTES:
                return
            if passed_s >= SETTLING_S and await writer.ask(lambda store: store.archive.draining.is_settled(upstream)):
                return
            if minutes >= marked + MARK_MINUTES:
                marked = minutes
                await self._note(minutes)
            await asyncio.sleep(LOOK_S)

    async def _note(self, minutes: int) -> None:
        upstream = self._upstream
        await self._leave.writer.ask(lambda store: store.archive.draining.note_minutes(upstream, minutes))

    async def _owed(self) -> Owed:
        owed = await self._leave.writer.ask(lambda store: store.archive.draining.owed())
        return next((one for one in owed if one.upstream == self._upstream), Owed(self._upstream, 0, 0))

    def _tell(self, owed: Owed, what: str) -> None:
        """To the log, and by count to management."""
        text = f"{what}; {owed.waiting} messages wait, {owed.given_up} were given up"
        self._leave.tell("upstream.note", upstream=self._upstream, text=text)
        if owed.waiting or owed.given_up:
            count = f"{owed.waiting} messages wait and {owed.given_up} were given up"
            kind = SecurityEventKind.UNDELIVERED_RECORDS
            self._leave.post(SecurityEventSeen(kind, f"{self._upstream} was removed: {count}", self._upstream))


def leaving(former: Iterable[UpstreamId], owed: Iterable[Owed], snapshot: Snapshot) -> frozenset[UpstreamId]:
    """Who of the former upstreams needs a link: something waits for it, or a transaction that it knows of is open."""
    waiting = {one.upstream for one in owed if one.waiting}
    waiting |= {one for record in snapshot.open_transactions for one in (record.authority, *record.told)}
    return frozenset(waiting & frozenset(former))


def options_of(upstream: UpstreamId, snapshot: Snapshot) -> UpstreamOptions:
    """The options that an upstream had set when it was removed."""
    options = UpstreamOptions()
    for saved in snapshot.options:
        if saved.upstream == upstream and saved.name in OPTION_BY_NAME and hasattr(options, saved.name):
            options = options.with_value(saved.name, saved.value, Origin.OCPP)
    return options
