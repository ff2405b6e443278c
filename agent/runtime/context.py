"""What one life of the agent is given: places, settings, and the seams where a test or a bench may reach in."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from agent.credentials.child import ask
from agent.credentials.requests import Answer, Request
from agent.host.clock import is_ntp_synchronised
from agent.host.connections import Cut
from agent.host.download import download
from agent.host.download_order import DownloadOrder
from agent.host.logs import Log
from agent.host.notify import Notifier
from agent.host.update import Installer
from agent.host.update_files import FileInstaller, UpdateWorld
from agent.host.upload import upload
from agent.host.upload_order import Order
from agent.links.link import OpenSocket
from agent.runtime.barrier import Barrier, GrantBook
from agent.runtime.engine import Engine
from agent.runtime.writer import ThreadWriter, Writer
from agent.settings.locations import Locations
from agent.settings.settings import Settings
from agent.store.database import Database
from agent.store.frames import Render
from agent.store.store import Store
from hal.api import Hardware, HardwarePlan, Observer

WATCHDOG_INTERVAL_S = 10.0


def new_uuid() -> str:
    """A random UUIDv4 as text."""
    return str(uuid.uuid4())


def make_store(path: Path, render: Render, report: Callable[[str], None]) -> Store:
    """The store of the running agent."""
    return Store(Database(path), render, report)


@dataclass(frozen=True, slots=True)
class Seams:
    """What a test or a bench puts in the place of the real thing; the defaults are the real thing."""

    build_hardware: Callable[[HardwarePlan, Observer, Callable[[str], None]], Hardware]
    open_socket: OpenSocket | None = None
    make_store: Callable[[Path, Render, Callable[[str], None]], Store] = make_store
    make_writer: Callable[..., Writer] = ThreadWriter
    barrier: Callable[[], Barrier] = Barrier
    grants: Callable[[], GrantBook] = GrantBook
    engine: type[Engine] = Engine
    chance: Callable[[], float] = random.random
    new_uuid: Callable[[], str] = new_uuid
    ntp: Callable[[], bool] = is_ntp_synchronised
    ask_child: Callable[[Request], Answer] = ask
    """The child process that knows cryptography."""
    upload: Callable[[Order, Cut], None] = upload
    """Brings a file to its place."""
    download: Callable[[DownloadOrder, Cut], None] = download
    """Brings a file here."""
    make_installer: Callable[[Path, UpdateWorld], Installer] = FileInstaller
    """Installs firmware; a station with an update system of its own has another one."""


@dataclass(frozen=True, slots=True)
class Context:
    """Everything the agent is told at its start."""

    locations: Locations
    boot_id: str
    settings: Settings
    log: Log
    seams: Seams
    notifier: Notifier = field(default_factory=Notifier)
    safe_mode: bool = False
    watchdog_interval_s: float = WATCHDOG_INTERVAL_S
