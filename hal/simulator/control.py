"""The control interface of the plant: HTTP/JSON on 127.0.0.1:9700 (`--control HOST:PORT`), answered at once.

GET  /v1/health                         {"status": "ok", "time_s"}
GET  /v1/state                          {"time_s", "connectors": [{"id", "car": {"plugged", "state", "current_a": [..],
                                        "soc", "energy_wh"}, "pilot": {"state", "duty_percent"}, "offered_a",
                                        "contactor": {"closed"}, "lock": {"locked"}, "meter": {"energy_wh", "power_w"},
                                        "light", "key", "errors": [..]}],
                                        "buses": [{"name", "online", ...}], "readers": [..]}
GET  /v1/history?since=SECONDS          {"events": [{"time_s", "connector", "kind", "value"}]}
POST /v1/connectors/{id}/plug_in        {amps 16, phases 3, soc 50, timer_s 0, diode_fault_after_s null; further:
                                        wanted_wh, capacity_wh, cable_a, ventilation, stubborn}
POST /v1/connectors/{id}/plug_out       {}; nothing to do without a car
POST /v1/connectors/{id}/pause, /resume {}; the car stops asking for energy, or asks again
POST /v1/connectors/{id}/error          {error, active true}; error is one of `Condition`
POST /v1/connectors/{id}/meter          {energy_wh}
POST /v1/connectors/{id}/key            {on true}; the key switch
POST /v1/cards                          {id_token, reader (the first one)}
POST /v1/buses/{name}                   {online, crc_error_rate, delay_ms, foreign_frames}; what is absent stays
POST /v1/power                          {on}; the supply of the whole station
POST /v1/house                          {l1, l2, l3}; what the house draws besides, behind the main fuse; below 0 it
                                        feeds in; what is absent stays

Units: seconds, ampere on each phase, percent, Wh, W. A POST answers 200 with what it acted on. What is wrong is
answered with 404 (no such path, connector, bus or reader), 405, 400 (a field), or 409 (makes no sense now), and
{"error": text, "field", "value", "fix"}.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from hal.simulator.devices.reader import UnknownToken
from hal.simulator.physics.car import CarOptions
from hal.simulator.physics.outlet import Condition, Conflict, Outlet
from hal.simulator.plant import Plant
from hal.simulator.requests import BadRequest, Body
from hal.simulator.wire.bus import BusFaults

Document = dict[str, Any]
LONGEST_S = 1e7
LARGEST_WH = 1e9
LARGEST_FRAMES = 1e6
LARGEST_A = 1000.0
KNOWN_PATHS = (
    "GET /v1/health, /v1/state, /v1/history; POST /v1/connectors/1/plug_in, /plug_out, /pause, /resume, /error, "
    "/meter, /key, /v1/cards, /v1/buses/NAME, /v1/power, /v1/house"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON document."""

    status: int
    document: Document

    def body(self) -> bytes:
        """The document as it goes out."""
        return json.dumps(self.document).encode() + b"\n"


