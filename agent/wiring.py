"""Puts the task of one upstream together: dialler, outbox, clock, and the doors back to the engine."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from agent.credentials.tls import Judgement, client_context
from agent.host.clock import RELEASED_MS
from agent.host.log_ring import LogRing
from agent.links.dialler import Dialler
from agent.links.ports import GOING_AWAY, Mind, OnTime, Ports
from agent.links.route import Proxy, Route
from agent.links.upstream import UpstreamTask
from agent.ocpp.dialect import Dialect
from agent.runtime.clock import Clock
from agent.runtime.context import Context
from agent.runtime.credentials import Credentials, Keeping
from agent.runtime.diagnostics import Diagnostics, Sources
from agent.runtime.outboxes import Outboxes
from agent.runtime.recorder import InputRecorder
from agent.runtime.supervision import Supervisor
from agent.runtime.transfers import Transfers, World
from agent.runtime.writer import Writer
from agent.settings.addresses import UpstreamAddress
from agent.settings.uplinks import proxy_place
from agent.station.station import Station
from agent.vocabulary.effects import Note
from agent.vocabulary.ids import MANAGEMENT, UpstreamId
from agent.vocabulary.options import StationOptions


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every upstream task of one agent shares."""

    context: Context
    mind: Mind
    outboxes: Outboxes
    clock: Clock
    on_time: OnTime
    judged_ms: Callable[[UpstreamId], int | None]
    """The time by which the certificates of an upstream are judged."""
    note: Callable[[Note], None]
    credentials: Credentials


def addresses_of(context: Context) -> list[UpstreamAddress]:
    """The upstreams to dial; in safe mode management alone."""
    return [a for a in context.settings.upstreams if a.id == MANAGEMENT or not context.safe_mode]


def make_credentials(
    context: Context, station: StationOptions, clock: Clock, mind: Mind, former: Sequence[UpstreamAddress] = ()
) -> Credentials:
    """The keeper of the credentials of all upstreams, and of those that are let go."""
    seams = context.seams
    keeping = Keeping(
        context.locations.state,
        station,
        clock,
        mind.post,
        context.log,
        mind.options,
        seams.new_uuid,
        seams.ask_child,
        context.boot_id,
    )
    return Credentials([*addresses_of(context), *former], keeping)


class Whole(Mind, Protocol):
    """The parts of the agent that diagnostics tell of."""

    clock: Clock
    recorder: InputRecorder
    station: Station
    writer: Writer
    upstreams: dict[UpstreamId, UpstreamTask]
    supervisor: Supervisor


def files_tls(keeper: Credentials) -> Callable[[UpstreamId], ssl.SSLContext]:
    """Makes TLS to a server of files, by the roots of the upstream that names it; that raises ValueError or OSError."""

    def tls(upstream: UpstreamId) -> ssl.SSLContext:
        access = replace(keeper.accesses(upstream).present(), client=None)
        return client_context(access, Judgement(keeper.wall_ms, RELEASED_MS))

    return tls


def make_transfers(context: Context, agent: Whole, keeper: Credentials) -> Transfers:
    """The uploads of all upstreams. A server of files is judged as that of the backend that names it."""
    ring = LogRing(lambda: agent.clock.now().wall_ms)
    context.log.copy_to(ring.keep)
    sources = Sources(
        context.settings,
        context.locations.state,
        agent.clock,
        ring,
        agent.recorder.lines,
        agent.station.overview,
        agent.options,
        agent.upstreams,
        lambda: agent.supervisor.restarts,
        agent.writer,
    )
    allowed = context.settings.factory.transfers
    tls = files_tls(keeper)
    return Transfers(World(agent.post, context.log, Diagnostics(sources), allowed, tls, context.seams.upload))


def route_of(address: UpstreamAddress) -> Route:
    """The way to one upstream, as its settings say."""
    proxy = Proxy(*proxy_place(address.proxy), address.proxy_login) if address.proxy else None
    return Route(address.interface, proxy)


def make_upstream(
    address: UpstreamAddress, dialect: Dialect, around: Surroundings, leaves_with: int = GOING_AWAY
) -> UpstreamTask:
    """The task of one upstream; it dials once it runs. `leaves_with`: how it ends its links."""
    seams = around.context.seams
    keeper = around.credentials
    dialler = Dialler(
        keeper.accesses(address.id),
        dialect.subprotocol,
        seams.open_socket or route_of(address),
        Judgement(partial(around.judged_ms, address.id), RELEASED_MS),
        keeper.teller(address.id),
    )
    ports = Ports(
        mind=around.mind,
        outbox=around.outboxes.of(address.id),
        clock=around.clock,
        connect=dialler,
        on_time=around.on_time,
        note=around.note,
        chance=seams.chance,
        new_id=seams.new_uuid,
        authenticated=lambda: dialler.authenticated,
        notices=around.outboxes.notices_of(address.id),
        dials=lambda: keeper.accesses(address.id).present().url,
        leaves_with=leaves_with,
        proven=partial(keeper.registered, address.id),
    )
    return UpstreamTask(address.id, dialect, ports)
