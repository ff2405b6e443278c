"""The agent's command line: `stationd --factory FILE ...`. Started by systemd, or by whoever stands for it."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from agent.app import REAL, VERSION, Agent
from agent.host.boot import BootIdError, boot_id
from agent.host.logs import Log, is_under_journald
from agent.host.notify import Notifier, watchdog_interval_s
from agent.runtime.context import WATCHDOG_INTERVAL_S, Context
from agent.runtime.crashes import CrashFile, RunMark, Verdict
from agent.runtime.supervision import EXIT_OK, EXIT_SETTINGS
from agent.settings.files import load
from agent.settings.locations import add_options, from_options
from agent.settings.problems import SettingsError
from agent.settings.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one life of the agent; the exit status."""
    options = parse(arguments)
    log = Log(sys.stderr, prefixes=is_under_journald(os.environ, sys.stderr.fileno()))
    locations = from_options(options)
    try:
        boot = boot_id(options.boot_id)
        for folder in (locations.settings, locations.state, locations.run):
            Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        log("agent.starting", version=VERSION, boot=boot)
        settings = load(locations, boot)
    except (BootIdError, SettingsError, OSError) as error:
        return _unusable(error, log)
    _tell_settings(settings, log)
    crashes = CrashFile(locations.state)
    verdict = _count_start(crashes, boot, options.crash_limit, log)
    if verdict.safe_mode:
        log("agent.safe_mode", crashes=len(verdict.mark.crashes_s))
    notifier = Notifier.from_environment(os.environ)
    interval_s = watchdog_interval_s(os.environ, os.getpid()) or WATCHDOG_INTERVAL_S
    context = Context(locations, boot, settings, log, REAL, notifier, verdict.safe_mode, interval_s)
    try:
        status = asyncio.run(live(context))
    except SettingsError as error:
        status = _unusable(error, log)
    if status in (EXIT_OK, EXIT_SETTINGS):
        _count_end(crashes, verdict.mark, log)
    log("agent.stopped")
    return status


async def live(context: Context) -> int:
    """Make the agent on its loop and let it live."""
    agent = Agent(context)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, agent.stop)
    gc.freeze()  # what start-up made stays: the collector need not look at it again for ten years
    return await agent.run()


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options; ends with a message for one that is unknown."""
    parser = argparse.ArgumentParser(prog="stationd", description="The agent of an EV charging station.")
    parser.add_argument("--version", action="version", version=f"stationd {VERSION}")
    add_options(parser)
    return parser.parse_args(arguments)


def _unusable(error: Exception, log: Log) -> int:
    for line in str(error).splitlines():
        log("settings.problem", problem=line)
    return EXIT_SETTINGS


def _count_start(crashes: CrashFile, boot: str, limit: int, log: Log) -> Verdict:
    try:
        return crashes.start(boot, time.monotonic(), limit)
    except OSError as error:
        log("agent.crash_counter_failed", error=error)
        return Verdict(RunMark(boot, running=True), after_crash=False, safe_mode=False)


def _count_end(crashes: CrashFile, mark: RunMark, log: Log) -> None:
    try:
        crashes.end(mark)
    except OSError as error:
        log("agent.crash_counter_failed", error=error)


def _tell_settings(settings: Settings, log: Log) -> None:
    for problem in settings.problems:
        log("settings.problem", problem=problem)
    log("settings.applied" if settings.applied else "settings.loaded", billing=settings.billing)
    if not settings.usable:
        log("settings.unusable")


if __name__ == "__main__":
    sys.exit(main())
