"""Try one device on a bench: `python -m hal.bringup --profile viridian_epc2plus --port /dev/ttyUSB0 [action]`.

Prints what the profile assumes and lacks, probes the device, then does one thing:

    read              every register, decoded, with its unit (the default)
    offer AMPERES     offer a current for --hold seconds, show the pilot, withdraw
    off               withdraw whatever is offered
    lock | unlock     drive the lock and wait for its confirmation
    light PATTERN     show a pattern
    card              wait for cards until --hold seconds are over (readers only)
    try               ask for one of these after another

The agent must not run meanwhile: a serial line has one owner.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from hal.api import CardSeen, FaultSeen, ReaderPlan, Reading
from hal.bench_device import BenchDevice
from hal.bus import Bus
from hal.drivers.card_reader import CardReader
from hal.profile import BoardProfile, Profile, ReaderProfile
from hal.profile_reader import find, shipped_ids
from hal.serial_port import PortFactory, SerialSettings, open_tty
from hal.toml_table import ProfileError

ACTIONS = ("read", "offer", "off", "lock", "unlock", "light", "card", "try")
Print = Callable[[str], None]


def main(arguments: Sequence[str], ports: PortFactory = open_tty, tell: Print = print) -> int:
    """The command line. Exit status 0: it worked; 1: the device did not answer as it should; 2: usage."""
    options = _parser().parse_args(arguments)
    try:
        profile = find(options.profile, options.profiles or ())
    except ProfileError as error:
        tell(str(error))
        return 2
    introduce(profile, tell)
    try:
        return asyncio.run(_until_stopped(try_device(profile, options, ports, tell)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        tell("stopped")
        return 1


async def _until_stopped(doing: Coroutine[Any, Any, int]) -> int:
    """A terminal that is closed ends it as Ctrl-C does: what was offered is withdrawn first."""
    task = asyncio.ensure_future(doing)
    for ended_by in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(ended_by, task.cancel)
    return await task


def introduce(profile: Profile, tell: Print) -> None:
    """What the profile is, assumes and lacks."""
    tell(f"{profile.title} ({profile.id})")
    for source in profile.sources:
        tell(f"  source:      {source}")
    for assumption in profile.printed_assumptions:
        tell(f"  ASSUMPTION   {assumption}")
    for limitation in profile.limitations:
        tell(f"  limitation:  {limitation}")


async def try_device(profile: Profile, options: argparse.Namespace, ports: PortFactory, tell: Print) -> int:
    """Open the line and do what was asked. Returns the exit status."""
    settings = replace(
        profile.serial,
        baud=options.baud or profile.serial.baud,
        parity=options.parity or profile.serial.parity,
        stop_bits=options.stop_bits or profile.serial.stop_bits,
    )
    if isinstance(profile, ReaderProfile):
        return await _cards(profile, options, settings, ports, tell)
    bus = Bus("bench", options.port, settings, ports, tell)
    device = BenchDevice(profile, bus, options.unit or profile.unit, tell)
    task = asyncio.create_task(bus.run())
    try:
        if not await device.probe():
            _ways_out(options, settings, options.unit or profile.unit, tell)
            return 1
        return 0 if await _act(device, profile, options, tell) else 1
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _act(device: BenchDevice, profile: Profile, options: argparse.Namespace, tell: Print) -> bool:
    if options.action == "try":
        return await _ask_for_actions(device, profile, options, tell)
    return await _one(device, profile, options.action, options.value, options.hold, tell)


async def _one(
    device: BenchDevice, profile: Profile, action: str, value: str | None, hold_s: float, tell: Print
) -> bool:
    if action == "read":
        return await device.show_all()
    if not isinstance(profile, BoardProfile):
        tell(f"{action}: {profile.id} is not a board; it can only be read")
        return False
    if action == "offer":
        return await device.offer(_amperes(value), hold_s)
    if action in ("lock", "unlock"):
        return await device.lock(action == "lock")
    if action == "light":
        return await device.light(value or "")
    if action == "off":
        return await device.off()
    tell(f"{action}: not for a board")
    return False


async def _ask_for_actions(device: BenchDevice, profile: Profile, options: argparse.Namespace, tell: Print) -> bool:
    """Ask on the terminal until an empty line. Reading the keyboard waits in a thread; the bus goes on."""
    well = True
    while True:
        line = await asyncio.to_thread(_prompt)
        if not line:
            return well
        action, _, value = line.partition(" ")
        if action in ACTIONS and action != "try":
            well = await _one(device, profile, action, value.strip() or None, options.hold, tell) and well
        else:
            tell(f"one of: {', '.join(ACTIONS[:-1])}; an empty line ends")


def _prompt() -> str:
    try:
        return input("read | offer AMPERES | off | lock | unlock | light PATTERN > ").strip()
    except EOFError:
        return ""


def _amperes(value: str | None) -> float:
    try:
        return float(value or "")
    except ValueError:
        return 0.0


async def _cards(
    profile: ReaderProfile, options: argparse.Namespace, settings: SerialSettings, ports: PortFactory, tell: Print
) -> int:
    seen: list[Reading] = []

    def observe(reading: Reading) -> None:
        seen.append(reading)
        if isinstance(reading, CardSeen):
            tell(f"card: {reading.uid}  ({len(reading.uid) // 2} bytes)")
        elif isinstance(reading, FaultSeen):
            tell(f"reader {'does not answer: ' + reading.detail if reading.active else 'answers'}")

    plan = ReaderPlan("bench", profile.id, options.port, (1,), settings.baud)
    tell(f"show a card to the reader on {options.port}; waiting {options.hold:g} s")
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(options.hold):
            await CardReader(plan, profile, ports, observe, tell).run()
    if any(isinstance(one, CardSeen) for one in seen):
        return 0
    if not any(isinstance(one, FaultSeen) for one in seen):
        tell("no card was seen")
        return 1
    _ways_out(options, settings, None, tell)
    return 1


def _ways_out(options: argparse.Namespace, settings: SerialSettings, unit: int | None, tell: Print) -> None:
    """What to look at, most frequent first."""
    line = f"{settings.baud} baud, 8{settings.parity}{settings.stop_bits}"
    who = f" as unit {unit}" if unit is not None else ""
    tell(f"\nNothing answered rightly on {options.port} at {line}{who}. Look at these, one after another:")
    tell("  - does something else own the line?   systemctl stop stationd")
    tell(f"  - is {options.port} the right port?   ls -l /dev/serial/by-id/")
    tell("  - are A and B swapped, is there power, is the end of the line terminated with 120 Ohm?")
    tell("  - is the device set to another speed or framing?   --baud 9600 --parity N --stop-bits 1")
    if unit is not None:
        tell("  - is it set to another address?   --unit 1")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hal.bringup",
        description=(__doc__ or "").split("\n\n", 1)[1],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"profiles: {', '.join(shipped_ids())}",
    )
    parser.add_argument("--profile", required=True, help="id of a profile")
    parser.add_argument("--port", required=True, help="serial port, such as /dev/ttyUSB0")
    parser.add_argument("--unit", type=int, help="Modbus address; default as in the profile")
    parser.add_argument("--baud", type=int, help="default as in the profile")
    parser.add_argument("--parity", choices=("N", "E", "O"), help="default as in the profile")
    parser.add_argument("--stop-bits", type=int, choices=(1, 2), help="default as in the profile")
    parser.add_argument("--profiles", action="append", metavar="FOLDER", help="look for profiles here first")
    parser.add_argument("--hold", type=float, default=10.0, metavar="SECONDS", help="for offer and card; default 10")
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="read")
    parser.add_argument("value", nargs="?", help="amperes or a pattern")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
