"""`python -m hal.simulator.client`: plug, unplug, card, fault, pause, resume, meter, key, bus, power, state, watch.

Talks to the control interface of a running plant (`--control`, or the variable PLANT_CONTROL) and prints one line.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from hal.simulator.physics.outlet import Condition

DEFAULT_CONTROL = "127.0.0.1:9700"
TIMEOUT_S = 5.0
Document = dict[str, Any]
Call = tuple[str, str, Document]


class PlantError(Exception):
    """The plant refused, or is not there: a text for people."""


def request(control: str, method: str, path: str, body: Document | None = None) -> Document:
    """One call to a plant. Raises PlantError."""
    host, _, port = control.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT_S)
    try:
        connection.request(method, path, json.dumps(body or {}) if method == "POST" else None)
        response = connection.getresponse()
        document: Document = json.loads(response.read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise PlantError(f"no plant at {control} ({error}); start one: python -m hal.simulator") from None
    finally:
        connection.close()
    if response.status != 200:
        raise PlantError(f"{document.get('error')}: {document.get('fix')}")
    return document


def parser() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser(prog="plant", description="Do something to the virtual plant.")
    options.add_argument("--control", default=os.environ.get("PLANT_CONTROL", DEFAULT_CONTROL), metavar="HOST:PORT")
    verbs = options.add_subparsers(dest="verb", required=True)
    _add_car_verbs(verbs)
    _add_fault_verbs(verbs)
    verbs.add_parser("state", help="print everything as JSON")
    watch = verbs.add_parser("watch", help="live view")
    watch.add_argument("--period", type=float, default=0.5, metavar="S")
    return options


def _add_car_verbs(verbs: Any) -> None:
    plug = verbs.add_parser("plug", help="a car arrives")
    plug.add_argument("connector", type=int, nargs="?", default=1)
    for name, kind, text in (
        ("amps", float, "at most, on each phase"),
        ("phases", int, "1 to 3"),
        ("soc", float, "percent"),
        ("timer-s", float, "the car's own timer"),
        ("diode-fault-after-s", float, "seconds"),
        ("wanted-wh", float, "then it stops asking"),
    ):
        plug.add_argument(f"--{name}", type=kind, help=text)
    plug.add_argument("--stubborn", action="store_true", default=None, help="goes on drawing when the pilot goes off")
    for verb, text in (("unplug", "the car goes"), ("pause", "it stops asking"), ("resume", "it asks again")):
        verbs.add_parser(verb, help=text).add_argument("connector", type=int, nargs="?", default=1)
    card = verbs.add_parser("card", help="hold a card to a reader")
    card.add_argument("id_token", help="UID in hex")
    card.add_argument("--reader", help="name; the first one by default")


def _add_fault_verbs(verbs: Any) -> None:
    fault = verbs.add_parser("fault", help="break something, or mend it")
    fault.add_argument("error", choices=[*Condition])
    fault.add_argument("--connector", type=int, default=1)
    fault.add_argument("--clear", action="store_true", help="mend it")
    meter = verbs.add_parser("meter", help="set the register of a meter")
    meter.add_argument("energy_wh", type=float)
    meter.add_argument("--connector", type=int, default=1)
    key = verbs.add_parser("key", help="turn the key switch")
    key.add_argument("on", choices=["on", "off"])
    key.add_argument("--connector", type=int, default=1)
    bus = verbs.add_parser("bus", help="what is wrong with a line")
    bus.add_argument("name")
    bus.add_argument("--online", action=argparse.BooleanOptionalAction)
    for name in ("crc-error-rate", "delay-ms", "foreign-frames"):
        bus.add_argument(f"--{name}", type=float)
    house = verbs.add_parser("house", help="what the house draws besides, in A on each phase; below 0 it feeds in")
    for phase in ("l1", "l2", "l3"):
        house.add_argument(f"--{phase}", type=float)
    power = verbs.add_parser("power", help="the supply of the whole station")
    power.add_argument("on", choices=["on", "off"])


def _given(options: argparse.Namespace, *names: str) -> Document:
    """Those options that were given, as fields of a body."""
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


PLUG_FIELDS = ("amps", "phases", "soc", "timer_s", "diode_fault_after_s", "wanted_wh", "stubborn")
BUS_FIELDS = ("online", "crc_error_rate", "delay_ms", "foreign_frames")

CALLS: dict[str, Callable[[argparse.Namespace], Call]] = {
    "plug": lambda o: ("POST", f"/v1/connectors/{o.connector}/plug_in", _given(o, *PLUG_FIELDS)),
    "unplug": lambda o: ("POST", f"/v1/connectors/{o.connector}/plug_out", {}),
    "pause": lambda o: ("POST", f"/v1/connectors/{o.connector}/pause", {}),
    "resume": lambda o: ("POST", f"/v1/connectors/{o.connector}/resume", {}),
    "card": lambda o: ("POST", "/v1/cards", _given(o, "id_token", "reader")),
    "fault": lambda o: ("POST", f"/v1/connectors/{o.connector}/error", {"error": o.error, "active": not o.clear}),
    "meter": lambda o: ("POST", f"/v1/connectors/{o.connector}/meter", {"energy_wh": o.energy_wh}),
    "key": lambda o: ("POST", f"/v1/connectors/{o.connector}/key", {"on": o.on == "on"}),
    "bus": lambda o: (
        "POST",
        f"/v1/buses/{o.name}",
        _given(o, *BUS_FIELDS),
    ),
    "power": lambda o: ("POST", "/v1/power", {"on": o.on == "on"}),
    "house": lambda o: ("POST", "/v1/house", _given(o, "l1", "l2", "l3")),
    "state": lambda o: ("GET", "/v1/state", {}),
}
"""What each verb asks of the plant."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    options = parser().parse_args(arguments)
    try:
        if options.verb == "watch":
            from hal.simulator.watch import watch

            watch(lambda: request(options.control, "GET", "/v1/state"), options.period)
            return 0
        document = request(options.control, *CALLS[options.verb](options))
        print(json.dumps(document, indent=2 if options.verb == "state" else None))
    except PlantError as error:
        print(f"plant: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
