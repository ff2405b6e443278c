"""The acts that scenarios are told in: a station on virtual time, a session begun, a session ended.

A scenario reads like the flows of `ARCHITECTURE.md`: what people and backends do, and what the outside then sees. Every
one ends with the oracle (`play` asks it), unless it says what the oracle has to know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.rig.backend import ScriptedBackend
from tests.rig.driver import CARD
from tests.rig.rig_options import RigOptions
from tests.rig.station_rig import StationRig
from tests.rig.virtual_time import run_virtual

EPC, PHOENIX = "viridian_epc2plus", "phoenix_ev_cc_basic"
BOARDS = (EPC, PHOENIX)
OTHER_CARD = "04FFEEDDCCBBAA"
REAL_LIMIT_S = 50.0
SAME_CARD_S = 4.5
"""A card that is shown again sooner is still the same presentation."""

Story = Callable[[StationRig], Awaitable[None]]


def play(folder: Path, story: Story, options: RigOptions | None = None, **oracle: Any) -> StationRig:
    """Play a story on a station that all backends know, then ask the oracle; `oracle` as the fields of `World`."""

    async def main() -> StationRig:
        async with StationRig(folder, options) as rig:
            await rig.ready()
            await story(rig)
            rig.check(**oracle)
            return rig

    return run_virtual(main(), real_limit_s=REAL_LIMIT_S)


async def begin(rig: StationRig, connector: int = 1, card: str = CARD, **car: Any) -> None:
    """A car is plugged, a card is shown, the car charges."""
    rig.plug(connector, **car)
    await rig.until_status("Preparing", connector)
    rig.card(card)
    await rig.until_status("Charging", connector)


async def end(rig: StationRig, connector: int = 1, card: str = CARD, sessions: int = 1) -> None:
    """The same card stops, everything is delivered, the car leaves."""
    await wait(SAME_CARD_S)
    rig.card(card)
    await rig.until_delivered(sessions)
    await leave(rig, connector)


async def leave(rig: StationRig, connector: int = 1) -> None:
    """The car goes; the connector is free again."""
    rig.unplug(connector)
    await rig.until_status("Available", connector)


async def back(rig: StationRig, restart: Awaitable[Any]) -> None:
    """The agent is gone and starts again; until every backend has been told of the boot and of every connector."""

    def told() -> list[int]:
        return [min(len(b.ledger.calls("BootNotification")), len(b.ledger.statuses(0))) for b in rig.backends]

    before = told()
    await restart
    await rig.until(lambda: all(a > b for a, b in zip(told(), before, strict=True)), within_s=60, what="boot told")
    await wait(1)


async def wait(seconds: float) -> None:
    """Time passes."""
    await asyncio.sleep(seconds)


def statuses(backend: ScriptedBackend, connector: int = 1, since: int = 0) -> list[str]:
    """The statuses that a backend was told of a connector, from the `since`-th on."""
    return [status.status for status in backend.ledger.statuses(connector)][since:]


def reasons(rig: StationRig) -> list[list[str]]:
    """The reasons of the stops at each backend."""
    return [[stop.reason for stop in backend.ledger.stops()] for backend in rig.backends]


def logged(rig: StationRig, *words: str) -> list[str]:
    """The log lines of the present life that hold all of these words."""
    return [line for line in rig.agent.log.splitlines() if all(word in line for word in words)]


def happened(rig: StationRig, kind: str, value: Any, connector: int = 1, since_s: float = 0.0) -> list[float]:
    """Plant times at which something of a kind became this value."""
    rig.plant.sync()
    events = rig.plant.history.of(connector, kind)
    return [event.time_s for event in events if event.value == value and event.time_s >= since_s]


def plant_s(rig: StationRig) -> float:
    """The present, in plant time."""
    rig.plant.sync()
    return rig.plant.time_s
