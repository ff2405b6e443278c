"""Puts the task of one upstream together: dialler, outbox, clock, and the doors back to the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from agent.credentials.tls import Judgement
from agent.host.clock import RELEASED_MS
from agent.links.dialler import Dialler
from agent.links.ports import Mind, OnTime, Ports
from agent.links.route import Proxy, Route
from agent.links.upstream import UpstreamTask
from agent.ocpp.dialect import Dialect
from agent.runtime.clock import Clock
from agent.runtime.context import Context
from agent.runtime.credentials import Credentials, Keeping
from agent.runtime.outboxes import Outboxes
from agent.settings.addresses import UpstreamAddress
from agent.settings.uplinks import proxy_place
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


def make_credentials(context: Context, station: StationOptions, clock: Clock, mind: Mind) -> Credentials:
    """The keeper of the credentials of all upstreams."""
    seams = context.seams
    keeping = Keeping(
        context.locations.state, station, clock, mind.post, context.log, mind.options, seams.new_uuid, seams.ask_child
    )
    return Credentials(addresses_of(context), keeping)


def route_of(address: UpstreamAddress) -> Route:
    """The way to one upstream, as its settings say."""
    proxy = Proxy(*proxy_place(address.proxy), address.proxy_login) if address.proxy else None
    return Route(address.interface, proxy)


def make_upstream(address: UpstreamAddress, dialect: Dialect, around: Surroundings) -> UpstreamTask:
    """The task of one upstream; it dials once it runs."""
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
    )
    return UpstreamTask(address.id, dialect, ports)
