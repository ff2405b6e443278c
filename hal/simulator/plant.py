"""The virtual plant: connectors, buses and readers of one station on one clock.

Theory of operation
-------------------
Plant time starts at 0 and moves only through `tick`, which steps from one instant of interest to the next, so that an
event lies at its own instant however coarse the ticks are. Inside an event loop nobody needs to call `tick`: `run`
sleeps until the next instant, and every bus request, control call and `connector()` first brings the plant to the
present (`sync`). On a virtual-time loop all of this is exact and costs nothing while nothing happens.

The plant is the independent witness of tests: `history` has every change with its plant time.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import asdict
from typing import Any

from hal.simulator.devices.catalogue import (
    BOARDS,
    GRID_METERS,
    METERS,
    READER_FORMATS,
    READERS,
    BoardChoices,
    make_board,
    make_meter,
)
from hal.simulator.devices.phoenix import StatusFunction
from hal.simulator.devices.reader import CardReader
from hal.simulator.history import History
from hal.simulator.physics.house import House
from hal.simulator.physics.outlet import Condition, Outlet
from hal.simulator.physics.timer import earliest
from hal.simulator.settings import BusSettings, OutletSettings, PlantSettings, PlantSettingsError, default_settings
from hal.simulator.wire.bus import Bus, BusFaults
from hal.simulator.wire.line import LineFormat, SerialEnd
from hal.simulator.wire.modbus import ModbusUnit
from hal.simulator.wire.ports import InProcessPorts

SHORTEST_STEP_S = 0.001
LONGEST_SLEEP_S = 3600.0


class Plant:
    """One station's hardware. `port_factory` opens its lines for masters in this process."""

    def __init__(self, settings: PlantSettings | None = None, *, rng: random.Random | None = None) -> None:
        self.settings = settings or default_settings()
        self.time_s = 0.0
        self.history = History()
        self.outlets: dict[int, Outlet] = {}
        self.meters: dict[int, ModbusUnit] = {}
        self.buses: dict[str, Bus] = {}
        self.readers: dict[str, CardReader] = {}
        self.port_factory = InProcessPorts(self._line_at)
        self._rng = rng or random.Random(1)
        self._synced_s: float | None = None
        self._ticking = False
        self._changed: asyncio.Event | None = None
        self._asleep_until_s = 0.0
        """Plant time at which `run` looks again by itself."""
        self._build()

    # ----------------------------------------------------------------------------------------------------- time

    def tick(self, dt_s: float) -> None:
        """Let so many seconds of plant time pass."""
        if self._ticking:  # a witness looks at the plant in the middle of a change
            return
        self._ticking = True
        try:
            self._step_until(self.time_s + dt_s)
        finally:
            self._ticking = False

    def _step_until(self, until_s: float) -> None:
        for outlet in self.outlets.values():
            outlet.react()
        while self.time_s < until_s:
            due_s = earliest(until_s, *(outlet.next_due_s() for outlet in self.outlets.values()))
            assert due_s is not None
            self.time_s = min(until_s, max(due_s, self.time_s + SHORTEST_STEP_S))
            for outlet in self.outlets.values():
                outlet.advance(self.time_s)

    def sync(self) -> None:
        """Come to the present of the running event loop; the first call starts the clock. Without a loop it stands."""
        passed_s = 0.0
        with contextlib.suppress(RuntimeError):
            now_s = asyncio.get_running_loop().time()
            passed_s = now_s - (now_s if self._synced_s is None else self._synced_s)
            self._synced_s = now_s
        self.tick(passed_s * self.settings.time_scale)

    def touched(self) -> None:
        """Something was done to the plant: what comes next may come sooner."""
        if self._changed is not None:
            self._changed.set()

    def _looked_at(self) -> None:
        """A device was only read: nothing moved, but a time-out that it feeds may have begun to run."""
        due_s = self._due_s()
        if due_s is not None and due_s < self._asleep_until_s:
            self.touched()

    def _due_s(self) -> float | None:
        return earliest(*(outlet.next_due_s() for outlet in self.outlets.values()))

    async def run(self) -> None:
        """Keep the plant at the present until cancelled."""
        self._changed = asyncio.Event()
        while True:
            self._changed.clear()
            self.sync()
            await self._sleep(self._changed)

    async def _sleep(self, changed: asyncio.Event) -> None:
        due_s = self._due_s()
        plant_s = LONGEST_SLEEP_S if due_s is None else max(due_s - self.time_s, SHORTEST_STEP_S)
        self._asleep_until_s = self.time_s + plant_s
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(plant_s / self.settings.time_scale):
                await changed.wait()

    # ---------------------------------------------------------------------------------------- what is done to it

    def connector(self, connector: int) -> Outlet:
        """A connector, at the present, to do something to or look at. Raises KeyError."""
        outlet = self.outlets[connector]
        self.sync()
        self.touched()
        return outlet

    def turn_key(self, connector: int, on: bool) -> None:
        """Turn the key switch of a connector. Raises KeyError."""
        self.connector(connector).key.turn(on)

    def set_condition(self, connector: int, condition: Condition, active: bool) -> None:
        """Break something at a connector, or mend it. Raises KeyError."""
        self.connector(connector).set_condition(condition, active)
        if condition is Condition.READER:
            for reader in self._readers_of(connector):
                reader.set_online(not active)

    def set_bus(self, name: str, faults: BusFaults) -> None:
        """Set what is wrong with a line. Raises KeyError."""
        self.buses[name].faults = faults

    def present_card(self, id_token: str, reader: str | None = None) -> None:
        """Hold a card to a reader (the first one by default). Raises KeyError, UnknownToken."""
        chosen = self.readers[reader] if reader is not None else next(iter(self.readers.values()))
        chosen.present(chosen.parse(id_token))

    def set_power(self, powered: bool) -> None:
        """Cut the supply of the whole station, or bring it back: boards forget what is volatile."""
        self.sync()
        lines: list[SerialEnd] = [*self.buses.values(), *self.readers.values()]
        for line in lines:
            line.powered = powered
        for outlet in self.outlets.values():
            outlet.set_power(powered)
        for reader in self.readers.values():
            reader.set_online(powered)
        self.touched()

    def state(self) -> dict[str, Any]:
        """The whole plant at this moment, as `GET /v1/state` answers it."""
        self.sync()
        return {
            "time_s": round(self.time_s, 3),
            "connectors": [_outlet_state(outlet) for outlet in self.outlets.values()],
            "buses": [{"name": bus.name, **asdict(bus.faults)} for bus in self.buses.values()],
            "readers": list(self.readers),
        }

    # ------------------------------------------------------------------------------------------------- building

    def _build(self) -> None:
        units: dict[str, dict[int, ModbusUnit]] = {bus.name: {} for bus in self.settings.buses}
        status_function = StatusFunction(self.settings.phoenix_status_function)
        choices = BoardChoices(self.settings.time_scale, status_function)
        for plan in self.settings.outlets:
            outlet = Outlet(plan.id, self.history, captive_cable=plan.captive_cable, start_wh=plan.start_wh)
            unit = _free_unit(units[plan.board_bus], plan.board_unit, BOARDS[plan.board].unit)
            units[plan.board_bus][unit] = make_board(plan.board, outlet, unit, choices)
            self.outlets[plan.id] = outlet
        self.house = House(self.outlets.values())
        for plan in self.settings.outlets:
            unit = _free_unit(units[plan.meter_bus], plan.meter_unit, METERS[plan.meter].unit)
            self.meters[plan.id] = make_meter(plan.meter, self.outlets[plan.id], unit)
            units[plan.meter_bus][unit] = self.meters[plan.id]
        grid = self.settings.grid
        if grid is not None:
            unit = _free_unit(units[grid.bus], grid.unit, grid.unit)
            units[grid.bus][unit] = GRID_METERS[grid.meter](self.house, unit)
        for bus_settings in self.settings.buses:
            self._add_bus(bus_settings, units[bus_settings.name])
        for reader in self.settings.readers:
            line_format = LineFormat(reader.baud) if reader.baud else READER_FORMATS[reader.profile]
            self.readers[reader.name] = READERS[reader.profile](reader.name, line_format)
        for outlet in self.outlets.values():
            outlet.advance(0.0)

    def _add_bus(self, settings: BusSettings, units: dict[int, ModbusUnit]) -> None:
        line_format = settings.line_format or _format_of_boards(settings.name, self.settings.outlets)
        bus = Bus(settings.name, units, line_format, random.Random(self._rng.random()))
        bus.now, bus.touched, bus.looked_at = self.sync, self.touched, self._looked_at
        self.buses[settings.name] = bus

    def _line_at(self, address: str) -> SerialEnd | None:
        """The line of a name or of a port path."""
        if address in self.buses or address in self.readers:
            return self.buses.get(address) or self.readers.get(address)
        names = {bus.port: bus.name for bus in self.settings.buses if bus.port}
        names |= {reader.port: reader.name for reader in self.settings.readers if reader.port}
        return self._line_at(names[address]) if address in names else None

    def _readers_of(self, connector: int) -> list[CardReader]:
        return [self.readers[s.name] for s in self.settings.readers if connector in s.connectors]


