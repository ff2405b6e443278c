"""`python -m hal.simulator`: the virtual plant as a process of its own.

Lines are pseudo-terminals, linked at the `port` paths of the factory file and by name in the folder `--ports`. One line
on standard output says when it is ready and where. SIGTERM and SIGINT end it with status 0 and take the links away.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hal.simulator import settings as plant_settings
from hal.simulator.control import Control
from hal.simulator.devices.catalogue import BOARDS, METERS, READERS
from hal.simulator.devices.phoenix import StatusFunction
from hal.simulator.http import HttpServer
from hal.simulator.plant import Plant
from hal.simulator.settings import PlantSettings, PlantSettingsError, default_settings, from_factory
from hal.simulator.wire.ptys import PseudoTerminal

DEFAULT_CONTROL = "127.0.0.1:9700"


def address(text: str) -> tuple[str, int]:
    """HOST:PORT from a command line; port 0 takes a free one."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no address; write HOST:PORT such as {DEFAULT_CONTROL}")
    return host.strip("[]") or "127.0.0.1", int(port)


def positive(text: str) -> float:
    """A number above 0 from a command line."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no time scale; use a number above 0 such as 60")
    return value


def parser() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser(prog="python -m hal.simulator", description="A station's hardware, virtual.")
    add = options.add_argument
    add("--factory", type=Path, metavar="FILE", help="factory file of the station to be (TOML)")
    add("--control", type=address, default=DEFAULT_CONTROL, metavar="HOST:PORT", help=f"default {DEFAULT_CONTROL}")
    add("--ports", type=Path, metavar="DIR", help="folder in which the lines are linked by name")
    add("--time-scale", type=positive, default=1.0, metavar="X", help="plant seconds in a second (default 1)")
    add("--phoenix-status", choices=[*StatusFunction], default="both", help="how 24000 and up can be read")
    add("--seed", type=int, default=1, help="of injected bus faults")
    alone = options.add_argument_group("without --factory")
    alone.add_argument("--connectors", type=int, default=1, metavar="N", help="how many (default 1)")
    alone.add_argument("--captive-cable", action="store_true", help="a captive cable, no lock")
    alone.add_argument("--board", choices=sorted(BOARDS), default=plant_settings.DEFAULT_BOARD)
    alone.add_argument("--meter", choices=sorted(METERS), default=plant_settings.DEFAULT_METER)
    alone.add_argument("--reader", choices=sorted(READERS), default=plant_settings.DEFAULT_READER)
    return options


def read_settings(options: argparse.Namespace) -> PlantSettings:
    """The plant that the command line asks for. Raises PlantSettingsError, OSError, TOMLDecodeError."""
    if options.factory is not None:
        settings = from_factory(options.factory.read_text(encoding="utf-8"))
    else:
        settings = default_settings(
            options.connectors, options.board, options.meter, options.reader, captive_cable=options.captive_cable
        )
    return replace(settings, time_scale=options.time_scale, phoenix_status_function=options.phoenix_status)


def open_lines(plant: Plant, folder: Path | None) -> dict[str, PseudoTerminal]:
    """A pseudo-terminal for each line, linked where it was asked for. Raises PlantSettingsError."""
    named = {bus.name: bus.port for bus in plant.settings.buses} | {r.name: r.port for r in plant.settings.readers}
    terminals = {}
    for name, line in (plant.buses | plant.readers).items():
        terminal = terminals[name] = PseudoTerminal(line)
        paths = [Path(named[name])] if named[name] else []
        paths += [folder / name] if folder is not None else []
        for path in dict.fromkeys(paths):
            try:
                terminal.link(path)
            except OSError as error:
                raise PlantSettingsError("port", str(path), f"it cannot be linked ({error.strerror})") from None
    return terminals


async def serve(options: argparse.Namespace) -> None:
    """Be a plant until a signal ends it."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    plant = Plant(read_settings(options), rng=random.Random(options.seed))
    folder = options.ports
    if folder is None and options.factory is None:
        folder = Path(tempfile.gettempdir()) / "stationd-plant"
    terminals: dict[str, PseudoTerminal] = {}
    host, port = options.control
    try:
        terminals = open_lines(plant, folder)
        async with HttpServer(Control(plant).handle, host, port) as server:
            print(ready_line(f"{host}:{server.port}", plant, folder, terminals), flush=True)
            await until_stopped(plant, stop)
    finally:
        for terminal in terminals.values():
            terminal.close()


async def until_stopped(plant: Plant, stop: asyncio.Event) -> None:
    """Run the plant; a bug in it ends the process."""
    running = asyncio.ensure_future(plant.run())
    stopping = asyncio.ensure_future(stop.wait())
    done, _ = await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    for task in (running, stopping):
        task.cancel()
    await asyncio.gather(running, stopping, return_exceptions=True)
    if running in done:
        running.result()


def ready_line(control: str, plant: Plant, folder: Path | None, terminals: dict[str, PseudoTerminal]) -> str:
    """What is printed once everything listens."""
    named = {bus.name: bus.port for bus in plant.settings.buses} | {r.name: r.port for r in plant.settings.readers}
    lines = [
        f"{name}={named[name] or (folder / name if folder is not None else terminal.path)}"
        for name, terminal in terminals.items()
    ]
    return f"plant ready: control http://{control} " + " ".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    options = parser().parse_args(arguments)
    try:
        asyncio.run(serve(options))
    except (PlantSettingsError, tomllib.TOMLDecodeError, OSError) as error:
        print(f"plant: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
