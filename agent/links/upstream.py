"""The task of one upstream: dials, reads, speaks, pings, and dials again. Nothing in it waits for another upstream.

Theory of operation
-------------------
What is said is decided by `Conversation`, which is pure; this task moves bytes and time. On an open link four loops
run: *read* (frames in, replies out at once), *speak* (deadlines and what the station wants told), *watch* (the head of
the outbox, and that of the security events) and *ping*. The first that fails ends the link. A lost link is dialled anew
after a backoff, or at once if there are new credentials (not twice in a minute, since a backend could ask for that in a
circle), or much later if it looks as if another station had our identity. A mistake of ours in here (any other
exception) is noted, the conversation is begun afresh and dialled anew all the same: it costs this upstream a
BootNotification, and nobody else anything.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeVar

from agent.links.conversation import Conversation
from agent.links.mistakes import place_of
from agent.links.pinging import Pinging, answers_pings
from agent.links.ports import Link, LinkLost, LinkRefused, Ports, Queue
from agent.links.redial import Redial
from agent.links.rivalry import Rivalry
from agent.links.state import LinkState
from agent.ocpp.dialect import Dialect
from agent.vocabulary.effects import Ask, Effect, Note, OptionsChanged, Publish, Reconnect
from agent.vocabulary.ids import ConnectorId, UpstreamId
from agent.vocabulary.inputs import AuthorizeAnswered, SecurityEventSeen
from agent.vocabulary.security import SecurityEventKind

FAREWELL_S: Final = 1.0
"""What was to be said when the task is ended (the answer to a Reset) has this long to leave."""
OUTBOX_RETRY_S: Final = 5.0

DEAF: Final = "pings are answered, and calls are not"
IN_DOUBT: Final = SecurityEventKind.FAILED_TO_AUTHENTICATE_AT_CENTRAL_SYSTEM
"""Of the closed list the nearest: the backend does not, or no longer, take this station for the one it claims to be."""

_Row = TypeVar("_Row")


class UpstreamTask:
    """One upstream. `run` is its task; `tell` is called by the engine and returns at once."""

    def __init__(self, upstream: UpstreamId, dialect: Dialect, ports: Ports) -> None:
        self.state = LinkState()
        self._upstream = upstream
        self._dialect = dialect
        self._ports = ports
        self._redial = Redial(ports.chance, lambda: self._now_ms)
        self._rivalry = Rivalry()
        self._pinging = Pinging(lambda: ports.mind.options(upstream).ping_interval_s, lambda: self._now_ms)
        self._conditions: dict[ConnectorId, Publish] = {}
        self._looking = False
        """The head of the outbox is being read."""
        self._conversation = self._new_conversation()
        self._mistake: Exception | None = None
        self._wake = asyncio.Event()
        self._sleeps_until_ms = 0.0
        """When the speaking loop looks again by itself; 0 while it is awake."""
        self._reading = False
        """The reading loop is at work: it sends what comes of it, and then rouses whoever has to do more."""
        self._sending = asyncio.Lock()

    def tell(self, effect: Effect) -> None:
        """Take an effect that names an upstream. Never waits, never raises."""
        if isinstance(effect, Publish):
            self._conditions[effect.event.condition.connector] = effect
        if isinstance(effect, OptionsChanged):
            self._pinging.changed()
        if isinstance(effect, Reconnect):
            self._redial.want()
        try:
            self._conversation.tell(effect, self._now_ms)
        except Exception as mistake:  # must not end the engine: this upstream's link is begun anew
            self._bug(mistake)
            if self.state.stage != "connected":
                self._begin_anew()
            if isinstance(effect, Ask):
                self._ports.mind.post(AuthorizeAnswered(effect.ask, self._upstream, None))
        self._carry()

    @property
    def dials(self) -> str:
        """Where it dials at present, for people."""
        return self._ports.dials()

    async def run(self) -> None:
        """Keep the upstream connected until cancelled; then take leave in order (1001)."""
        while True:
            self._redial.begin()
            self._enter("dialling", self.state.cause)
            try:
                link = await self._ports.connect()
            except LinkRefused as refused:
                self._enter("waiting", str(refused))
                self._note("link_refused", str(refused))
            except Exception as mistake:
                self._bug(mistake)
                self._begin_anew()
            else:
                await (link.close(self._ports.leaves_with, "") if self._redial.wanted else self._serve(link))
            await self._redial.pause()

    @property
    def _now_ms(self) -> int:
        return self._ports.clock.monotonic_ms

    async def _serve(self, link: Link) -> None:
        """One connection from its first frame to its last."""
        cause, code = "", None
        self._rivalry.opened(self._now_ms)
        self._enter("connected", "")
        self._note("link_up", "connected")
        try:
            self._conversation.connected(self._now_ms)
            self._carry()
            failure = await self._loops(link)
            cause = str(failure) if isinstance(failure, LinkLost) else "internal error"
            code = failure.code if isinstance(failure, LinkLost) else None
            if not isinstance(failure, LinkLost):
                self._bug(failure)
        except Exception as mistake:
            cause = "internal error"
            self._bug(mistake)
        finally:
            await self._leave(link, cause, code)

    async def _loops(self, link: Link) -> Exception:
        """Run the loops until the first fails; returns why, a mistake of ours before a lost link.

        No task group: in Python 3.11 and 3.12 one that fails in the moment of a cancellation swallows the latter.
        """
        running = [self._read(link), self._speak(link), self._watch(self._ports.outbox, self._conversation.head)]
        running.append(self._pinging.run(link))
        if self._ports.notices is not None:
            running.append(self._watch(self._ports.notices, self._conversation.notice))
        loops = [asyncio.create_task(loop) for loop in running]
        try:
            await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for loop in loops:
                loop.cancel()
            ends = await asyncio.gather(*loops, return_exceptions=True)
        failures = [end for end in ends if isinstance(end, Exception)]
        return next((end for end in failures if not isinstance(end, LinkLost)), failures[0])

    async def _read(self, link: Link) -> None:
        while True:
            data = await link.receive()
            self.state = replace(self.state, heard_ms=self._now_ms)
            if link.charge(self._take(data)):
                self._conversation.output.note_rarely("link_paced", "sends more than is read of it")
            await self._flush(link)
            self._rouse()
            crowded = True
            while crowded:  # a flood of frames must not starve the other upstreams
                await asyncio.sleep(0)
                crowded = self._ports.mind.crowded(self._upstream)

    def _take(self, data: str | bytes) -> int:
        """Hear what came; returns what it costs the peer."""
        self._reading = True
        try:
            units = self._conversation.receive(data, self._now_ms)
            self._carry()
            return units
        finally:
            self._reading = False

    async def _speak(self, link: Link) -> None:
        while True:
            self._wake.clear()
            await self._flush(link)
            if self._mistake is not None:
                raise self._mistake
            if self._conversation.fault is not None:
                deaf = self._conversation.silent and await answers_pings(link)
                raise LinkLost(DEAF if deaf else self._conversation.fault)
            deadline_ms = self._conversation.next_deadline()
            wait_s = None if deadline_ms is None else max(1, deadline_ms - self._now_ms) / 1000
            self._sleeps_until_ms = math.inf if deadline_ms is None else deadline_ms
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            self._sleeps_until_ms = 0.0
            self._conversation.advance(self._now_ms)
            self._carry()

    async def _watch(self, queue: Queue[_Row], show: Callable[[_Row | None, int], None]) -> None:
        while True:
            queue.changed.clear()
            try:
                row = await self._head(queue)
            except Exception as failure:  # a store that cannot be read must not cost the link
                self._note("outbox_unreadable", type(failure).__name__)
                self._wake.set()
                await asyncio.sleep(OUTBOX_RETRY_S)
                continue
            show(row, self._now_ms)
            self._carry()
            await queue.changed.wait()

    async def _head(self, queue: Queue[_Row]) -> _Row | None:
        """What stands first in a queue; meanwhile the conversation knows that a row may come."""
        self._looking = self._looking or queue is self._ports.outbox
        try:
            return await queue.head()
        finally:
            self._looking = self._looking and queue is not self._ports.outbox

    async def _flush(self, link: Link) -> None:
        """Send what is to be sent, in order, whichever loop comes first."""
        async with self._sending:
            texts = self._conversation.output.texts
            while texts:
                await link.send(texts.popleft())

    async def _leave(self, link: Link, cause: str, code: int | None) -> None:
        """Let what is due leave, tell the station, and close the link."""
        with suppress(LinkLost, TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await self._flush(link)
        try:
            self._conversation.disconnected(self._now_ms, code)
        except Exception as mistake:
            self._bug(mistake)
        self._carry()
        if self._mistake is not None:
            self._begin_anew()
        if self._rivalry.ended(self._now_ms, by_peer=code is not None, deaf=cause == DEAF):
            self._note("identity_in_doubt", self._rivalry.doubt)
            self._ports.mind.post(SecurityEventSeen(IN_DOUBT, self._rivalry.doubt, self._upstream))
        self._enter("waiting", cause)
        self._note("link_down", cause or "ended by the station")
        await link.close(self._ports.leaves_with, "")

    def _carry(self) -> None:
        """Carry the conversation's output into the world; the texts are sent by the loops."""
        output = self._conversation.output
        while output.notes:
            self._ports.note(output.notes.popleft())
        while output.times:
            self._ports.on_time(self._upstream, output.times.popleft(), self._ports.authenticated())
        while output.inputs:
            self._ports.mind.post(output.inputs.popleft())
        if self._conversation.proven and self._rivalry.answered(self._now_ms):
            self._redial.proven()
            self._ports.proven()
            self.state = replace(self.state, doubt="") if self.state.doubt else self.state
        self._rouse()

    def _rouse(self) -> None:
        """Wake the speaking loop if there is something for it: a text, an end, or a deadline that came nearer."""
        if self._reading:
            return
        conversation = self._conversation
        if conversation.output.texts or conversation.fault is not None or self._mistake is not None:
            self._wake.set()
            return
        deadline_ms = conversation.next_deadline()
        if deadline_ms is not None and deadline_ms < self._sleeps_until_ms:
            self._wake.set()

    def _bug(self, mistake: Exception) -> None:
        self._mistake = mistake
        self._note("upstream_bug", f"{type(mistake).__name__}{place_of(mistake)}; this upstream is begun anew")

    def _begin_anew(self) -> None:
        """A fresh conversation that knows the present conditions and nothing else."""
        self._mistake = None
        self._conversation = self._new_conversation()
        for effect in self._conditions.values():
            self._conversation.tell(effect, self._now_ms)

    def _new_conversation(self) -> Conversation:
        ports, upstream = self._ports, self._upstream
        return Conversation(
            upstream,
            self._dialect,
            lambda: ports.mind.options(upstream),
            lambda: ports.clock.offset_ms,
            ports.new_id,
            lambda: ports.outbox.changed.is_set() or self._looking,
        )

    def _enter(self, stage: str, cause: str) -> None:
        self.state = replace(self.state, stage=stage, cause=cause, since_ms=self._now_ms, doubt=self._rivalry.doubt)

    def _note(self, event: str, text: str) -> None:
        self._ports.note(Note(event, text, upstream=self._upstream))
