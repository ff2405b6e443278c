"""From a plan to running hardware: profiles are read, buses shared, connectors composed, switch-off frames left.

`BOARDS` is the seam for a board that a table cannot describe: profile id -> subclass of `Connector`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hal import bus as bus_module
from hal import line_load, modbus, safe_off
from hal.api import BusPlan, Capabilities, ConnectorPlan, HardwarePlan, LightPattern, Observer, SigningOrder
from hal.blocks import write_requests
from hal.bus import Bus
from hal.connector import Connector, Wiring
from hal.drivers.card_reader import CardReader
from hal.grid_meter import GridMeter, make_grid_meter
from hal.modbus import WriteWords
from hal.opening import worst_opening_ms
from hal.profile import BoardProfile, MeterProfile, Profile
from hal.profile_reader import find_board, find_meter, find_reader
from hal.serial_port import PortFactory, SerialSettings, open_tty
from hal.toml_table import ProfileError

Log = Callable[[str], None]
BOARDS: Mapping[str, type[Connector]] = {}
"""Boards with code of their own; every other profile runs on `Connector`."""


def build(
    plan: HardwarePlan, observer: Observer, ports: PortFactory | None = None, log: Log | None = None
) -> StationHardware:
    """Make the hardware of a plan; nothing is opened before `run`.

    Raises `ProfileError` when a profile is bad or the plan contradicts itself, `OSError` when the folder for the
    switch-off frames cannot be written.
    """
    tell = log or logging.getLogger("hal").info
    opener = ports or open_tty
    profiles = {one.id: _profiles_of(one, plan) for one in plan.connectors}
    _check_ids(plan)
    buses = {one.name: _make_bus(one, plan, profiles, opener, tell) for one in plan.buses}
    connectors = {one.id: _make_connector(one, profiles[one.id], buses, observer, tell) for one in plan.connectors}
    _check_units([one.wiring for one in connectors.values()])
    readers = [
        CardReader(one, find_reader(one.profile, plan.profile_folders), opener, observer, tell) for one in plan.readers
    ]
    grid = make_grid_meter(plan, buses, observer, tell)
    if grid is not None:
        grid.check_unit([one.wiring for one in connectors.values()])
    hardware = StationHardware(connectors, list(buses.values()), readers, grid)
    if plan.safe_off_folder:
        for connector in connectors.values():
            safe_off.write(Path(plan.safe_off_folder), safe_off_of(connector.wiring))
    return hardware


class StationHardware:
    """Satisfies `hal.api.Hardware`: finds the connector and passes the command on."""

    def __init__(
        self,
        connectors: Mapping[int, Connector],
        buses: Sequence[Bus],
        readers: Sequence[CardReader],
        grid: GridMeter | None = None,
    ) -> None:
        self._connectors = connectors
        self._grid = grid
        self._buses = buses
        self._readers = readers
        self._capabilities = {id: capabilities_of(one, connectors, grid) for id, one in connectors.items()}

    @property
    def capabilities(self) -> Mapping[int, Capabilities]:
        """See `Hardware.capabilities`."""
        return self._capabilities

    @property
    def progress(self) -> Mapping[str, int]:
        """How often the task of each bus that carries a board or a meter has come round, for the watchdog."""
        used = {
            name for one in self._connectors.values() for name in (one.wiring.plan.board_bus, one.wiring.plan.meter_bus)
        }
        used |= {self._grid.bus.name} if self._grid is not None else set()
        return {bus.name: bus.turns for bus in self._buses if bus.name in used}

    def offer(self, connector: int, current_a: float, grant: int) -> None:
        """See `Hardware.offer`."""
        self._connectors[connector].outputs.offer(current_a, grant)

    def close_contactor(self, connector: int, grant: int) -> None:
        """See `Hardware.close_contactor`."""
        self._connectors[connector].outputs.close_contactor(grant)

    def lower(self, connector: int, current_a: float, grant: int) -> None:
        """See `Hardware.lower`."""
        self._connectors[connector].outputs.lower(current_a, grant)

    def withdraw(self, connector: int, grant: int) -> None:
        """See `Hardware.withdraw`."""
        self._connectors[connector].outputs.withdraw(grant)

    def open_contactor(self, connector: int, grant: int) -> None:
        """See `Hardware.open_contactor`."""
        self._connectors[connector].outputs.open_contactor(grant)

    def drive_lock(self, connector: int, locked: bool) -> None:
        """See `Hardware.drive_lock`."""
        self._connectors[connector].drive_lock(locked)

    def read_meter(self, connector: int, request: int) -> None:
        """See `Hardware.read_meter`."""
        self._connectors[connector].read_meter(request)

    def sign(self, connector: int, order: SigningOrder) -> None:
        """See `Hardware.sign`."""
        self._connectors[connector].sign(order)

    def show(self, connector: int, pattern: LightPattern) -> None:
        """See `Hardware.show`."""
        self._connectors[connector].show(pattern)

    def all_off(self) -> None:
        """See `Hardware.all_off`."""
        for one in self._connectors.values():
            one.outputs.all_off()

    def session_pace(self, connector: int, in_session: bool) -> None:
        """See `Hardware.session_pace`."""
        self._connectors[connector].session_pace(in_session)

    async def run(self) -> None:
        """See `Hardware.run`."""
        async with asyncio.TaskGroup() as tasks:
            for bus in self._buses:
                tasks.create_task(bus.run(), name=f"bus {bus.name}")
            for connector in self._connectors.values():
                tasks.create_task(connector.run(), name=f"connector {connector.wiring.plan.id}")
            if self._grid is not None:
                tasks.create_task(self._grid.run(), name="grid meter")
            for reader in self._readers:
                tasks.create_task(reader.run(), name="card reader")


def capabilities_of(
    connector: Connector, connectors: Mapping[int, Connector], grid: GridMeter | None = None
) -> Capabilities:
    """What the hardware of one connector can do, and how long it takes to open in the worst case."""
    wiring = connector.wiring
    board = wiring.board
    return Capabilities(
        contactor=board.contactor.kind,
        contactor_feedback=board.contactor.feedback,
        lock=wiring.lock.confirmation if wiring.lock else None,
        cable_rating=wiring.cable is not None,
        dead_man=board.dead_man.dead_man if board.dead_man else None,
        light=board.light is not None,
        key_input=board.key is not None,
        signs=wiring.meter.signing is not None,
        measurands=connector.measurands,
        minimum_current_a=board.offer.minimum_a,
        maximum_current_a=wiring.most_a,
        worst_opening_ms=_worst_opening(wiring, [one.wiring for one in connectors.values()], grid),
        assumptions=(*board.printed_assumptions, *wiring.meter.printed_assumptions),
        limitations=(*board.limitations, *wiring.meter.limitations, *_overloads(connector, connectors, grid)),
    )


def _overloads(connector: Connector, connectors: Mapping[int, Connector], grid: GridMeter | None) -> tuple[str, ...]:
    buses = (connector.wiring.board_bus, connector.wiring.meter_bus)
    demands = [one for each in connectors.values() for one in each.demands] + ([grid.demand] if grid else [])
    return line_load.limitations({bus.name: bus.settings for bus in buses}, demands)


def safe_off_of(wiring: Wiring) -> safe_off.SafeOff:
    """The frames that switch one connector off, with their answers."""
    settings = wiring.board_bus.settings
    requests = _off_requests(wiring)
    return safe_off.SafeOff(
        connector=wiring.plan.id,
        port=wiring.board_bus.address,
        baud=settings.baud,
        parity=settings.parity,
        stop_bits=settings.stop_bits,
        frames=tuple(modbus.encode(one).hex() for one in requests),
        answers=tuple(modbus.expected_answer(one).hex() for one in requests),
    )


def _off_requests(wiring: Wiring) -> tuple[WriteWords, ...]:
    board = wiring.board
    return write_requests((*board.contactor.open, *board.offer.withdraw), board.registers, wiring.board_unit)


def _worst_opening(wiring: Wiring, others: Sequence[Wiring], grid: GridMeter | None) -> int:
    bus = wiring.board_bus
    boards = [one for one in others if one.board_bus is bus]
    reads = [one.board.limits.max_read for one in boards]
    reads += [one.meter.longest_exchange for one in others if one.meter_bus is bus]
    reads += [grid.longest_read] if grid is not None and grid.bus is bus else []
    return worst_opening_ms(
        settings=bus.settings,
        answer_s=bus_module.ANSWER_S,
        settle_s=bus_module.SETTLE_S,
        gap_s=wiring.board.limits.gap_ms / 1000,
        longest_read=max(reads),
        withdraw=_off_requests(wiring),
        boards_before=len(boards) - 1,
    )


def _profiles_of(connector: ConnectorPlan, plan: HardwarePlan) -> tuple[BoardProfile, MeterProfile]:
    folders = plan.profile_folders
    return find_board(connector.board, folders), find_meter(connector.meter, folders)


def _check_ids(plan: HardwarePlan) -> None:
    ids = [one.id for one in plan.connectors]
    if sorted(ids) != list(range(1, len(ids) + 1)):
        raise ProfileError(f"connector ids are {ids}; number them 1, 2, ... without gaps")
    names = [one.name for one in plan.buses]
    if len(set(names)) != len(names):
        raise ProfileError(f"bus names are {names}; each bus needs a name of its own")


def _check_units(wirings: Sequence[Wiring]) -> None:
    taken: dict[tuple[str, int], str] = {}
    for one in wirings:
        id = one.plan.id
        for bus, unit, who in (
            (one.board_bus.name, one.board_unit, f"board of connector {id}"),
            (one.meter_bus.name, one.meter_unit, f"meter of connector {id}"),
        ):
            other = taken.setdefault((bus, unit), who)
            if other != who:
                raise ProfileError(f"bus {bus!r}: unit {unit} is {other} and {who}; give each a unit of its own")


def _make_bus(
    plan: BusPlan,
    whole: HardwarePlan,
    profiles: Mapping[int, tuple[BoardProfile, MeterProfile]],
    ports: PortFactory,
    log: Log,
) -> Bus:
    devices: list[Profile] = []
    for one in whole.connectors:
        board, meter = profiles[one.id]
        devices += [board] if one.board_bus == plan.name else []
        devices += [meter] if one.meter_bus == plan.name else []
    if whole.grid is not None and whole.grid.bus == plan.name:
        devices.append(find_meter(whole.grid.meter, whole.profile_folders))
    if not devices:
        raise ProfileError(f"bus {plan.name!r}: no connector uses it; remove it or name it as board_bus or meter_bus")
    return Bus(plan.name, plan.port, _settings(plan, devices), ports, log)


def _settings(plan: BusPlan, devices: Sequence[Profile]) -> SerialSettings:
    """What the plan says, else what all profiles on the bus agree on."""
    found = devices[0].serial
    found = replace(
        found,
        baud=plan.baud or found.baud,
        parity=plan.parity or found.parity,
        stop_bits=plan.stop_bits or found.stop_bits,
    )
    for field, given in (("baud", plan.baud), ("parity", plan.parity), ("stop_bits", plan.stop_bits)):
        wanted = {one.id: getattr(one.serial, field) for one in devices}
        if given is None and len(set(wanted.values())) > 1:
            told = ", ".join(f"{id} {value}" for id, value in wanted.items())
            raise ProfileError(f"bus {plan.name!r}: {field}: its devices differ ({told}); set {field} of the bus")
    return found


def _make_connector(
    plan: ConnectorPlan,
    profiles: tuple[BoardProfile, MeterProfile],
    buses: Mapping[str, Bus],
    observer: Observer,
    log: Log,
) -> Connector:
    for field, name in (("board_bus", plan.board_bus), ("meter_bus", plan.meter_bus)):
        if name not in buses:
            known = ", ".join(buses) or "none"
            raise ProfileError(f"connector {plan.id}: {field}: there is no bus {name!r}; there are: {known}")
    board, meter = profiles
    if plan.key_input and board.key is None:
        raise ProfileError(
            f"connector {plan.id}: board {board.id!r} has no key input; authorise by card, or choose a board with [key]"
        )
    if plan.signing_required and meter.signing is None:
        raise ProfileError(f"connector {plan.id}: meter {meter.id!r} does not sign; choose another, or signed = 'off'")
    wiring = Wiring(plan, board, buses[plan.board_bus], meter, buses[plan.meter_bus])
    return BOARDS.get(board.id, Connector)(wiring, observer, log)
