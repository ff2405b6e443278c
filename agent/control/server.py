"""The control socket: who may connect, how much it may send, and what happens then.

Theory of operation
-------------------
The server knows neither station nor store: what it can do is injected as `Abilities`. Every connection is a task of its
own with bounded lines, a bounded number of neighbours and a time limit for reading and writing; whatever goes wrong
in one is answered or logged there and touches nobody else. Peers are checked by the kernel's word before a byte
is read.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from agent.control import card_requests, protocol
from agent.control.peers import Peer, is_allowed, peer_of
from agent.control.protocol import LONGEST_LINE, RefusedError, Request, refuse
from agent.control.rendering import render_refusal, render_result
from agent.settings.problems import SettingsError
from agent.settings.service_edits import ServiceEdit
from agent.settings.settings import UpstreamRequest

MOST_CONNECTIONS = 16
IDLE_S = 300.0
WRITE_S = 10.0

_LOOKS = (
    protocol.Status
    | protocol.Sessions
    | protocol.SecurityLog
    | protocol.Upstreams
    | protocol.Catalogue
    | card_requests.Services
    | card_requests.Decisions
)
"""Requests that change nothing and are not worth a line in the log."""

Outcome = Awaitable[object] | object
"""What an ability gives back: any value that `rendering.plain` can show, at once or awaited."""


@dataclass(frozen=True, slots=True)
class CardAbilities:
    """What can be done about cards."""

    services: Callable[[], Outcome]
    """A `card_views.ServicesView`."""
    edit: Callable[[ServiceEdit, str], Outcome]
    """Stage an edit of the services; the last argument is who asks."""
    decisions: Callable[[card_requests.Decisions], Outcome]
    """Each a `card_views.DecisionView`, newest first."""
    set_outage_mode: Callable[[card_requests.SetOutageMode, str], Outcome]


@dataclass(frozen=True, slots=True)
class Abilities:
    """Everything the socket can do. Each may raise RefusedError or SettingsError, which becomes the answer."""

    permit: Callable[[Request], None]
    """Asked before every request is carried out: raises RefusedError where somebody at the station may not."""
    status: Callable[[], Outcome]
    """For `status` and `watch`; usually a `views.StatusView`."""
    sessions: Callable[[protocol.Sessions], Outcome]
    """Sessions of the past and present, newest first."""
    delete_sessions: Callable[[int, str], Outcome]
    """Delete sessions that started before a wall time, given the confirming word; how many went and how many stay."""
    export: Callable[[protocol.Export], Outcome]
    """What an upstream has not got, oldest first: each an `undelivered_export.ExportedMessage`."""
    set_primary: Callable[[UpstreamRequest], Outcome]
    """Stage a primary (`settings.files.stage_primary`); `changed_by` is filled in here."""
    remove_primary: Callable[[str, str], Outcome]
    """Stage its removal: the confirming word, and who asked."""
    add_operator: Callable[[UpstreamRequest], Outcome]
    """Stage a further operator; `changed_by` is filled in here."""
    remove_operator: Callable[[str, str, str], Outcome]
    """Stage the removal of an operator: its name or id, the confirming word, and who asked."""
    set_billing: Callable[[str, str], Outcome]
    """Stage another Billing upstream: its name or id, and who asked."""
    upstreams: Callable[[], Outcome]
    """All upstreams with role and state; a `views.UpstreamsView`."""
    discard_pending: Callable[[], Outcome]
    reboot: Callable[[protocol.Reboot], Outcome]
    """Reboot the system."""
    clear_latch: Callable[[int], Outcome]
    why: Callable[[int | None], Outcome]
    """Limits, holds and what blocks: of one connector, or of each."""
    set_limit: Callable[[int, float | None], Outcome]
    clear_hold: Callable[[str, int], Outcome]
    reoffer: Callable[[str], Outcome]
    """Try parked messages of an upstream (empty: of all) again; how many there are for each."""
    security_log: Callable[[int], Outcome]
    """The newest so many lines, oldest first, with what became of the chain; a `views.SecurityLogView`."""
    clear_security_log: Callable[[], Outcome]
    dump_inputs: Callable[[], Outcome]
    cards: CardAbilities
    catalogue: Callable[[], Outcome] = tuple
    """The backoffices that can be set by name."""


class Server:
    """One control socket. `run` until cancelled."""

    def __init__(self, path: str, abilities: Abilities, tell: Callable[..., None], group: int | None = None) -> None:
        """`group`: id of a group whose members may connect besides root and our own user."""
        self._path = path
        self._abilities = abilities
        self._tell = tell
        self._group = group
        self._connections: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Listen until cancelled; then hang up on everybody and remove the socket. Raises OSError if it cannot."""
        server = await asyncio.start_unix_server(self._accept, self._path, limit=LONGEST_LINE)
        try:
            os.chmod(self._path, 0o660)
            if self._group is not None:
                os.chown(self._path, -1, self._group)
            self._tell("control.listening", socket=self._path)
            await asyncio.Event().wait()
        finally:
            server.close()
            for task in self._connections:
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from its peer check to its end. Never raises but for our own cancellation."""
        try:
            peer = peer_of(_socket_of(writer))
            if not is_allowed(peer, os.getuid(), self._group):
                self._tell("control.refused_peer", uid=peer.uid)
                problem = refuse("", f"user {peer.uid} may not control this station", "use root, or join its group")
                await _send(writer, render_refusal(problem.problems))
            elif len(self._connections) > MOST_CONNECTIONS:
                problem = refuse("", f"{MOST_CONNECTIONS} others are connected", "close one of them and try again")
                await _send(writer, render_refusal(problem.problems))
            else:
                await self._converse(reader, writer, peer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return  # the other end is gone or sleeps: nobody is left to tell
        except Exception as error:  # a bug in here, or in `status` while watched, must not reach the agent
            self._tell("control.failed", error=f"{type(error).__name__}: {error}")
        finally:
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Peer) -> None:
        while True:
            try:
                async with asyncio.timeout(IDLE_S):
                    line = await reader.readuntil(b"\n")
            except asyncio.LimitOverrunError:
                problem = refuse("", f"the line is longer than {LONGEST_LINE} bytes", "send less")
                await _send(writer, render_refusal(problem.problems))
                return
            try:
                request = protocol.parse_request(line)
            except RefusedError as error:
                self._tell("control.bad_line", reason=str(error))
                await _send(writer, render_refusal(error.problems))
                continue
            if isinstance(request, protocol.Watch):
                await self._watch(reader, writer, request.interval_s)
                return
            await _send(writer, await self._answer(request, peer))

    async def _answer(self, request: Request, peer: Peer) -> bytes:
        """The line that answers a request, whatever becomes of it."""
        name = protocol.command_name(request)
        if not isinstance(request, _LOOKS):
            self._tell("control.command", uid=peer.uid, command=name)
        try:
            return render_result(await self._perform(request, peer))
        except (RefusedError, SettingsError) as error:
            self._tell("control.refused", command=name, reason=str(error))
            return render_refusal(error.problems)
        except Exception as error:  # a bug or a full disk behind an ability must not reach the agent
            self._tell("control.failed", error=f"{name}: {type(error).__name__}: {error}")
            problem = refuse("", f"the agent could not do it ({type(error).__name__}: {error})", "see the agent's log")
            return render_refusal(problem.problems)

    async def _watch(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, interval_s: float) -> None:
        """Answer again and again until the other end hangs up (or says anything at all)."""
        ended = asyncio.ensure_future(reader.read(1))
        try:
            while not ended.done():
                await _send(writer, render_result(await _awaited(self._abilities.status())))
                await asyncio.wait({ended}, timeout=interval_s)
        finally:
            ended.cancel()
            await asyncio.gather(ended, return_exceptions=True)

    async def _perform(self, request: Request, peer: Peer) -> object:
        """Carry out one request other than `watch`, if it is permitted."""
        self._abilities.permit(request)
        return await _awaited(_DEEDS[type(request)](self._abilities, request, f"stationctl, user {peer.uid}"))


_DEEDS: Mapping[type[Request], Callable[[Abilities, Any, str], Outcome]] = {
    protocol.Status: lambda able, asked, who: able.status(),
    protocol.Upstreams: lambda able, asked, who: able.upstreams(),
    protocol.Catalogue: lambda able, asked, who: able.catalogue(),
    protocol.Sessions: lambda able, asked, who: able.sessions(asked),
    protocol.Export: lambda able, asked, who: able.export(asked),
    protocol.DeleteSessions: lambda able, asked, who: able.delete_sessions(asked.before_ms, asked.word),
    protocol.SetPrimary: lambda able, asked, who: able.set_primary(replace(asked.primary, changed_by=who)),
    protocol.AddOperator: lambda able, asked, who: able.add_operator(replace(asked.operator, changed_by=who)),
    protocol.RemovePrimary: lambda able, asked, who: able.remove_primary(asked.word, who),
    protocol.RemoveOperator: lambda able, asked, who: able.remove_operator(asked.operator, asked.word, who),
    protocol.SetBilling: lambda able, asked, who: able.set_billing(asked.upstream, who),
    protocol.DiscardPending: lambda able, asked, who: able.discard_pending(),
    protocol.Reboot: lambda able, asked, who: able.reboot(asked),
    protocol.Why: lambda able, asked, who: able.why(asked.connector),
    protocol.SetLimit: lambda able, asked, who: able.set_limit(asked.connector, asked.current_a),
    protocol.ClearHold: lambda able, asked, who: able.clear_hold(asked.upstream, asked.connector),
    protocol.ClearLatch: lambda able, asked, who: able.clear_latch(asked.connector),
    protocol.Reoffer: lambda able, asked, who: able.reoffer(asked.upstream),
    protocol.SecurityLog: lambda able, asked, who: able.security_log(asked.limit),
    protocol.ClearSecurityLog: lambda able, asked, who: able.clear_security_log(),
    protocol.Dump: lambda able, asked, who: able.dump_inputs(),
    card_requests.Services: lambda able, asked, who: able.cards.services(),
    card_requests.EditServices: lambda able, asked, who: able.cards.edit(asked.edit, who),
    card_requests.Decisions: lambda able, asked, who: able.cards.decisions(asked),
    card_requests.SetOutageMode: lambda able, asked, who: able.cards.set_outage_mode(asked, who),
}
"""Every request but `watch`, and the ability that answers it; the last argument is who asks."""


async def _awaited(outcome: Outcome) -> Any:
    return await outcome if inspect.isawaitable(outcome) else outcome


async def _send(writer: asyncio.StreamWriter, line: bytes) -> None:
    writer.write(line)
    async with asyncio.timeout(WRITE_S):
        await writer.drain()


def _socket_of(writer: asyncio.StreamWriter) -> socket.socket:
    held: socket.socket = writer.get_extra_info("socket")
    return held
