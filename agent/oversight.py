"""How the agent is watched and asked: the watchdog, the control socket, and what it leaves behind when it fails."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Protocol

from agent.control.server import Abilities
from agent.control.views import Cost
from agent.links.ports import Mind
from agent.links.upstream import UpstreamTask
from agent.runtime import abilities
from agent.runtime.clock import Clock
from agent.runtime.context import Context
from agent.runtime.drain import Drain
from agent.runtime.engine import Engine
from agent.runtime.firmware import Updater
from agent.runtime.operators_desk import OperatorsDesk, World
from agent.runtime.recorder import InputRecorder, write_dump
from agent.runtime.settings_desk import SettingsDesk
from agent.runtime.setup import Start
from agent.runtime.supervision import Supervisor
from agent.runtime.watchdog import Watchdog, Watched
from agent.runtime.writer import Writer
from agent.station.station import Station
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import SettingsStaged, Tick
from hal.api import Hardware


class Whole(Mind, Protocol):
    """The parts of the agent that are looked at here."""

    clock: Clock
    desk: SettingsDesk
    drain: Drain
    engine: Engine
    hardware: Hardware
    recorder: InputRecorder
    start: Start
    station: Station
    supervisor: Supervisor
    updater: Updater
    upstreams: dict[UpstreamId, UpstreamTask]
    writer: Writer


def make_watchdog(context: Context, agent: Whole) -> Watchdog:
    """The watchdog: it is fed while engine and every bus get on."""

    def turns(bus: str) -> int:
        return agent.hardware.progress[bus]

    counters = {f"bus {name}": partial(turns, name) for name in agent.hardware.progress}
    return Watchdog(
        Watched(
            counters={"engine": lambda: agent.engine.progress, **counters},
            poke=lambda: agent.post(Tick()),
            feed=context.notifier.watchdog,
            writer_stalled_s=agent.writer.stalled_for_s,
            on_writer=lambda stalled: context.log("store.stalled" if stalled else "store.recovered", stalled_s=30),
            tell=context.log,
        )
    )


def make_desk(context: Context, agent: Whole) -> SettingsDesk:
    """The one that stages changes of the settings."""

    async def cost() -> Cost:
        running = sum(one.transaction is not None for one in agent.station.overview(agent.clock.now()).connectors)
        return Cost(running, await agent.writer.depth(context.settings.billing))

    return SettingsDesk(
        context.locations,
        context.boot_id,
        context.settings,
        lambda: agent.clock.now().wall_ms,
        context.log,
        cost,
        lambda text: agent.post(SettingsStaged(text)),
    )


def make_operators(context: Context, agent: Whole) -> OperatorsDesk:
    """What management asks about operators."""
    return OperatorsDesk(World(agent.desk, lambda: make_abilities(context, agent).upstreams(), agent.post, context.log))


def make_abilities(context: Context, agent: Whole) -> Abilities:
    """What the control socket can do."""
    problems = (*(str(problem) for problem in context.settings.problems), *agent.start.problems)
    return abilities.make_abilities(
        abilities.Surroundings(
            settings=context.settings,
            problems=problems,
            safe_mode=context.safe_mode,
            clock=agent.clock,
            writer=agent.writer,
            links=agent.upstreams,
            overview=agent.station.overview,
            post=agent.post,
            drain=agent.drain,
            restarts=lambda: agent.supervisor.restarts,
            firmware=agent.updater.view,
            dump_inputs=lambda: asyncio.to_thread(write_dump, context.locations.state, agent.recorder.lines()),
            tell=context.log,
        ),
        agent.desk,
    )


def tell_limits(context: Context, hardware: Hardware) -> None:
    """Log what each connector's hardware is taken to do, and what it cannot do."""
    for connector, capabilities in hardware.capabilities.items():
        for text in capabilities.assumptions:
            context.log("hardware.assumption", connector=connector, text=text)
        for text in capabilities.limitations:
            context.log("hardware.limitation", connector=connector, text=text)


def dump_inputs(context: Context, recorder: InputRecorder) -> None:
    """After a failure: leave the last inputs in the state folder."""
    try:
        context.log("agent.inputs_dumped", file=write_dump(context.locations.state, recorder.lines()))
    except OSError as error:
        context.log("agent.dump_failed", error=error)
