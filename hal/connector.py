"""All hardware of one connector: its board, its meter and the drivers between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from hal.api import (
    ActuationFailed,
    ConnectorPlan,
    LightPattern,
    Measurand,
    Observer,
    Phase,
    PilotState,
    SigningAnswered,
    SigningOrder,
)
from hal.bus import Bus
from hal.changes import Changes, FaultKeeper
from hal.device import Device, Reports
from hal.drivers.contactor import ContactorDriver
from hal.drivers.fault_words import FaultWordDriver
from hal.drivers.key import KeyDriver
from hal.drivers.light import LightDriver
from hal.drivers.lock import LockDriver
from hal.drivers.meter import MeterDriver
from hal.drivers.outputs import OutputsDriver
from hal.drivers.pilot import CableDriver, PilotDriver
from hal.drivers.signing import SigningDriver
from hal.drivers.state_of_charge import StateOfChargeDriver
from hal.line_load import Demand, demand
from hal.polling import BOARD_PACE, METER_PACE, BoardPoller, MeterPoller
from hal.profile import BoardProfile, CablePart, LockPart, MeterProfile, Register
from hal.registers import Value

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wiring:
    """Which profiles a connector has and on which buses its devices are."""

    plan: ConnectorPlan
    board: BoardProfile
    board_bus: Bus
    meter: MeterProfile
    meter_bus: Bus

    @property
    def board_unit(self) -> int:
        """Modbus address of the board."""
        return self.plan.board_unit or self.board.unit

    @property
    def meter_unit(self) -> int:
        """Modbus address of the meter."""
        return self.plan.meter_unit or self.meter.unit

    @property
    def most_a(self) -> float:
        """The least of what board and installation bear."""
        return min(self.plan.maximum_current_a, self.board.offer.maximum_a)

    @property
    def lock(self) -> LockPart | None:
        """A captive cable has nothing to lock (IEC 61851-1 case C)."""
        return None if self.plan.captive_cable else self.board.lock

    @property
    def cable(self) -> CablePart | None:
        """A captive cable has the rating of the installation."""
        return None if self.plan.captive_cable else self.board.cable


class Connector:
    """Composes the drivers; a board that a table cannot describe is a subclass, named in `hal.boards.BOARDS`."""

    def __init__(self, wiring: Wiring, observer: Observer, log: Log) -> None:
        self.wiring = wiring
        self._observer = observer
        plan, board = wiring.plan, wiring.board
        changes = Changes(observer)
        faults = FaultKeeper(plan.id, observer, log)
        self._reports = Reports(plan.id, changes, faults, self._failed)
        self._device = Device.on(wiring.board_bus, wiring.board_unit, board)
        self._pilot = PilotDriver(plan.id, board.pilot, changes, faults)
        self._contactor = ContactorDriver(plan.id, board.contactor, changes, faults)
        self._fault_words = FaultWordDriver(board.faults, faults)
        self._cable = CableDriver(plan.id, wiring.cable, changes, faults) if wiring.cable else None
        self._key = KeyDriver(plan.id, board.key, changes) if board.key else None
        self._state_of_charge = StateOfChargeDriver(board.state_of_charge) if board.state_of_charge else None
        self._light = LightDriver(board.light, self._device, self._failed) if board.light else None
        self.lock = LockDriver(wiring.lock, self._device, self._reports) if wiring.lock else None
        self.outputs = OutputsDriver(board, wiring.most_a, self._device, self._contactor, self._reports)
        self._meter = MeterDriver(plan.id, wiring.meter, plan.phases, faults, self._contactor)
        self._meter_device = Device.on(wiring.meter_bus, wiring.meter_unit, wiring.meter)
        part = wiring.meter.signing
        self._signing = SigningDriver(plan.id, part, self._meter_device, observer, log) if part else None
        self._board_poller = self._make_board_poller()
        self._meter_poller = self._make_meter_poller()

    @property
    def measurands(self) -> tuple[tuple[Measurand, Phase | None], ...]:
        """What the meter can measure on the phases that are connected, and what the board knows of the car."""
        by_board = ((Measurand.STATE_OF_CHARGE, None),) if self._state_of_charge else ()
        return (*self._meter.measurands, *by_board)

    @property
    def demands(self) -> tuple[Demand, Demand]:
        """What board and meter want of their lines in a session."""
        wiring = self.wiring
        board, meter = wiring.board_bus, wiring.meter_bus
        return (
            demand(board.name, board.settings, wiring.board, self._watched(), BOARD_PACE.session_s),
            demand(meter.name, meter.settings, wiring.meter, self._meter.wanted(False), METER_PACE.session_s),
        )

    def drive_lock(self, locked: bool) -> None:
        """See `Hardware.drive_lock`; without a lock it is told as failed."""
        if self.lock is None:
            self._failed("lock" if locked else "unlock", "this connector has no lock")
        else:
            self.lock.drive(locked)

    def read_meter(self, request: int) -> None:
        """See `Hardware.read_meter`."""
        self._meter_poller.request(request)

    def sign(self, order: SigningOrder) -> None:
        """See `Hardware.sign`; a meter that cannot is told as such."""
        if self._signing is not None:
            self._signing.order(order)
        else:
            plan = self.wiring.plan
            self._observer(SigningAnswered(plan.id, order.request, order.step, False, detail="the meter does not sign"))

    def show(self, pattern: LightPattern) -> None:
        """See `Hardware.show`."""
        if self._light is not None:
            self._light.show(pattern)

    def session_pace(self, in_session: bool) -> None:
        """See `Hardware.session_pace`."""
        self._board_poller.session_pace(in_session)
        self._meter_poller.session_pace(in_session)

    async def run(self) -> None:
        """Poll and drive until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._board_poller.run(), name=f"board of connector {self.wiring.plan.id}")
            tasks.create_task(self._meter_poller.run(), name=f"meter of connector {self.wiring.plan.id}")
            tasks.create_task(self.outputs.run(), name=f"outputs of connector {self.wiring.plan.id}")
            if self.lock is not None:
                tasks.create_task(self.lock.run(), name=f"lock of connector {self.wiring.plan.id}")
            if self._signing is not None:
                tasks.create_task(self._signing.run(), name=f"signing of connector {self.wiring.plan.id}")

    def _make_board_poller(self) -> BoardPoller:
        return BoardPoller(
            self._device.reader,
            self._watched(),
            self._reports.faults,
            self._take,
            self._recheck_at,
            self._board_is_back,
        )

    def _make_meter_poller(self) -> MeterPoller:
        return MeterPoller(
            self._meter_device.reader,
            self._meter.wanted,
            self._reports.faults,
            self._take_meter,
            lambda detail: self._failed("read_meter", detail),
        )

    def _watched(self) -> tuple[Register, ...]:
        board = self.wiring.board
        names: list[str | None] = [board.pilot.register, board.pilot.advertised, board.contactor.register]
        names += [one.register for one in board.faults]
        names += [board.key.register] if board.key else []
        names += [board.state_of_charge.register] if board.state_of_charge else []
        names += [self.wiring.cable.register] if self.wiring.cable else []
        names += self.lock.watched if self.lock else ()
        return tuple(board.registers[name] for name in dict.fromkeys(names) if name)

    def _recheck_at(self) -> float | None:
        """When something that is being debounced wants to be looked at before the next round."""
        wanted = [self._pilot.recheck_at, self._key.recheck_at if self._key else None]
        return min((one for one in wanted if one is not None), default=None)

    def _take(self, values: Mapping[str, Value], now: float) -> None:
        """One good round of the board: the pilot first, since the others are judged by it."""
        self._pilot.take(values, now)
        seen = self._pilot.seen
        self._fault_words.take(values, now)
        self._contactor.take(values, seen, now)
        plugged = seen is not None and seen.state in (PilotState.B, PilotState.C, PilotState.D)
        if self._state_of_charge is not None:
            self._state_of_charge.take(values, plugged)
        if self._cable is not None:
            self._cable.take(values, plugged, now)
        if self._key is not None:
            self._key.take(values, now)
        if self.lock is not None:
            self.lock.take(values, now)

    def _take_meter(self, values: Mapping[str, Value], requests: Iterable[int], now: float) -> None:
        by_board = self._state_of_charge.measured if self._state_of_charge else ()
        for reading in self._meter.take(values, requests, now):
            self._observer(replace(reading, values=reading.values + by_board) if by_board else reading)

    def _board_is_back(self) -> None:
        self.outputs.board_is_back()
        if self._light is not None:
            self._light.show_again()

    def _failed(self, what: str, detail: str) -> None:
        self._observer(ActuationFailed(self.wiring.plan.id, what, detail[:50]))