def _free_unit(taken: dict[int, ModbusUnit], wanted: int | None, default: int) -> int:
    """The unit that was asked for, or the next free one from the factory setting on."""
    if wanted is None:
        return next(unit for unit in range(default, 248) if unit not in taken)
    if wanted in taken:
        raise PlantSettingsError("connector.unit", wanted, "give every device on a bus a unit of its own")
    return wanted


def _format_of_boards(bus: str, outlets: tuple[OutletSettings, ...]) -> LineFormat:
    kinds = [BOARDS[outlet.board] for outlet in outlets if outlet.board_bus == bus]
    kinds += [METERS[outlet.meter] for outlet in outlets if outlet.meter_bus == bus]
    return kinds[0].line_format if kinds else LineFormat(9600)


def _outlet_state(outlet: Outlet) -> dict[str, Any]:
    car, board = outlet.car, outlet.board
    return {
        "id": outlet.id,
        "car": {
            "plugged": car is not None,
            "state": outlet.presented.value,
            "current_a": [round(amps, 3) for amps in outlet.currents_a()],
            "soc": round(car.soc, 3) if car is not None else 0.0,
            "energy_wh": round(car.energy_wh, 3) if car is not None else 0.0,
            "paused": car is not None and car.paused,
        },
        "pilot": {"state": board.letter.value, "duty_percent": round(board.duty_percent, 2)},
        "offered_a": round(board.offered_a, 3),
        "contactor": {"closed": outlet.contactor.closed},
        "lock": {"locked": outlet.lock is not None and outlet.lock.locked},
        "meter": {
            "energy_wh": round(outlet.register.energy_wh, 3),
            "power_w": round(sum(outlet.powers_w()), 1),
        },
        "light": board.light,
        "key": outlet.key.on,
        "errors": sorted(condition.value for condition in outlet.conditions),
    }
