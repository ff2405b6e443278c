"""One life of the agent in this process, for `StationRig`: started, stopped in order, or gone at any instant.

It is `agent.app.Agent` itself; what is put in through its seams: ports of the plant, a store on a `CrashStore`, the
inline writer, seeded chance, the answers of the child process without a process, a place for files without a network,
and (for cuts between two effects) a fuse before every door of the engine.
"""

from __future__ import annotations

import asyncio
import io
import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agent.app import Agent
from agent.credentials.worker import answer
from agent.host.logs import Log
from agent.host.notify import Notifier
from agent.links.link import OpenSocket
from agent.runtime.context import Context, Seams
from agent.runtime.engine import Doors, Engine
from agent.runtime.inline_writer import Disk, InlineWriter
from agent.settings.locations import Locations
from agent.settings.settings import Settings
from agent.store.store import Store
from agent.vocabulary.inputs import Input
from hal import boards
from hal.api import Hardware, HardwarePlan, Observer
from hal.serial_port import PortFactory
from tests.rig.crash_store import CrashStore
from tests.rig.file_server import FileServer
from tests.rig.firmware_server import FirmwareServer
from tests.rig.fuse import Fuse, Fused

HARDWARE = frozenset(
    {"offer", "lower", "withdraw", "open_contactor", "close_contactor", "drive_lock", "read_meter", "all_off"}
    | {"session_pace", "show", "sign"}
)
"""Deeds of the hardware that are effects."""
OWN_SEAMS = frozenset({"engine", "hardware", "store"})
"""Defects that are no plain field of `Seams`: a class to make, a wrapper, a class of stores."""


@dataclass(frozen=True, slots=True)
class Life:
    """What one life is given."""

    settings: Settings
    store: CrashStore
    ports: PortFactory
    run: Path
    boot_id: str
    chance: random.Random
    fuse: Fuse | None = None
    open_socket: OpenSocket | None = None
    """How upstreams are dialled; None: by TCP, as in the field."""
    defects: Mapping[str, Any] = field(default_factory=dict)
    """Named substitutes by seam of `agent.runtime.context.Seams`: what a test breaks on purpose."""


