"""The command of `stationctl` that reboots the system, and what it shows while a reboot waits for deliveries."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from agent.control.client import AgentAbsentError, Client

LOOK_S = 1.0
TOLD_S = 10
"""While nothing changes a line comes so often."""


def add_reboot_command(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add it to a parser by its `add(name, help, show, prepare)`."""
    reboot = add("reboot", "reboot the system; applies a staged change", lambda result: "The station reboots.", _wishes)
    reboot.add_argument("--wait", action="store_true", help="once no transaction runs, instead of stopping it")
    help_text = (
        "wait, ten minutes at the most, until the Billing upstream has everything; Ctrl-C ends the display alone"
    )
    reboot.add_argument("--drain", action="store_true", help=help_text)


def _wishes(options: argparse.Namespace) -> Mapping[str, object]:
    if options.drain:
        options.run = _drained
    return {"wait_for_idle": options.wait, "drain": options.drain}


def _drained(client: Client, options: argparse.Namespace, fields: Mapping[str, object]) -> None:
    client.call("reboot", **fields)
    for line in progress(client.call, time.sleep, options.json):
        print(line, flush=True)


def progress(call: Callable[[str], Any], sleep: Callable[[float], None], as_json: bool = False) -> Iterator[str]:
    """Lines until the agent is gone. `call` is `Client.call`, and raises AgentAbsentError then."""
    last: dict[str, Any] = {}
    since_told = 0
    while True:
        try:
            seen = call("upstreams").get("drain")
        except AgentAbsentError:
            break
        if seen is None:
            yield json.dumps({"drain": None}) if as_json else "The reboot waits no longer: another order came."
            return
        if since_told >= TOLD_S or _shown(seen) != _shown(last):
            yield json.dumps({"drain": seen}) if as_json else _line(seen)
            since_told = 0
        last = seen
        since_told += 1
        sleep(LOOK_S)
    yield json.dumps({"drain": {**last, "ended": True}}) if as_json else _end(last)


def _shown(seen: dict[str, Any]) -> tuple[object, ...]:
    return seen.get("waiting"), seen.get("busy")


def _line(seen: dict[str, Any]) -> str:
    waiting, upstream, left_s = seen.get("waiting"), seen.get("upstream"), int(seen.get("left_s") or 0)
    if seen.get("busy"):
        return f"{waiting} records wait for {upstream}; transactions are still to end, and none begins."
    if not waiting:
        return f"Nothing waits for {upstream} any more; the station reboots."
    return (
        f"{waiting} records wait for {upstream}; the station reboots in {left_s // 60}:{left_s % 60:02} at the latest."
    )


def _end(last: dict[str, Any]) -> str:
    if not last.get("waiting"):
        return "The station reboots. Everything is delivered."
    return (
        f"The station reboots. {last['waiting']} records were left for {last.get('upstream')}: they follow after the "
        "reboot. If it is removed by then, its link stays for nothing else for three days of running time; what is "
        f"left even then is kept for ninety days: stationctl export {last.get('upstream')}"
    )
