"""The surroundings of `make run`: a folder for the run, a factory file, the plant process, the doors to both."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.control.client import AgentAbsentError, Client
from hal.simulator.client import request

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SOCKET_PATH = 100
READY_S = 20.0

FACTORY = """\
format = 1

[station]
vendor = "Demo"
model = "Two upstreams"
serial_number = "DEMO-0001"

[[bus]]
name = "bus1"
port = "{ports}/bus1"
baud = 19200
parity = "E"

[[connector]]
id = 1
board = "viridian_epc2plus"
bus = "bus1"
maximum_current_a = 16
phases = 3

[connector.meter]
profile = "eastron_sdm72dm_v2"
bus = "bus1"

[[reader]]
name = "reader1"
profile = "pn532_uart"
port = "{ports}/reader1"
connectors = [1]

[management]
url = "{management_url}"
identity = "{identity}"
security = 1
password = "{password}"

[options.management]
MeterValueSampleInterval = 4

[options.primary]
MeterValueSampleInterval = 2

[options.operator]
MeterValueSampleInterval = 3
"""


@dataclass(frozen=True, slots=True)
class Places:
    """Everything of one run lies here and nowhere else."""

    base: Path

    @property
    def factory(self) -> Path:
        return self.base / "factory.toml"

    @property
    def run(self) -> Path:
        return self.base / "run"

    @property
    def log(self) -> Path:
        return self.base / "log"

    @property
    def agent_log(self) -> Path:
        return self.log / "agent.log"

    @property
    def socket(self) -> str:
        return str(self.run / "control.socket")

    def arguments(self) -> list[str]:
        """The options that move the agent here; `--run` and `--boot-id` come from the runner."""
        return ["--factory", str(self.factory), "--settings", f"{self.base}/settings", "--state", f"{self.base}/state"]

    def safe_off(self) -> list[str]:
        """What the runner does after every end of the agent; its words go where the agent's go."""
        script = 'exec "$1" -m hal.safe_off "$3" >>"$2" 2>&1'
        return ["sh", "-c", script, "safe_off", sys.executable, str(self.agent_log)]

    def remove(self) -> None:
        """Forget the run."""
        shutil.rmtree(self.base, ignore_errors=True)


def make_places() -> Places:
    """A fresh folder under `.run` (or the system's, where the path would be too long for a socket)."""
    home = ROOT / ".run"
    home.mkdir(exist_ok=True)
    base = Path(tempfile.mkdtemp(prefix="demo-", dir=home))
    if len(str(base / "run/control.socket")) > LONGEST_SOCKET_PATH:
        base.rmdir()
        base = Path(tempfile.mkdtemp(prefix="stationd-demo-"))
    places = Places(base)
    for folder in ("settings", "state", "run", "log", "ports"):
        (base / folder).mkdir(mode=0o700)
    return places


def free_port(wanted: int) -> int:
    """The wanted port of 127.0.0.1 if it is free, else another."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")


def write_factory(places: Places, management_url: str, identity: str, password: str) -> None:
    """The factory file of the station that is played."""
    ports = places.base / "ports"
    text = FACTORY.format(ports=ports, management_url=management_url, identity=identity, password=password)
    places.factory.write_text(text, encoding="utf-8")


class PlantProcess:
    """The virtual plant, in a process of its own."""

    def __init__(self, places: Places, control: str) -> None:
        self.control = control
        self._places = places
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it says that it is ready. Raises RuntimeError with its words if it is not."""
        with (self._places.log / "plant.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "hal.simulator", "--factory", str(self._places.factory)),
                *("--control", self.control),
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), READY_S)
        if not line.startswith(b"plant ready"):
            words = (self._places.log / "plant.log").read_text(errors="replace")
            raise RuntimeError(f"the plant did not start: {words.strip() or line!r}")

    async def stop(self) -> None:
        """End it; kill it if it does not."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.communicate(), 5)
        except TimeoutError:
            self._process.kill()
            await self._process.communicate()

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Do something to the plant."""
        return await asyncio.to_thread(request, self.control, "POST", path, body)

    async def state(self) -> dict[str, Any]:
        """How the plant is."""
        return await asyncio.to_thread(request, self.control, "GET", "/v1/state")


async def ask_agent(places: Places, command: str, **fields: Any) -> Any:
    """One command of the control socket. Raises AgentAbsentError, CommandRefusedError."""

    def call() -> Any:
        with Client(places.socket, answer_s=5.0) as client:
            return client.call(command, **fields)

    return await asyncio.to_thread(call)


async def status_or_none(places: Places) -> Any | None:
    """The agent's status, or None while it does not run."""
    try:
        return await ask_agent(places, "status")
    except (AgentAbsentError, OSError):
        return None