class AgentInProcess:
    """Make it inside the loop, then `start`; end it with `stop` or `vanish`."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._log = io.StringIO()
        self._running: asyncio.Task[int] | None = None
        self.disk = Disk()
        """What is wrong with the disk; a test changes it while things run."""
        life.run.mkdir(parents=True, exist_ok=True)
        locations = Locations(
            factory=str(life.run / "factory.toml"),
            settings=str(life.run / "settings"),
            state=str(life.store.folder),
            run=str(life.run),
        )
        self.notify_socket = life.run / "notify"
        """Where its life signs go; nobody listens unless a test binds it."""
        self._notifier = Notifier(str(self.notify_socket))
        log = Log(self._log, strict=True)
        self.agent = Agent(Context(locations, life.boot_id, life.settings, log, self._seams(), self._notifier))

    @property
    def log(self) -> str:
        """What it wrote to its log so far."""
        return self._log.getvalue()

    @property
    def status(self) -> int | None:
        """The exit status once it has ended by itself."""
        return self._running.result() if self._running is not None and self._running.done() else None

    def start(self) -> None:
        """Run."""
        self._running = asyncio.get_running_loop().create_task(self.agent.run(), name="agent")
        self._running.add_done_callback(lambda _: self._notifier.close())

    async def stop(self) -> int:
        """Ask it to end as the service manager would; its exit status."""
        assert self._running is not None
        if not self._running.done():
            self.agent.stop()
        return await self._running

    async def ended(self) -> int:
        """Wait until it ends by itself (a reset); its exit status."""
        assert self._running is not None
        return await asyncio.shield(self._running)  # whoever stops waiting does not end the agent

    def freeze(self) -> None:
        """From now on nothing is handled, written or switched; the tasks still have to be ended by `vanish`."""
        self.agent.engine.post = _nothing  # type: ignore[method-assign]
        self.agent.engine.turn = _nothing  # type: ignore[method-assign]
        if isinstance(self.agent.writer, InlineWriter):
            self.agent.writer.cut()

    async def vanish(self) -> None:
        """Gone from one moment to the next, as by SIGKILL or a power cut. Whoever calls cuts its links first."""
        assert self._running is not None
        self.freeze()
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        self.agent.store._database.abandon()

    def stored_transactions(self) -> list[tuple[str, int]]:
        """The transactions in the journal with their connectors."""
        sessions = self.agent.store.sessions(1000)
        return [(str(one.transaction.id), int(one.transaction.where.connector)) for one in sessions]

    @property
    def stalled(self) -> bool:
        """The disk is busy with a commit."""
        return self.agent.writer.stalled_for_s() > 0

    def unfinished(self) -> list[str]:
        """What is still to be ended or delivered, as the store has it."""
        store = self.agent.store
        known = [one.transaction for one in store.sessions(1000)]
        running = [f"transaction {one.id}" for one in known if one.stopped_at is None]
        waiting = [(upstream, store.depth(upstream)) for upstream in self.agent.upstreams]
        return running + [f"{depth} messages for {upstream}" for upstream, depth in waiting if depth]

    def _seams(self) -> Seams:
        life = self._life

        def build_hardware(plan: HardwarePlan, observer: Observer, note: Callable[[str], None]) -> Hardware:
            hardware: Hardware = life.defects.get("hardware", _as_it_is)(boards.build(plan, observer, life.ports, note))
            return hardware

        seams = Seams(
            build_hardware,
            life.open_socket,
            make_store=lambda path, render, report: life.store.store(render, report, life.defects.get("store", Store)),
            make_writer=lambda store, post, ring, crashed: InlineWriter(store, post, ring, None, self.disk),
            engine=self._engine,  # type: ignore[arg-type]
            chance=life.chance.random,
            new_uuid=lambda: str(uuid.UUID(int=life.chance.getrandbits(128), version=4)),
            ntp=lambda: False,
            ask_child=answer,
            upload=FileServer(),
            download=FirmwareServer(),
        )
        return replace(seams, **{name: value for name, value in life.defects.items() if name not in OWN_SEAMS})

    def _engine(self, station: Any, clock: Any, doors: Doors, barrier: Any, grants: Any) -> Engine:
        engine: Callable[..., Engine] = self._life.defects.get("engine", Engine)
        fuse = self._life.fuse
        return engine(station, clock, doors if fuse is None else _fused(doors, fuse), barrier, grants)


class _FusedUpstreams(Mapping[Any, Any]):
    """The upstreams of the engine, which are filled in later, each behind the fuse."""

    def __init__(self, upstreams: Mapping[Any, Any], fuse: Fuse) -> None:
        self._upstreams, self._fuse = upstreams, fuse

    def __getitem__(self, key: Any) -> Any:
        return Fused(self._upstreams[key], self._fuse, ["tell"], str(key))

    def __iter__(self) -> Any:
        return iter(self._upstreams)

    def __len__(self) -> int:
        return len(self._upstreams)


def _fused(doors: Doors, fuse: Fuse) -> Doors:
    return replace(
        doors,
        hardware=Fused(doors.hardware, fuse, HARDWARE, "hardware"),
        restart=Fused(doors, fuse, ["restart"], "system").restart,
        writer=Fused(doors.writer, fuse, ["submit"], "writer"),
        upstreams=_FusedUpstreams(doors.upstreams, fuse),
    )


def reboot_wanted(run: Path) -> bool:
    """The agent asked for a reboot of the system. It happens now: the run directory is empty after it."""
    request = run / "reboot-request"
    wanted = request.exists()
    request.unlink(missing_ok=True)
    return wanted


def _as_it_is(hardware: Hardware) -> Hardware:
    return hardware


def _nothing(given: Input | None = None) -> None:
    """Takes an input and does nothing with it."""
