"""Puts the updater together: the installer, the roots of the manufacturer, and the doors back to the engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from agent.credentials.folder import MANUFACTURER, CredentialsFolder
from agent.host.clock import RELEASED_MS
from agent.host.update import Installer
from agent.host.update_files import UpdateWorld
from agent.links.ports import Mind
from agent.runtime.clock import Clock
from agent.runtime.context import Context
from agent.runtime.credentials import Credentials
from agent.runtime.firmware import Updater
from agent.runtime.firmware_world import FOLDER, World
from agent.station.station import Station
from agent.vocabulary.ids import UpstreamId
from agent.vocabulary.inputs import Registration
from agent.wiring import files_tls

SLOTS: Final = "slots"


class Whole(Mind, Protocol):
    """The parts of the agent that an update needs."""

    clock: Clock
    station: Station
    installer: Installer


def make_installer(context: Context, version: str, wall_ms: Callable[[], int | None]) -> Installer:
    """What installs images here; while nothing is installed, `version` runs. `wall_ms` is asked when an image comes."""
    facts, seams = context.settings.factory.station, context.seams
    world = UpdateWorld(
        facts.model,
        facts.firmware_version or version,
        context.boot_id,
        seams.ask_child,
        lambda: manufacturers_roots(context),
        lambda: _times_ms(wall_ms()),
    )
    installer = seams.make_installer(Path(context.locations.state) / FOLDER / SLOTS, world)
    if installer.problem:
        context.log("firmware.problem", problem=installer.problem)
    return installer


def make_updater(context: Context, agent: Whole, keeper: Credentials) -> Updater:
    """The updates of the firmware. A server of files is judged as that of the backend that names it."""

    def accepted() -> frozenset[UpstreamId]:
        seen = agent.station.overview(agent.clock.now()).upstreams
        return frozenset(u.id for u in seen if u.connected and u.registration is Registration.ACCEPTED)

    def wall_ms() -> int | None:
        return agent.clock.now().wall_ms

    return Updater(
        World(
            agent.post,
            context.log,
            Path(context.locations.state),
            wall_ms,
            lambda: _times_ms(wall_ms()),
            context.seams.new_uuid,
            agent.installer,
            context.seams.ask_child,
            lambda: manufacturers_roots(context),
            context.settings.factory.transfers,
            files_tls(keeper),
            accepted,
            frozenset(address.id for address in context.settings.upstreams),
            context.safe_mode,
            context.seams.download,
        )
    )


def manufacturers_roots(context: Context) -> tuple[str, ...]:
    """Files of the roots that firmware is checked against, as they are installed now."""
    folder = CredentialsFolder(context.locations.state, MANUFACTURER)
    return tuple(str(folder.root(root.name)) for root in folder.load()[0].roots)


def _times_ms(wall_ms: int | None) -> tuple[int, int | None]:
    """Earliest and latest time that it can be (see `agent.credentials.requests`)."""
    return max(RELEASED_MS, wall_ms or 0), wall_ms