class Control:
    """Turns requests into acts on a plant. Knows nothing of sockets."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._acts: dict[str, Callable[[Outlet, Body], None]] = {
            "plug_in": _plug_in,
            "plug_out": lambda outlet, body: outlet.plug_out(),
            "pause": lambda outlet, body: outlet.pause(True),
            "resume": lambda outlet, body: outlet.pause(False),
            "error": self._error,
            "meter": _meter,
            "key": lambda outlet, body: outlet.key.turn(body.flag("on", True)),
        }

    def handle(self, method: str, target: str, body: bytes = b"") -> Answer:
        """Do what a request asks. Never raises for a bad one."""
        parts = urlsplit(target)
        path = [unquote(part) for part in parts.path.strip("/").split("/")]
        try:
            return Answer(200, self._route(method, path, parts.query, body))
        except BadRequest as error:
            return Answer(error.status, error.document())

    def _route(self, method: str, path: Sequence[str], query: str, text: bytes) -> Document:
        allowed, act = self._find(path, query, text)
        if method != allowed:
            raise BadRequest("method", method, f"use {allowed}", status=405)
        return act()

    def _find(self, path: Sequence[str], query: str, text: bytes) -> tuple[str, Callable[[], Document]]:
        match path:
            case ["v1", "health"]:
                return "GET", self._health
            case ["v1", "state"]:
                return "GET", self._plant.state
            case ["v1", "history"]:
                return "GET", lambda: self._history(query)
            case ["v1", "connectors", connector, act] if act in self._acts:
                return "POST", lambda: self._connector(connector, act, Body(text))
            case ["v1", "cards"]:
                return "POST", lambda: self._card(Body(text))
            case ["v1", "buses", name]:
                return "POST", lambda: self._bus(name, Body(text))
            case ["v1", "power"]:
                return "POST", lambda: self._power(Body(text))
            case ["v1", "house"]:
                return "POST", lambda: self._house(Body(text))
        raise BadRequest("path", "/" + "/".join(path), KNOWN_PATHS, status=404, message="there is no such path")

    def _health(self) -> Document:
        self._plant.sync()
        return {"status": "ok", "time_s": round(self._plant.time_s, 3)}

    def _history(self, query: str) -> Document:
        since = parse_qs(query).get("since", ["0"])[0]
        try:
            since_s = float(since)
        except ValueError:
            raise BadRequest("since", since, "use plant seconds") from None
        self._plant.sync()
        events = [event for event in self._plant.history if event.time_s >= since_s]
        return {"events": [_event(e.time_s, e.connector, e.kind, e.value) for e in events]}

    def _connector(self, connector: str, act: str, body: Body) -> Document:
        ids = list(self._plant.outlets)
        if not connector.isdecimal() or int(connector) not in ids:
            raise BadRequest("connector", connector, f"use one of: {', '.join(map(str, ids))}", status=404)
        outlet = self._plant.connector(int(connector))
        try:
            self._acts[act](outlet, body)
        except Conflict as error:
            raise BadRequest("connector", outlet.id, error.remedy, status=409, message=str(error)) from None
        states: list[Document] = self._plant.state()["connectors"]
        return next(state for state in states if state["id"] == outlet.id)

    def _error(self, outlet: Outlet, body: Body) -> None:
        name = body.text("error")
        try:
            condition = Condition(name)
        except ValueError:
            raise BadRequest("error", name, f"use one of: {', '.join(Condition)}") from None
        self._plant.set_condition(outlet.id, condition, body.flag("active", True))

    def _card(self, body: Body) -> Document:
        token, readers = body.text("id_token"), self._plant.readers
        if not readers:
            raise BadRequest("reader", None, "start the plant with a reader", status=404)
        reader = body.text("reader", next(iter(readers)))
        if reader not in readers:
            raise BadRequest("reader", reader, f"use one of: {', '.join(readers)}", status=404)
        try:
            self._plant.present_card(token, reader)
        except UnknownToken as error:
            raise BadRequest(
                "id_token", token, f"it is {error}", message="id_token is on no card of this reader"
            ) from None
        return {"reader": reader, "id_token": readers[reader].parse(token).hex().upper()}

    def _bus(self, name: str, body: Body) -> Document:
        if name not in self._plant.buses:
            raise BadRequest("bus", name, f"use one of: {', '.join(self._plant.buses)}", status=404)
        now = self._plant.buses[name].faults
        faults = BusFaults(
            online=body.flag("online", now.online),
            crc_error_rate=body.share("crc_error_rate", now.crc_error_rate, 1),
            delay_ms=body.number("delay_ms", now.delay_ms, 0, 60_000),
            foreign_frames=body.share("foreign_frames", now.foreign_frames, LARGEST_FRAMES),
        )
        self._plant.set_bus(name, faults)
        buses: list[Document] = self._plant.state()["buses"]
        return next(bus for bus in buses if bus["name"] == name)

    def _power(self, body: Body) -> Document:
        on = body.flag("on", True)
        self._plant.set_power(on)
        return {"on": on}

    def _house(self, body: Body) -> Document:
        house = self._plant.house
        l1, l2, l3 = (body.number(f"l{n}", now, -LARGEST_A, LARGEST_A) for n, now in enumerate(house.load_a, 1))
        self._plant.sync()
        house.load_a = l1, l2, l3
        return {"l1": l1, "l2": l2, "l3": l3}


def _event(time_s: float, connector: int, kind: str, value: object) -> Document:
    return {"time_s": round(time_s, 4), "connector": connector, "kind": kind, "value": value}


def _plug_in(outlet: Outlet, body: Body) -> None:
    default = CarOptions()
    outlet.plug_in(
        CarOptions(
            amps=body.number("amps", default.amps, 0, 80),
            phases=int(body.number("phases", default.phases, 1, 3)),
            soc=body.number("soc", default.soc, 0, 100),
            timer_s=body.number("timer_s", default.timer_s, 0, LONGEST_S),
            diode_fault_after_s=body.optional_number("diode_fault_after_s", 0, LONGEST_S),
            capacity_wh=body.number("capacity_wh", default.capacity_wh, 1, LARGEST_WH),
            wanted_wh=body.optional_number("wanted_wh", 0, LARGEST_WH),
            cable_a=int(body.number("cable_a", default.cable_a, 0, 63)),
            ventilation=body.flag("ventilation", default.ventilation),
            stubborn=body.flag("stubborn", default.stubborn),
        )
    )


def _meter(outlet: Outlet, body: Body) -> None:
    outlet.set_register(body.required_number("energy_wh", 0, LARGEST_WH))
