"""Puts the task of one upstream together: dialler, outbox, clock, and the doors back to the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.links.address import Endpoint
from agent.links.dialler import Dialler
from agent.links.ports import Mind, OnTime
from agent.links.upstream import Ports, UpstreamTask
from agent.ocpp.dialect import Dialect
from agent.runtime.clock import Clock
from agent.runtime.context import Context
from agent.runtime.outboxes import Outboxes
from agent.settings.addresses import SYSTEM_TRUST, SecurityProfile, UpstreamAddress
from agent.vocabulary.effects import Note


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every upstream task of one agent shares."""

    context: Context
    mind: Mind
    outboxes: Outboxes
    clock: Clock
    on_time: OnTime
    note: Callable[[Note], None]


def make_upstream(address: UpstreamAddress, dialect: Dialect, around: Surroundings) -> UpstreamTask:
    """The task of one upstream; it dials once it runs."""
    seams = around.context.seams
    password = None if address.security is SecurityProfile.UNSECURED else address.password
    trust = None if address.trust == SYSTEM_TRUST else address.trust
    dialler = Dialler(Endpoint(address.url, address.identity, password, trust), dialect.subprotocol, seams.open_socket)
    ports = Ports(
        mind=around.mind,
        outbox=around.outboxes.of(address.id),
        clock=around.clock,
        connect=dialler,
        on_time=around.on_time,
        note=around.note,
        chance=seams.chance,
        new_id=seams.new_uuid,
        authenticated=dialler.authenticated,
    )
    return UpstreamTask(address.id, dialect, ports)
