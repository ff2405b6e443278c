"""Puts together what lets former upstreams go: who of them is still owed something, and a link for each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from agent.credentials.folder import CredentialsFolder
from agent.credentials.moving import settled_url
from agent.links.ports import GOODBYE, Mind
from agent.ocpp.dialect import DIALECTS
from agent.runtime.clock import Clock
from agent.runtime.context import Context
from agent.runtime.retiring import Leave, Leaver, RetiringMind, leaving, options_of
from agent.runtime.setup import Start
from agent.runtime.writer import Writer
from agent.settings import files
from agent.settings.addresses import UpstreamAddress
from agent.settings.known import Known, successions
from agent.store.store import Store
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.records import Snapshot
from agent.vocabulary.standing import Standing
from agent.wiring import Surroundings, make_upstream


class Whole(Mind, Protocol):
    """The parts of the agent that leavers need."""

    clock: Clock
    snapshot: Snapshot
    start: Start
    writer: Writer


def standing_of(context: Context) -> Standing | None:
    """Who is there now; None while nobody can say, or while only management is dialled for safety's sake."""
    settings = context.settings
    if context.safe_mode or not settings.usable:
        return None
    return Standing(
        frozenset(address.id for address in settings.upstreams),
        settings.billing,
        _successions(context),
    )


def departing(context: Context, store: Store, snapshot: Snapshot) -> tuple[UpstreamAddress, ...]:
    """The former upstreams that get a link of their own in this life.

    Not who is dialled anyhow under another id: two sessions with one identity would fight.
    """
    settings = context.settings
    if standing_of(context) is None:
        return ()
    dialled = {old for old, _ in _successions(context)}
    here = [one.address for one in settings.former if not one.forgotten and one.address.id not in dialled]
    owed = leaving((address.id for address in here), store.archive.draining.owed(), snapshot)
    return tuple(address for address in here if address.id in owed)


def _successions(context: Context) -> tuple[tuple[UpstreamId, UpstreamId], ...]:
    """Who is set again, as (old, new): at the place of the settings then, or at that where it had moved by itself."""
    settings = context.settings
    return tuple(
        dict.fromkeys(
            pair
            for one in settings.former
            for place in dict.fromkeys((one, _as_moved(context, one)))
            for pair in successions((place,), settings.upstreams)
        )
    )


def _as_moved(context: Context, one: Known) -> Known:
    held, _ = CredentialsFolder(context.locations.state, one.address.id).load()
    return replace(one, address=replace(one.address, url=settled_url(held, one.address.url)))


async def forget_others(context: Context, departing: Sequence[UpstreamAddress]) -> None:
    """The credentials of former upstreams that need no link go now. A kept task: it waits to be cancelled."""
    staying = {address.id for address in departing}
    for one in context.settings.former if standing_of(context) is not None else ():
        if not one.forgotten and one.address.id not in staying:
            try:
                await asyncio.to_thread(files.forget_credentials, context.locations, one.address.id)
                context.log("upstream.note", upstream=one.address.id, text="is gone: its credentials are forgotten")
            except OSError as error:
                text = f"the credentials of {one.address.id} could not be removed: {error.strerror}"
                context.log("settings.problem", problem=text)
    await asyncio.get_running_loop().create_future()


def make_leavers(
    addresses: Sequence[UpstreamAddress], agent: Whole, surroundings: Surroundings
) -> dict[UpstreamId, Leaver]:
    """A leaver for each; its link dials once it runs."""
    context = surroundings.context
    leave = Leave(
        agent.writer,
        agent.post,
        context.log,
        tuple(connector.id for connector in context.settings.factory.connectors),
        agent.clock.now,
        partial(files.forget_credentials, context.locations),
    )
    leavers = {}
    for address in addresses:
        around = replace(
            surroundings,
            mind=RetiringMind(agent, options_of(address.id, agent.snapshot)),
            on_time=lambda upstream, wall_ms, authenticated: None,  # who is no longer wanted does not set our clock
        )
        dialect = DIALECTS["ocpp1.6"](agent.start.options).retiring()
        task = make_upstream(address, dialect, around, leaves_with=GOODBYE)
        leavers[address.id] = Leaver(address.id, task, leave)
    return leavers
